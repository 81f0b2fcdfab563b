"""The file of an act in bulk: what it is for, and how far it has come, so that it can be continued.

Its first line is the order with all subjects; then come two lines for each subject, one before it
is acted on and one after.
"""

from __future__ import annotations

import fcntl
import json
import os
import re
import secrets
import threading
from collections import Counter
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Self

from engine.act.audit_file import FILE_MODE, FOLDER_MODE
from engine.errors import BulkError
from engine.models import Ending, format_time
from engine.settings import Settings

SCHEMA = "nuvla-engine/bulk/1"
PREFIX = "bulk-"
_ID = re.compile(r"\d{8}-\d{6}-[0-9a-f]{4}", re.ASCII)
_FLAGS = os.O_RDWR | os.O_APPEND | os.O_CLOEXEC | os.O_NOFOLLOW


@dataclass(frozen=True, slots=True, kw_only=True)
class Order:
    """What is to be done, and to what."""

    act: str
    filter: str
    """As the operator gave it."""
    place: str = ""
    """The installation that it is for, so that it is not continued against another."""
    reason: str = ""
    force: bool = False
    priority: int | None = None
    subjects: tuple[str, ...] = field(default=(), repr=False)


def place_of(settings: Settings) -> str:
    """Return the installation that settings name, for `Order.place`."""
    return f"{settings.api_url} {settings.zk_hosts} {settings.zk_root}"


class BulkFile:
    """One act in bulk on the disk; one process at a time has it. Calls may come from any thread."""

    def __init__(
        self, path: Path, descriptor: int, order: Order, noted: Mapping[int, Ending]
    ) -> None:
        """Not for callers: `create` and `open` make one."""
        self.id = path.stem.removeprefix(PREFIX)
        self.path = path
        self.order = order
        self._noted = dict(noted)
        self._descriptor = descriptor
        self._lock = threading.Lock()

    @classmethod
    def create(cls, folder: Path, order: Order) -> Self:
        """Write the order down, before anything is done.

        Raises:
            BulkError: it cannot be written.
        """
        id = f"{datetime.now(UTC):%Y%m%d-%H%M%S}-{secrets.token_hex(2)}"
        path = _path(folder, id)
        head = {"schema": SCHEMA, "at": format_time(datetime.now(UTC)), **asdict(order)}
        try:
            folder.mkdir(mode=FOLDER_MODE, parents=True, exist_ok=True)
            file = cls(path, _open_alone(path, _FLAGS | os.O_CREAT | os.O_EXCL), order, {})
            try:
                file._write(head)
                os.fsync(file._descriptor)
            except BaseException:
                file.close()
                raise
        except OSError as error:
            raise BulkError(f"{path} cannot be written: {error.strerror}") from error
        return file

    @classmethod
    def open(cls, folder: Path, id: str) -> Self:
        """Take an order up again.

        Raises:
            BulkError: there is none of that id, it is damaged, or another process works on it.
        """
        if not _ID.fullmatch(id):
            raise BulkError(f"{id!r} is not the id of an act in bulk, such as 20261126-090410-3fa9")
        path = _path(folder, id)
        try:
            descriptor = _open_alone(path, _FLAGS)
            try:
                lines = path.read_bytes().splitlines(keepends=True)
                order, noted = _read(lines)
                if not lines[-1].endswith(b"\n"):
                    os.write(descriptor, b"\n")  # a crash cut it
            except BaseException:
                os.close(descriptor)
                raise
        except OSError as error:
            raise BulkError(f"{path} cannot be read: {error.strerror}") from error
        except (ValueError, KeyError, TypeError) as error:
            raise BulkError(f"{path} is damaged: {error!r}") from error
        return cls(path, descriptor, order, noted)

    @classmethod
    def last(cls, folder: Path, act: str) -> Self:
        """Take up the newest order of an act that is left in a folder.

        Raises:
            BulkError: there is none, or as `open`.
        """
        for path in sorted(folder.glob(f"{PREFIX}*.jsonl"), reverse=True):
            with suppress(BulkError):  # another process has it, or it is damaged
                file = cls.open(folder, path.stem.removeprefix(PREFIX))
                if file.order.act == act:
                    return file
                file.close()
        raise BulkError(f"no {act} in bulk is left in {folder}")

    def pending(self, *, unknown: bool) -> list[int]:
        """Return the places of the subjects to act on, in order.

        Args: unknown: with those that were acted on, but nobody knows how it ended.
        """
        done = {n for n, end in self._noted.items() if not unknown or end != Ending.MAYBE_APPLIED}
        return [place for place in range(len(self.order.subjects)) if place not in done]

    def tally(self) -> Counter[Ending]:
        """Return how many subjects ended in which way."""
        return Counter(self._noted.values())

    def begin(self, place: int) -> None:
        """Note that a subject is about to be acted on. Until its end is noted it counts as one
        that may be done.

        Raises:
            BulkError: it cannot be written, so nothing must be done.
        """
        self._note(place, Ending.MAYBE_APPLIED)

    def end(self, place: int, ending: Ending | None) -> None:
        """Note how it ended. Args: ending: None puts it back among the pending.

        Raises:
            BulkError: it cannot be written.
        """
        self._note(place, ending)

    def remove(self) -> None:
        """Delete the file: all is done, and the record of acts tells the rest.

        Raises:
            BulkError: it cannot be deleted.
        """
        try:
            self.path.unlink(missing_ok=True)
        except OSError as error:
            raise BulkError(f"{self.path} cannot be deleted: {error.strerror}") from error

    def close(self) -> None:
        """Let go of it; nothing where it is closed."""
        with self._lock:
            if self._descriptor >= 0:
                os.close(self._descriptor)
                self._descriptor = -1

    def _note(self, place: int, ending: Ending | None) -> None:
        with self._lock:
            try:
                self._write([place, None if ending is None else str(ending)])
            except OSError as error:
                raise BulkError(f"{self.path} cannot be written: {error.strerror}") from error
            if ending is None:
                self._noted.pop(place, None)
            else:
                self._noted[place] = ending

    def _write(self, value: Any) -> None:
        data = json.dumps(value).encode("ascii") + b"\n"
        if os.write(self._descriptor, data) != len(data):
            raise OSError(0, "the disk is full")


def _path(folder: Path, id: str) -> Path:
    return folder / f"{PREFIX}{id}.jsonl"


def _open_alone(path: Path, flags: int) -> int:
    descriptor = os.open(path, flags, FILE_MODE)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError as error:
        os.close(descriptor)
        raise BulkError(f"another process works on {path} at this moment") from error
    return descriptor


def _read(lines: Sequence[bytes]) -> tuple[Order, dict[int, Ending]]:
    head = json.loads(lines[0]) if lines else {}
    if not isinstance(head, dict) or head.get("schema") != SCHEMA:
        raise ValueError("it does not begin with an order")
    order = Order(
        act=str(head["act"]),
        filter=str(head["filter"]),
        place=str(head["place"]),
        reason=str(head["reason"]),
        force=head["force"] is True,
        priority=None if head["priority"] is None else int(head["priority"]),
        subjects=tuple(str(subject) for subject in head["subjects"]),
    )
    noted: dict[int, Ending] = {}
    for line in lines[1:]:
        try:
            place, word = json.loads(line)
        except ValueError:
            continue  # a crash cut it: what it told is not known, as before it
        if word is None:
            noted.pop(int(place), None)
        else:
            noted[int(place)] = Ending(word)
    return order, noted
