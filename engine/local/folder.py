"""The folder of a local platform: one process at a time, its ports and its password kept."""

from __future__ import annotations

import fcntl
import json
import os
import secrets
import socket
import time
from pathlib import Path

from engine.errors import LocalPlatformError
from engine.local.zookeeper import free_port

LOCK_PATIENCE = 3.0
"""Seconds: the children of a killed platform end a moment after it."""


class DataFolder:
    """Where one local platform keeps everything; held by an flock that its children inherit."""

    def __init__(self, path: Path) -> None:
        """Args: path: made when missing."""
        self.path = path.absolute()
        self._lock: int | None = None

    @property
    def zookeeper(self) -> Path:
        """The folder of the ZooKeeper server."""
        return self.path / "zookeeper"

    @property
    def database(self) -> Path:
        """The file of the local API's store."""
        return self.path / "api.sqlite"

    @property
    def logs(self) -> Path:
        """The folder of the services' logs."""
        return self.path / "logs"

    @property
    def password_file(self) -> Path:
        """The file of the password, for the eyes of its owner only."""
        return self.path / "password"

    @property
    def lock(self) -> int:
        """The descriptor that holds the folder; a child that inherits it holds it too.

        Raises:
            LocalPlatformError: the folder has not been acquired.
        """
        if self._lock is None:
            raise LocalPlatformError(f"{self.path} has not been acquired")
        return self._lock

    def acquire(self) -> None:
        """Take the folder for this process.

        Raises:
            LocalPlatformError: another platform runs in it, or it cannot be written.
        """
        try:
            self.path.mkdir(mode=0o700, parents=True, exist_ok=True)
            self._lock = os.open(self.path / "lock", os.O_RDWR | os.O_CREAT, 0o600)
        except OSError as error:
            raise LocalPlatformError(f"cannot use the folder {self.path}: {error}") from error
        deadline = time.monotonic() + LOCK_PATIENCE
        while not self._try_lock(self._lock):
            if time.monotonic() > deadline:
                holder = os.pread(self._lock, 32, 0).decode("ascii", "replace").strip()
                self.release()
                raise LocalPlatformError(
                    f"a local platform runs in {self.path} already (process {holder or '?'}): "
                    "use that one, end it, or name another folder with --data"
                )
            time.sleep(0.05)
        os.ftruncate(self._lock, 0)
        os.pwrite(self._lock, f"{os.getpid()}\n".encode(), 0)

    def release(self) -> None:
        """Give the folder free; calling it twice does nothing."""
        if self._lock is not None:
            os.close(self._lock)
            self._lock = None

    def port(self, name: str, wanted: int) -> int:
        """Return the port for a part: the wanted one, else the last time's, else a free one.

        Args:
            name: the part, under which the port is remembered.
            wanted: 0 leaves the choice to us.

        Raises:
            LocalPlatformError: the wanted port is in use.
        """
        if wanted and not _is_free(wanted):
            raise LocalPlatformError(f"the {name} port {wanted} is in use: name another, or 0")
        remembered = self._ports()
        port = wanted or remembered.get(name, 0)
        if not wanted and not (port and _is_free(port)):
            port = free_port()
        if remembered.get(name) != port:
            ports = json.dumps({**remembered, name: port})
            (self.path / "ports.json").write_text(ports + "\n", encoding="ascii")
        return port

    def password(self) -> str:
        """Return the password of the local API's user; made on the first call, for our eyes only.

        Raises:
            LocalPlatformError: the file cannot be written or read.
        """
        path, fresh = self.password_file, self.path / "password.new"
        try:
            if not path.is_file() or not path.read_text(encoding="ascii").strip():
                fresh.unlink(missing_ok=True)
                flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW
                with os.fdopen(os.open(fresh, flags, 0o600), "w", encoding="ascii") as file:
                    file.write(secrets.token_urlsafe(18) + "\n")
                fresh.replace(path)
            return path.read_text(encoding="ascii").strip()
        except (OSError, UnicodeDecodeError) as error:
            raise LocalPlatformError(f"cannot use {path}: {error}") from error

    def _ports(self) -> dict[str, int]:
        try:
            found = json.loads((self.path / "ports.json").read_text(encoding="ascii"))
        except (OSError, ValueError):
            # Nothing remembered is the rule on a first start, and no harm later.
            return {}
        if not isinstance(found, dict):
            return {}
        return {k: v for k, v in found.items() if isinstance(v, int) and 0 < v < 65536}

    @staticmethod
    def _try_lock(descriptor: int) -> bool:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return False
        return True


def _is_free(port: int) -> bool:
    with socket.socket() as probe:
        # As servers do: a connection that lingers from the last time is no obstacle.
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
    return True
