"""Start an installed unit as systemd would, in the root that it was installed into."""

from __future__ import annotations

import os
import select
import shlex
import shutil
import signal
import socket
import subprocess
import time
from pathlib import Path

READY_SECONDS = 120.0
STOP_SECONDS = 120.0


class Service:
    """One unit: the lines of its file and drop-ins decide what is run, as whom, and with what."""

    def __init__(self, root: Path, unit: str) -> None:
        """Args:
        root: where it is installed.
        unit: such as nuvla-job-distributor@jobs_cleanup.service.
        """
        self.unit = unit
        self._root = root
        self._values = read_unit(root, unit)
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self._address = f"/run/{unit}.notify"
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Start it and wait until it says that it is ready.

        Raises:
            RuntimeError: it ended, or did not get ready in time.
        """
        path = self._root / self._address.lstrip("/")
        self._socket.bind(str(path))
        path.chmod(0o666)
        environment = self._environment()
        uid, gid = account(self._root, self._values["User"][-1])
        command = [
            "chroot",
            f"--userspec=+{uid}:+{gid}",
            str(self._root),
            *self._words(environment),
        ]
        self._process = subprocess.Popen(
            command, env={**environment, "NOTIFY_SOCKET": self._address}, start_new_session=True
        )
        self._wait_until_ready(self._process)

    def stop(self) -> int:
        """Stop it as systemd does and return its exit code."""
        assert self._process is not None
        self._process.send_signal(signal.SIGTERM)
        return self._process.wait(STOP_SECONDS)

    def close(self) -> None:
        """End what is left of it."""
        self._socket.close()
        (self._root / self._address.lstrip("/")).unlink(missing_ok=True)
        if self._process is not None and self._process.poll() is None:
            os.killpg(self._process.pid, signal.SIGKILL)
            self._process.wait(STOP_SECONDS)

    def _environment(self) -> dict[str, str]:
        found = {"PATH": "/usr/sbin:/usr/bin", "LANG": "C.UTF-8", "HOME": "/var/lib/nuvla"}
        for line in self._values.get("Environment", []):
            found.update(word.split("=", 1) for word in shlex.split(line))
        for name in self._values.get("EnvironmentFile", []):
            path = self._root / name.lstrip("-/")
            lines = path.read_text("utf-8").splitlines()
            for line in (text.strip() for text in lines if text.strip()[:1] not in ("", "#")):
                key, _, value = line.partition("=")
                found[key] = "".join(shlex.split(value))
        return found

    def _words(self, environment: dict[str, str]) -> list[str]:
        words: list[str] = []
        for word in shlex.split(self._values["ExecStart"][-1]):
            name = word[1:] if word.startswith("$") else ""
            words += shlex.split(environment.get(name, "")) if name else [word]
        return words

    def _wait_until_ready(self, process: subprocess.Popen[bytes]) -> None:
        deadline = time.monotonic() + READY_SECONDS
        while time.monotonic() < deadline:
            if process.poll() is not None:
                raise RuntimeError(f"{self.unit} ended with {process.returncode}")
            if select.select([self._socket], [], [], 0.2)[0]:
                message = self._socket.recv(4096).decode()
                if "READY=1" in message.split("\n"):
                    return
        raise RuntimeError(f"{self.unit} was not ready within {READY_SECONDS:g} s")


def read_unit(root: Path, unit: str) -> dict[str, list[str]]:
    """Return the values of all keys of a unit and of its drop-ins, in the order of the files."""
    units = root / "usr/lib/systemd/system"
    prefix, at, instance = unit.removesuffix(".service").partition("@")
    files = [units / f"{prefix}{at}.service"]
    files += sorted((units / f"{prefix.rpartition('-')[0]}-{at}.service.d").glob("*.conf"))
    found: dict[str, list[str]] = {}
    for file in files:
        for line in file.read_text("utf-8").splitlines():
            key, is_value, value = line.partition("=")
            if is_value and not line.startswith("#"):
                found.setdefault(key, []).append(value.replace("%i", instance))
    return found


def account(root: Path, user: str) -> tuple[int, int]:
    """Return the numbers of a user and of its group, as the root knows them."""
    for line in (root / "etc/passwd").read_text("utf-8").splitlines():
        name, _, uid, gid, *_ = line.split(":")
        if name == user:
            return int(uid), int(gid)
    raise LookupError(f"there is no user {user}")


def has_chroot() -> bool:
    """Whether this process may change its root."""
    return os.geteuid() == 0 and shutil.which("chroot") is not None
