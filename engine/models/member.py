"""Members: the executors and distributors of this engine that say they are there."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, field, fields
from datetime import datetime
from enum import StrEnum
from typing import Any

from engine.models.control import RemoteControl
from engine.models.job import format_time, parse_time
from engine.text import clean


class MemberKind(StrEnum):
    """What a member does."""

    EXECUTOR = "executor"
    DISTRIBUTOR = "distributor"


class MemberState(StrEnum):
    """How a member takes part."""

    RUNNING = "running"
    PAUSED = "paused"
    DRAINING = "draining"
    DRAINED = "drained"


@dataclass(frozen=True, slots=True, kw_only=True)
class RunningJob:
    """A job that a member works on."""

    job_id: str
    entry: str
    action: str
    thread: str
    since: datetime


API_HOLD = "the API cannot be used"
"""The reason of an executor that stops claiming by itself."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Hold:
    """One reason for which a member claims nothing."""

    reason: str
    since: datetime
    """By the member's clock."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PutBack:
    """A job that a member has put back in the queue again and again."""

    job_id: str
    times: int
    """Within the last ten minutes."""
    last: datetime
    """By the member's clock."""
    reason: str
    """Of the last time; safe to draw."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Member:
    """The presence node of one process."""

    instance: str
    """Unique for each start of a process."""
    kind: MemberKind
    name: str
    host: str
    pid: int
    version: str
    started: datetime
    state: MemberState = MemberState.RUNNING
    threads: int = 0
    offers: tuple[str, ...] = ()
    """Actions that an executor runs, or distributions that a distributor contends for."""
    jobs: tuple[RunningJob, ...] = ()
    broken: tuple[str, ...] = ()
    """Plug-ins that could not be loaded, each with the reason."""
    last_errors: tuple[str, ...] = ()
    """The newest errors that the process logged, newest last."""
    holds: tuple[Hold, ...] = ()
    """Why it claims nothing, and since when; empty while it claims."""
    put_back: tuple[PutBack, ...] = ()
    """Jobs that it put back at least thrice within ten minutes, the most often first."""
    remote_control: RemoteControl = RemoteControl.ALL
    """What can be asked of it over ZooKeeper."""
    updated: datetime | None = None
    """When the process wrote this (by its own clock)."""
    session: int = 0
    """The ZooKeeper session that owns the node; 0 where it has not been read from a node."""

    def to_node(self) -> bytes:
        """Return the data of the presence node."""
        return json.dumps(
            {k: v for k, v in asdict(self).items() if k != "session"}, default=_encode
        ).encode()

    @classmethod
    def from_node(cls, instance: str, data: bytes | None, *, session: int) -> Member | None:
        """Read a presence node; None where its data is not what a member writes."""
        try:
            raw = json.loads(data or b"")
            return cls(
                instance=clean(instance, limit=256),
                kind=MemberKind(raw["kind"]),
                name=clean(str(raw["name"]), limit=256),
                host=clean(str(raw["host"]), limit=256),
                pid=int(raw["pid"]),
                version=clean(str(raw["version"]), limit=64),
                started=_time(raw["started"]),
                state=MemberState(raw["state"]),
                threads=int(raw["threads"]),
                offers=_texts(raw["offers"]),
                jobs=tuple(_running(job) for job in raw["jobs"]),
                broken=_texts(raw["broken"]),
                last_errors=_texts(raw["last_errors"]),
                holds=tuple(_hold(hold) for hold in raw.get("holds", ())),
                put_back=tuple(_put_back(job) for job in raw.get("put_back", ())),
                # Who does not say so does not answer.
                remote_control=RemoteControl(raw.get("remote_control", "none")),
                updated=parse_time(raw.get("updated")),
                session=session,
            )
        except (
            ValueError,
            KeyError,
            TypeError,
            AttributeError,
            OverflowError,
            RecursionError,
        ):
            return None


@dataclass(frozen=True, slots=True, kw_only=True)
class MemberSnapshot:
    """All members, by kind, name and instance."""

    taken_at: datetime
    members: tuple[Member, ...] = ()
    unreadable: tuple[str, ...] = ()
    """Presence nodes that hold no member, safe to draw."""
    paused: str | None = None
    """Who paused the executors, when and why, where they are paused; safe to draw."""
    _at_work: Mapping[str, Sequence[tuple[Member, RunningJob]]] = field(
        init=False, repr=False, compare=False
    )

    def __post_init__(self) -> None:
        """Note who works on what: thousands of jobs are looked up in it."""
        found: dict[str, list[tuple[Member, RunningJob]]] = {}
        for member in self.members:
            for job in member.jobs:
                found.setdefault(job.job_id, []).append((member, job))
        object.__setattr__(self, "_at_work", found)

    def at_work(self, job_id: str) -> Sequence[tuple[Member, RunningJob]]:
        """Return who says that it works on a job, and what it says of that work."""
        return self._at_work.get(job_id, ())


@dataclass(frozen=True, slots=True, kw_only=True)
class LockNote:
    """What we write into a lock of ours, so that one read tells who holds the job."""

    instance: str
    thread: str
    claim: str
    """Random, so that a claimer can tell its own lock from any other."""

    def to_node(self) -> bytes:
        """Return the data of the lock's node. Made for each claim, so nothing generic."""
        text = {"instance": self.instance, "thread": self.thread, "claim": self.claim}
        return json.dumps(text).encode()

    @classmethod
    def from_node(cls, data: bytes | None) -> LockNote | None:
        """Read a lock's data; None for a foreign lock (kazoo writes 32 hex digits)."""
        if not data or not data.startswith(b"{"):
            return None
        try:
            raw = json.loads(data)
            return cls(**{f.name: clean(raw[f.name], limit=256) for f in fields(cls)})
        except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
            return None


def _encode(value: object) -> str:
    if isinstance(value, datetime):
        return format_time(value)
    raise TypeError(f"{type(value).__name__} has no JSON form here")


def _time(text: object) -> datetime:
    when = parse_time(text)
    if when is None:
        raise ValueError("not a timestamp")
    return when


def _texts(values: Iterable[object]) -> tuple[str, ...]:
    return tuple(clean(str(value), limit=512) for value in values)


def _running(raw: dict[str, Any]) -> RunningJob:
    return RunningJob(
        job_id=clean(str(raw["job_id"]), limit=256),
        entry=clean(str(raw["entry"]), limit=256),
        action=clean(str(raw["action"]), limit=256),
        thread=clean(str(raw["thread"]), limit=256),
        since=_time(raw["since"]),
    )


def _put_back(raw: dict[str, Any]) -> PutBack:
    return PutBack(
        job_id=clean(str(raw["job_id"]), limit=256),
        times=int(raw["times"]),
        last=_time(raw["last"]),
        reason=clean(str(raw["reason"]), limit=512),
    )


def _hold(raw: dict[str, Any]) -> Hold:
    return Hold(reason=clean(str(raw["reason"]), limit=512), since=_time(raw["since"]))
