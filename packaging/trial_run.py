"""Run commands, look at files, and end with what is wrong where something is."""

from __future__ import annotations

import grp
import os
import pwd
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

from trial_service import account

ROOT = Path(__file__).resolve().parents[1]
SECONDS = 120.0


def own_environment() -> dict[str, str]:
    """Return the environment without the settings of whoever runs this."""
    return {key: value for key, value in os.environ.items() if not key.startswith("NUVLA_")}


def inventory(root: Path) -> set[str]:
    """Return the names of all files in the root, and of folders that bear our name."""
    found = (path for path in root.rglob("*") if not path.is_dir() or "nuvla" in path.name)
    return {str(path.relative_to(root)) for path in found}


def owner_names(root: Path, path: Path) -> tuple[str, str]:
    """Return the names of a file's owner and group, as the root knows them."""
    status = path.lstat()
    uid, gid = account(root, "nuvla")
    user = "nuvla" if status.st_uid == uid else pwd.getpwuid(status.st_uid).pw_name
    group = "nuvla" if status.st_gid == gid else grp.getgrgid(status.st_gid).gr_name
    return user, group


def inside(root: Path, *command: str, **environment: str) -> str:
    """Run a command in the root as the services' user, and return what it printed."""
    uid, gid = account(root, "nuvla")
    environment = {
        "PATH": "/usr/sbin:/usr/bin",
        "HOME": "/var/lib/nuvla",
        "LANG": "C.UTF-8",
        **environment,
    }
    return run("chroot", f"--userspec=+{uid}:+{gid}", root, *command, env=environment)


def run(*command: object, env: dict[str, str] | None = None, check: bool = True) -> str:
    """Run a command and return what it printed; exit with it where it fails."""
    words = [str(word) for word in command]
    done = subprocess.run(
        words, cwd=ROOT, env=env, capture_output=True, text=True, timeout=600, check=False
    )
    if check and done.returncode:
        sys.exit(f"{' '.join(words)} failed:\n{done.stdout[-4000:]}{done.stderr[-4000:]}")
    return done.stdout


def eventually(condition: Callable[[], bool], what: str) -> None:
    """Wait until a condition comes true."""
    deadline = time.monotonic() + SECONDS
    while not condition():
        expect(
            time.monotonic() < deadline, f"within {SECONDS:g} s it did not come true that {what}"
        )
        time.sleep(0.5)


def expect(condition: bool, otherwise: str) -> None:
    """Exit with what is wrong, where something is."""
    if not condition:
        sys.exit(f"try-install: {otherwise}")


def said(*words: str) -> None:
    """Tell what is done."""
    print("try-install:", *words, flush=True)
