"""The file that keeps the record of acts: a line is in it whole, and on the disk, or not at all."""

from __future__ import annotations

import fcntl
import os
import stat
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from engine.errors import AuditError

FILE_MODE = 0o600
FOLDER_MODE = 0o700
TOO_WIDE = 0o037
"""Rights that nobody but the owner may have; who collects logs may read as the file's group."""
LOCK_SECONDS = 5.0
"""Longest wait for another process that writes; a line takes it milliseconds."""
_FLAGS = os.O_RDWR | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW | os.O_NONBLOCK


def append_line(path: Path, line: bytes) -> None:
    """Add a line and wait until it is on the disk.

    The file is opened for each line, so that it may be rotated at any time. A line that a crash
    cut at the end of the file is left as it is, and the new one begins after it.

    Raises:
        AuditError: it cannot be written whole; says why.
    """
    try:
        path.parent.mkdir(mode=FOLDER_MODE, parents=True, exist_ok=True)
        descriptor = os.open(path, _FLAGS, FILE_MODE)
        try:
            _check(path, descriptor)
            with _alone(path, descriptor):
                is_new = _write(path, descriptor, line)
            os.fsync(descriptor)
            if is_new:
                _sync_folder(path.parent)
        finally:
            os.close(descriptor)
    except OSError as error:
        raise AuditError(_cannot(path, error.strerror or str(error))) from error


def _check(path: Path, descriptor: int) -> None:
    """Refuse a file in which others could write, or that another user has planted."""
    status = os.fstat(descriptor)
    if not stat.S_ISREG(status.st_mode):
        raise AuditError(_cannot(path, "it is no file"))
    if status.st_uid not in (os.geteuid(), 0):
        raise AuditError(_cannot(path, "it belongs to another user"))
    if stat.S_IMODE(status.st_mode) & TOO_WIDE:
        raise AuditError(
            _cannot(path, "others could change or read it; make it private: chmod 600")
        )


@contextmanager
def _alone(path: Path, descriptor: int) -> Iterator[None]:
    """Keep other processes from writing; the lock goes with a process that dies."""
    deadline = time.monotonic() + LOCK_SECONDS
    while True:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            break
        except BlockingIOError:
            if time.monotonic() > deadline:
                raise AuditError(
                    _cannot(path, f"another process has held it for {LOCK_SECONDS:g} s")
                ) from None
            time.sleep(0.005)
    try:
        yield
    finally:
        fcntl.flock(descriptor, fcntl.LOCK_UN)


def _write(path: Path, descriptor: int, line: bytes) -> bool:
    """Write the line, and return whether it is the file's first."""
    size = os.fstat(descriptor).st_size
    cut = size > 0 and os.pread(descriptor, 1, size - 1) != b"\n"
    data = b"\n" * cut + line + b"\n"
    written = os.write(descriptor, data)
    if written != len(data):
        raise AuditError(_cannot(path, f"only {written} of {len(data)} bytes were taken"))
    return size == 0


def _sync_folder(folder: Path) -> None:
    """Let the name of a new file survive a power loss as its contents do."""
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _cannot(path: Path, why: str) -> str:
    return (
        f"the record of acts {path} cannot be written: {why}. Without a record nothing is changed; "
        "free it, or name another file with --audit-file"
    )
