"""An empty root to install a package into: Python, a shell, few programs of this machine, no more.

It is made without a package manager and without the network, in a second or two.
"""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import sys
from pathlib import Path

FOR_SCRIPTS = "sh env getent groupadd useradd chown chmod find ln ls rm sed uname true"
"""What the packages' scripts may call."""
PYTHON_FACTS = """
import json, sys, sysconfig
print(json.dumps([sys.version_info[:2], sys.executable, sysconfig.get_path("stdlib")]))
"""
NOT_NEEDED = ("test", "tests", "idlelib", "tkinter", "ensurepip", "site-packages", "dist-packages")
C_LIBRARY = ("libpthread", "libdl", "librt", "libutil", "libm", "libresolv", "libnss_files")
ACCOUNTS = {
    "passwd": "root:x:0:0:root:/root:/bin/sh\n",
    "group": "root:x:0:\n",
    "shadow": "root:*:19000:0:99999:7:::\n",
    "gshadow": "root:*::\n",
    "nsswitch.conf": "passwd: files\ngroup: files\nshadow: files\nhosts: files dns\n",
    "hosts": "127.0.0.1 localhost\n",
    "login.defs": "SYS_UID_MAX 999\nSYS_GID_MAX 999\n",
}


def make_root(root: Path, versions: list[str]) -> None:
    """Fill a folder with what a package may expect of a system.

    Args:
        root: an empty folder.
        versions: of Python that the package runs with.
    """
    for folder in ("usr/bin", "usr/sbin", "usr/lib", "usr/lib64", "etc", "run", "var/lib", "dev"):
        (root / folder).mkdir(parents=True, mode=0o755)
    (root / "tmp").mkdir()
    (root / "tmp").chmod(0o1777)
    for name in ("bin", "sbin", "lib", "lib64"):
        (root / name).symlink_to(f"usr/{name}")
    for name, content in ACCOUNTS.items():
        (root / "etc" / name).write_text(content, "utf-8")
    null = root / "dev" / "null"  # a file will do, and needs no right to make devices
    null.touch()
    null.chmod(0o666)
    for program in FOR_SCRIPTS.split():
        found = shutil.which(program, path="/usr/bin:/usr/sbin:/bin:/sbin")
        if found is None:
            sys.exit(f"{program} is missing on this machine")
        copy_program(root, Path(found))
    copy_python(root, versions)


def copy_python(root: Path, versions: list[str]) -> None:
    """Copy a Python of this machine, so that it is /usr/bin/python3 there."""
    for program in ("/usr/bin/python3", getattr(sys, "_base_executable", sys.executable)):
        if not Path(program).exists():
            continue
        done = subprocess.run(
            [program, "-I", "-c", PYTHON_FACTS], capture_output=True, text=True, check=True
        )
        version, executable, library = json.loads(done.stdout)
        if ".".join(map(str, version)) in versions:
            break
    else:
        sys.exit(f"there is no Python of version {', '.join(versions)}")
    real = Path(executable).resolve()
    copy_program(root, real)
    target = root / "usr/bin/python3"
    if not target.exists():
        target.symlink_to(real)
    inside = root / library.lstrip("/")
    ignore = shutil.ignore_patterns(*NOT_NEEDED, "config-*")
    shutil.copytree(library, inside, symlinks=True, ignore=ignore, dirs_exist_ok=True)
    for extension in inside.rglob("*.so"):
        copy_libraries(root, extension)
    # The rest of the C library: wheels were linked where threads were in a file of their own.
    for library in [path for path in root.rglob("libc.so.*") if path.is_file()]:
        outside = Path("/") / library.relative_to(root)
        for name in C_LIBRARY:
            for part in outside.parent.glob(f"{name}.so.*"):
                shutil.copy(part, library.parent / part.name)


def copy_program(root: Path, program: Path) -> None:
    """Copy a program, and the libraries that it needs."""
    target = root / str(program).lstrip("/")
    target.parent.mkdir(parents=True, exist_ok=True)
    shutil.copy(program, target)
    copy_libraries(root, program)


def copy_libraries(root: Path, program: Path) -> None:
    """Copy what the dynamic linker would load."""
    done = subprocess.run(["ldd", str(program)], capture_output=True, text=True, check=False)
    for library in re.findall(r"(/\S+) \(0x", done.stdout):
        target = root / library.lstrip("/")
        if not target.exists():
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(library, target)
