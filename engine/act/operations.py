"""The exact operations of a plan, in words and in a form for programs.

All node operations of a plan are one transaction of ZooKeeper: all of them or none.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from engine.models.control import Command
from engine.text import clean, clean_bytes
from engine.zookeeper import wire


@dataclass(frozen=True, slots=True, kw_only=True)
class CreateNode:
    """Make a node."""

    path: str
    """The node, or the beginning of its name where it is sequential."""
    data: bytes = field(default=b"", compare=False)
    """Not compared: it may tell the time."""
    sequential: bool = False

    @property
    def words(self) -> str:
        """What it does."""
        name = f"{self.path}<next number>" if self.sequential else self.path
        return f"create {clean(name, limit=256)} holding {clean_bytes(self.data, limit=200)}"

    def to_json(self) -> dict[str, Any]:
        """Return it for a record or a program."""
        data = clean_bytes(self.data, limit=512)
        return {"create": self.path, "sequential": self.sequential, "data": data}


@dataclass(frozen=True, slots=True, kw_only=True)
class DeleteNode:
    """Delete a node at one version."""

    path: str
    version: int

    @property
    def words(self) -> str:
        """What it does."""
        return f"delete {clean(self.path, limit=256)} at version {self.version}"

    def to_json(self) -> dict[str, Any]:
        """Return it for a record or a program."""
        return {"delete": self.path, "version": self.version}


@dataclass(frozen=True, slots=True, kw_only=True)
class CheckNode:
    """Go on only if a node is there at one version."""

    path: str
    version: int

    @property
    def words(self) -> str:
        """What it does."""
        return f"only if {clean(self.path, limit=256)} is at version {self.version}"

    def to_json(self) -> dict[str, Any]:
        """Return it for a record or a program."""
        return {"check": self.path, "version": self.version}


@dataclass(frozen=True, slots=True, kw_only=True)
class CheckAbsent:
    """Go on only if a node is not there. ZooKeeper has no such check: the node is made and deleted
    in the same transaction, which nobody else can see."""

    path: str

    @property
    def words(self) -> str:
        """What it does."""
        return f"only if {clean(self.path, limit=256)} is not there"

    def to_json(self) -> dict[str, Any]:
        """Return it for a record or a program."""
        return {"check-absent": self.path}


NodeOperation = CreateNode | DeleteNode | CheckNode | CheckAbsent


@dataclass(frozen=True, slots=True, kw_only=True)
class AddJob:
    """Ask the API for a new job; the server queues it."""

    document: Mapping[str, Any]

    @property
    def words(self) -> str:
        """What it does."""
        return f"POST job {clean(json.dumps(self.document), limit=400)}"

    def to_json(self) -> dict[str, Any]:
        """Return it for a record or a program."""
        return {"method": "POST", "path": "job", "body": dict(self.document)}


@dataclass(frozen=True, slots=True, kw_only=True)
class CancelJob:
    """Ask the API to cancel a job."""

    job_id: str

    @property
    def words(self) -> str:
        """What it does."""
        return f"POST {clean(self.job_id, limit=256)}/cancel"

    def to_json(self) -> dict[str, Any]:
        """Return it for a record or a program."""
        return {"method": "POST", "path": f"{self.job_id}/cancel"}


@dataclass(frozen=True, slots=True, kw_only=True)
class TellMember:
    """Send a command to a process of ours, and wait for its answer."""

    instance: str
    command: Command
    job_id: str | None = None
    entry: str | None = None
    """The entry that is meant."""

    @property
    def words(self) -> str:
        """What it does."""
        about = f" {clean(self.job_id, limit=256)}" if self.job_id else ""
        return f"tell {clean(self.instance, limit=256)}: {self.command.value}{about}"

    def to_json(self) -> dict[str, Any]:
        """Return it for a record or a program."""
        return {
            "member": self.instance,
            "command": self.command.value,
            "job_id": self.job_id,
            "entry": self.entry,
        }


Operation = NodeOperation | AddJob | CancelJob | TellMember


def requests(operation: NodeOperation, acl: Any) -> list[Any]:
    """Return the requests of `wire` for one operation of a transaction.

    Args:
        operation: what to do.
        acl: gives the ACL of a new node by its path (`ZooKeeper.acl_of`).
    """
    match operation:
        case CreateNode(path=path, data=data):
            flags = wire.SEQUENTIAL if operation.sequential else 0
            return [wire.create(path, data, acl=acl(path), flags=flags)]
        case DeleteNode(path=path, version=version):
            return [wire.delete(path, version)]
        case CheckNode(path=path, version=version):
            return [wire.check(path, version)]
        case CheckAbsent(path=path):
            return [wire.create(path, b"", flags=wire.EPHEMERAL), wire.delete(path)]
