"""Requests and answers of ZooKeeper's protocol, as values: what kazoo lacks, and typed results.

Source of the numbers and layouts: ZooKeeper's zookeeper.jute and ZooDefs.java, release 3.8.
"""

from __future__ import annotations

import struct
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from enum import Enum
from typing import Any, ClassVar, NamedTuple

from kazoo import exceptions
from kazoo.protocol import serialization
from kazoo.security import ACL, OPEN_ACL_UNSAFE

_INT = struct.Struct("!i")
_STAT = struct.Struct("!qqqqiiiqiiq")
_MULTI_HEADER = struct.Struct("!iBi")
_MULTI_END = _MULTI_HEADER.pack(-1, 1, -1)
_ERROR_RESULT = -1
_GET_DATA, _CREATE, _SET_DATA = 4, 1, 5

_NO_WATCH = b"\0"

_ENTRY_LENGTH = bytes([len("entry-999-0000000000")])
_ENTRY_STEP = 4 + _ENTRY_LENGTH[0]

EPHEMERAL, SEQUENTIAL = 1, 2
"""Bits of a create's flags."""
NO_TIME = datetime.fromtimestamp(0, UTC)


class ZnodeStat(NamedTuple):
    """What ZooKeeper keeps of a node, by the names of its protocol; times in milliseconds."""

    czxid: int
    mzxid: int
    ctime: int
    mtime: int
    version: int
    cversion: int
    aversion: int
    ephemeralOwner: int
    dataLength: int
    numChildren: int
    pzxid: int

    @property
    def created(self) -> datetime:
        """When the node was made, by the server's clock."""
        return datetime.fromtimestamp(self.ctime / 1000, UTC)


class Answer(Enum):
    """What became of one operation of a transaction; all DONE means that it was applied."""

    DONE = "done"
    ROLLED_BACK = "rolled back"
    """Another operation of the transaction failed."""
    NO_NODE = "no such node"
    EXISTS = "the node exists"
    NOT_EMPTY = "the node has children"
    BAD_VERSION = "the node has changed"
    NO_AUTH = "the ACL forbids it"
    FAILED = "failed"


_ANSWERS = {
    0: Answer.ROLLED_BACK,
    -2: Answer.ROLLED_BACK,
    -101: Answer.NO_NODE,
    -102: Answer.NO_AUTH,
    -103: Answer.BAD_VERSION,
    -110: Answer.EXISTS,
    -111: Answer.NOT_EMPTY,
}


@dataclass(frozen=True, slots=True)
class Watcher:
    """A one-shot watch that calls a flag setter on every event, the disconnect included.

    Equal callbacks are equal watchers, so that kazoo keeps one, however often it is set again.
    """

    callback: Callable[[], None]

    def __call__(self, event: object) -> None:
        """Called by kazoo, in its watch thread."""
        self.callback()


class Children(serialization.GetChildren2):  # type: ignore[misc]  # kazoo publishes no types
    """getChildren2: the names and the stat of the parent."""

    @classmethod
    def deserialize(cls, buffer: bytes, offset: int) -> tuple[list[str], ZnodeStat]:
        """Read the answer; a slice for each name, since there can be 300,000."""
        count, start = _INT.unpack_from(buffer, offset)[0], offset + 4
        end = start + count * _ENTRY_STEP
        if len(buffer) == end + _STAT.size and _are_entries(buffer[start:end], count):
            text = buffer[start:end].decode("latin-1")
            cut = range(4, len(text), _ENTRY_STEP)
            return [text[at : at + _ENTRY_STEP - 4] for at in cut], _stat(buffer, end)
        names = []
        end = start
        unpack = _INT.unpack_from
        for _ in range(count):
            start = end + 4
            end = start + unpack(buffer, end)[0]
            names.append(buffer[start:end].decode())
        return names, _stat(buffer, end)


class Data(serialization.GetData):  # type: ignore[misc]  # kazoo publishes no types
    """getData: the node's bytes and stat; null data is empty."""

    @classmethod
    def deserialize(cls, buffer: bytes, offset: int) -> tuple[bytes, ZnodeStat]:
        """Read the answer."""
        data, offset = _buffer(buffer, offset)
        return data, _stat(buffer, offset)


class Exists(serialization.Exists):  # type: ignore[misc]  # kazoo publishes no types
    """exists: the stat; kazoo answers None for a missing node by the type's number."""

    @classmethod
    def deserialize(cls, buffer: bytes, offset: int) -> ZnodeStat:
        """Read the answer."""
        return _stat(buffer, offset)


class SetData(serialization.SetData):  # type: ignore[misc]  # kazoo publishes no types
    """setData: the new stat."""

    @classmethod
    def deserialize(cls, buffer: bytes, offset: int) -> ZnodeStat:
        """Read the answer."""
        return _stat(buffer, offset)


@dataclass(frozen=True, slots=True)
class Multi:
    """multi: all of the operations, or none."""

    operations: Sequence[Any]

    type: ClassVar[int] = 14

    def serialize(self) -> bytes:
        """Write the request."""
        return _write_operations(self.operations)

    @classmethod
    def deserialize(cls, buffer: bytes, offset: int) -> tuple[Answer, ...]:
        """Read one answer for each operation."""
        answers = []
        kind, done, _ = _MULTI_HEADER.unpack_from(buffer, offset)
        while not done:
            offset += _MULTI_HEADER.size
            answer = Answer.DONE
            if kind == _ERROR_RESULT:
                code, offset = _INT.unpack_from(buffer, offset)[0], offset + 4
                answer = _ANSWERS.get(code, Answer.FAILED)
            elif kind == _CREATE:
                _, offset = _buffer(buffer, offset)
            elif kind == _SET_DATA:
                offset += _STAT.size
            answers.append(answer)
            kind, done, _ = _MULTI_HEADER.unpack_from(buffer, offset)
        return tuple(answers)


class Making(Multi):
    """multi that begins by creating a node whose name the server completes."""

    @classmethod
    def deserialize(cls, buffer: bytes, offset: int) -> Any:
        """Read the node's path, the chroot included, as the only one in a list, since kazoo looks
        through what a multi answers; or, where it failed, one answer each."""
        answers = Multi.deserialize(buffer, offset)
        if any(answer is not Answer.DONE for answer in answers):
            return answers
        return [_buffer(buffer, offset + _MULTI_HEADER.size)[0].decode()]


@dataclass(frozen=True, slots=True)
class MultiRead:
    """multiRead (3.6 and newer): the data of many nodes in one answer."""

    paths: Sequence[str]

    type: ClassVar[int] = 22

    def serialize(self) -> bytes:
        """Write the request."""
        return _write_reads(self.paths)

    @classmethod
    def deserialize(cls, buffer: bytes, offset: int) -> list[tuple[bytes, ZnodeStat] | Answer]:
        """Read the data and stat of each node, or why it could not be read."""
        found: list[tuple[bytes, ZnodeStat] | Answer] = []
        kind, done, _ = _MULTI_HEADER.unpack_from(buffer, offset)
        while not done:
            offset += _MULTI_HEADER.size
            if kind == _GET_DATA:
                data, offset = _buffer(buffer, offset)
                found.append((data, _stat(buffer, offset)))
                offset += _STAT.size
            else:
                code, offset = _INT.unpack_from(buffer, offset)[0], offset + 4
                found.append(_ANSWERS.get(code, Answer.FAILED))
            kind, done, _ = _MULTI_HEADER.unpack_from(buffer, offset)
        return found


@dataclass(frozen=True, slots=True)
class MultiSearch:
    """multiRead of nodes of which few, if any, hold the text: other answers are not taken apart."""

    paths: Sequence[str]
    text: bytes

    type: ClassVar[int] = 22

    def serialize(self) -> bytes:
        """Write the request."""
        return MultiRead(self.paths).serialize()

    def deserialize(self, buffer: bytes, offset: int) -> list[int]:
        """Return the places of the nodes whose data is the text."""
        if buffer.find(self.text, offset) < 0:
            return []
        answers = MultiRead.deserialize(buffer, offset)
        return [
            place
            for place, answer in enumerate(answers)
            if not isinstance(answer, Answer) and answer[0] == self.text
        ]


@dataclass(frozen=True, slots=True)
class Ephemerals:
    """getEphemerals (3.6 and newer): this session's ephemeral nodes below a prefix."""

    prefix: str

    type: ClassVar[int] = 103

    def serialize(self) -> bytes:
        """Write the request."""
        return _text(self.prefix)

    @classmethod
    def deserialize(cls, buffer: bytes, offset: int) -> list[str]:
        """Read the paths."""
        count, offset = _INT.unpack_from(buffer, offset)[0], offset + 4
        paths = []
        for _ in range(count):
            path, offset = _buffer(buffer, offset)
            paths.append(path.decode())
        return paths


class Sync(serialization.Sync):  # type: ignore[misc]  # kazoo publishes no types
    """sync: later reads of this session see all that the leader had committed by now."""


def create(path: str, data: bytes, *, acl: Sequence[ACL] = (), flags: int = 0) -> Any:
    """Return a create request, for itself or inside a transaction."""
    return serialization.Create(path, data, list(acl) or OPEN_ACL_UNSAFE, flags)


def set_data(path: str, data: bytes, version: int = -1) -> Any:
    """Return a setData request, for itself or inside a transaction; version -1 matches any."""
    return SetData(path, data, version)


def delete(path: str, version: int = -1) -> Any:
    """Return a delete request; version -1 matches any."""
    return serialization.Delete(path, version)


def check(path: str, version: int = -1) -> Any:
    """Return a check for use inside a transaction: the node exists, at this version."""
    return serialization.CheckVersion(path, version)


def below(chroot: str, request: Any) -> Any:
    """Return the request with its path or paths placed below the chroot."""
    if not chroot:
        return request
    if isinstance(request, Multi):
        return type(request)([below(chroot, operation) for operation in request.operations])
    if isinstance(request, (MultiRead, MultiSearch)):
        return replace(request, paths=[rooted(chroot, path) for path in request.paths])
    if isinstance(request, Ephemerals):
        return Ephemerals(rooted(chroot, request.prefix))
    return request._replace(path=rooted(chroot, request.path))


def rooted(chroot: str, path: str) -> str:
    """Return a path below the chroot; the root itself becomes the chroot."""
    return (chroot if path == "/" else chroot + path) or "/"


def answer_of(error: BaseException) -> Answer:
    """Return what a refused request was refused for; FAILED for anything unusual."""
    code = getattr(error, "code", None) if isinstance(error, exceptions.ZookeeperError) else None
    return _ANSWERS.get(code, Answer.FAILED) if code is not None else Answer.FAILED


def _write_operations(operations: Iterable[Any]) -> bytes:
    parts = bytearray()
    for operation in operations:
        parts += _MULTI_HEADER.pack(operation.type, 0, -1)
        parts += operation.serialize()
    return bytes(parts + _MULTI_END)


def _write_reads(paths: Sequence[str]) -> bytes:
    """Write requests for data; in one piece where the paths are equally long, as entries' are."""
    if len(set(map(len, paths))) != 1 or not "".join(paths).isascii():
        return _write_operations([Data(path, None) for path in paths])
    head = _MULTI_HEADER.pack(_GET_DATA, 0, -1) + _INT.pack(len(paths[0]))
    # Each byte of a head as one character, so that C code joins the whole.
    between = (_NO_WATCH + head).decode("latin-1")
    text = between.join(paths).encode("latin-1")
    return head + text + _NO_WATCH + _MULTI_END


def _are_entries(names: bytes, count: int) -> bool:
    """Whether all names are as long as an entry's, and ASCII, so that they can be cut blindly."""
    lengths = [names[at::_ENTRY_STEP] for at in range(4)]
    return lengths == [bytes(count)] * 3 + [_ENTRY_LENGTH * count] and names.isascii()


def _text(text: str) -> bytes:
    data = text.encode()
    return _INT.pack(len(data)) + data


def _buffer(buffer: bytes, offset: int) -> tuple[bytes, int]:
    length = _INT.unpack_from(buffer, offset)[0]
    offset += 4
    return (b"", offset) if length < 0 else (buffer[offset : offset + length], offset + length)


def _stat(buffer: bytes, offset: int) -> ZnodeStat:
    return ZnodeStat._make(_STAT.unpack_from(buffer, offset))
