"""Where log lines go: stderr, or a file that is rotated by size. Neither can stop the work.

A target that is full, closed or stuck loses lines; the first line that gets through again says how
many were lost.
"""

from __future__ import annotations

import contextlib
import logging
import os
import select
import stat
from pathlib import Path

from engine.errors import SettingsError

FILE_SIZE = 10_000_000
"""Bytes of a log file before it is rotated."""
FILES_KEPT = 5
STALL = 1.0
"""Seconds that a line waits for a reader who does not read; after a loss, no time at all."""
_PIECE = 4096
"""Bytes that a pipe which is ready takes without blocking (PIPE_BUF)."""


class Target(logging.Handler):
    """Writes each record as whole lines, in one piece where the system allows."""

    def __init__(self) -> None:
        super().__init__()
        self._lost = 0

    def emit(self, record: logging.LogRecord) -> None:
        """Write a record, or count it as lost."""
        try:
            data = (self.format(record) + "\n").encode("utf-8", "backslashreplace")
            if self._lost:
                data = self._loss().encode() + data
            self._write(data)
        except Exception:
            # There is nowhere left to say it, and the work goes on.
            self._lost += 1
        else:
            self._lost = 0

    def _write(self, data: bytes) -> None:
        """Write lines. Raises OSError: not all of them were written."""
        raise NotImplementedError

    def _loss(self) -> str:
        text = f"{self._lost} log records before this one were lost: the log could not be written"
        record = logging.LogRecord(__name__, logging.WARNING, "", 0, text, (), None)
        return self.format(record) + "\n"


class StreamTarget(Target):
    """A file descriptor that is open already, such as that of stderr."""

    def __init__(self, descriptor: int) -> None:
        super().__init__()
        self._descriptor = descriptor
        self._can_stall = not _is_regular(descriptor)
        self._ready = select.poll()
        self._ready.register(descriptor, select.POLLOUT)

    def _write(self, data: bytes) -> None:
        if not self._can_stall:
            return _write_all(self._descriptor, data)
        for start in range(0, len(data), _PIECE):
            if not self._ready.poll(0 if self._lost else STALL * 1000):
                raise BlockingIOError("nobody reads the log")
            _write_all(self._descriptor, data[start : start + _PIECE])


class FileTarget(Target):
    """A file of our own; several processes may share it, and others may move it away."""

    def __init__(self, path: Path, *, size: int = FILE_SIZE, kept: int = FILES_KEPT) -> None:
        """Args:
        path: the file; its folder is made where it is missing.
        size: bytes after which it is rotated.
        kept: rotated files to keep.

        Raises:
            SettingsError: it cannot be opened.
        """
        super().__init__()
        self._path = path
        self._size = size
        self._kept = kept
        self._descriptor = -1
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            self._open()
        except OSError as error:
            raise SettingsError(
                f"log-dir: {path} cannot be opened for writing: {error.strerror}"
            ) from error

    def close(self) -> None:
        """Close the file."""
        self._shut()
        super().close()

    def _write(self, data: bytes) -> None:
        if self._must_rotate(len(data)):
            self._rotate()
        if self._descriptor < 0:
            self._open()
        _write_all(self._descriptor, data)

    def _must_rotate(self, more: int) -> bool:
        """Whether the file is full; opens it anew where it was moved away."""
        try:
            there = os.stat(self._path)
            own = os.fstat(self._descriptor)
        except OSError:
            self._shut()
            return False
        if (there.st_ino, there.st_dev) != (own.st_ino, own.st_dev):
            self._shut()
            return False
        return there.st_size > 0 and there.st_size + more > self._size

    def _rotate(self) -> None:
        self._shut()
        names = [self._path, *(Path(f"{self._path}.{n}") for n in range(1, self._kept + 1))]
        for older, newer in reversed(list(zip(names[1:], names, strict=False))):
            # Another process that shares the files may have moved this one.
            with contextlib.suppress(FileNotFoundError):
                os.replace(newer, older)

    def _open(self) -> None:
        # Never through a link that somebody planted in a shared folder.
        flags = os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC
        self._descriptor = os.open(self._path, flags, 0o640)

    def _shut(self) -> None:
        if self._descriptor >= 0:
            descriptor, self._descriptor = self._descriptor, -1
            with contextlib.suppress(OSError):
                os.close(descriptor)


def _is_regular(descriptor: int) -> bool:
    return stat.S_ISREG(os.fstat(descriptor).st_mode)


def _write_all(descriptor: int, data: bytes) -> None:
    while data:
        data = data[os.write(descriptor, data) :]
