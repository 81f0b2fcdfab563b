"""What a plan rests on: nodes, documents and members as they were read. Equal means unchanged."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from engine.models import JobRecord, Member, MemberState, format_time
from engine.states import JobState
from engine.text import clean
from engine.zookeeper.connection import ZnodeStat


@dataclass(frozen=True, slots=True, kw_only=True)
class NodeBasis:
    """A node of ZooKeeper, or that there is none."""

    path: str
    czxid: int | None = None
    """The transaction that made it, which no other node of this name shares; None: no node."""
    version: int = 0
    owner: int = 0
    """The session that an ephemeral node belongs to."""

    @classmethod
    def of(cls, path: str, stat: ZnodeStat | None) -> NodeBasis:
        """Return the basis for what was read of a path."""
        if stat is None:
            return cls(path=path)
        return cls(path=path, czxid=stat.czxid, version=stat.version, owner=stat.ephemeralOwner)

    @property
    def subject(self) -> str:
        """What it is about, safe to draw."""
        return clean(self.path, limit=256)

    @property
    def state(self) -> str:
        """How it was, in words."""
        if self.czxid is None:
            return "no such node"
        owner = f", session {self.owner:#x}" if self.owner else ""
        return f"version {self.version}, czxid {self.czxid:#x}{owner}"

    def to_json(self) -> dict[str, Any]:
        """Return it for a record or a program."""
        there = {"czxid": self.czxid, "version": self.version, "session": self.owner}
        return {"node": self.path, **(there if self.czxid is not None else {"czxid": None})}


@dataclass(frozen=True, slots=True, kw_only=True)
class DocumentBasis:
    """A job's document, or that the API has none."""

    job_id: str
    job_state: JobState | None = None
    updated: datetime | None = field(default=None, compare=False)
    """Told, but not compared: each progress of a running job moves it."""

    @classmethod
    def of(cls, job_id: str, record: JobRecord | None) -> DocumentBasis:
        """Return the basis for what the API said of a job."""
        if record is None:
            return cls(job_id=job_id)
        return cls(job_id=job_id, job_state=record.state, updated=record.updated)

    @property
    def subject(self) -> str:
        """What it is about, safe to draw."""
        return clean(self.job_id, limit=256)

    @property
    def state(self) -> str:
        """How it was, in words."""
        if self.job_state is None:
            return "no such document"
        when = f", updated {format_time(self.updated)}" if self.updated else ""
        return f"{self.job_state}{when}"

    def to_json(self) -> dict[str, Any]:
        """Return it for a record or a program."""
        return {
            "document": self.job_id,
            "state": None if self.job_state is None else str(self.job_state),
            "updated": None if self.updated is None else format_time(self.updated),
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class MemberBasis:
    """A process of ours by its presence node."""

    instance: str
    session: int
    member_state: MemberState | None = None
    """None where the plan does not depend on it."""

    @classmethod
    def of(cls, member: Member, *, with_state: bool = False) -> MemberBasis:
        """Return the basis for a member."""
        state = member.state if with_state else None
        return cls(instance=member.instance, session=member.session, member_state=state)

    @property
    def subject(self) -> str:
        """What it is about, safe to draw."""
        return f"member {self.instance}"

    @property
    def state(self) -> str:
        """How it was, in words."""
        state = f", {self.member_state}" if self.member_state else ""
        return f"session {self.session:#x}{state}"

    def to_json(self) -> dict[str, Any]:
        """Return it for a record or a program."""
        state = None if self.member_state is None else str(self.member_state)
        return {"member": self.instance, "session": self.session, "state": state}


Basis = NodeBasis | DocumentBasis | MemberBasis


def changes(before: Iterable[Basis], after: Iterable[Basis]) -> list[str]:
    """Return what differs between two readings, one sentence for each subject; none if nothing."""
    old = {basis.subject: basis for basis in before}
    new = {basis.subject: basis for basis in after}
    found = []
    for subject in [*old, *(subject for subject in new if subject not in old)]:
        was, now = old.get(subject), new.get(subject)
        if was == now:
            continue
        was_words = was.state if was else "not looked at"
        now_words = now.state if now else "no longer what it would act on"
        found.append(f"{subject}: was {was_words}; now {now_words}")
    return found
