"""The dossier of one job: all that a diagnosis rests on, as it was read."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from engine.models.job import JobRecord
from engine.models.member import MemberSnapshot
from engine.models.queue import QueueEntry
from engine.models.report import Source


@dataclass(frozen=True, slots=True, kw_only=True)
class SessionLink:
    """What the servers say of the ZooKeeper session that owns a lock."""

    session: int
    client: str = ""
    """The address that it is connected from, safe to draw; "" where it has no connection."""
    silence: float | None = None
    """Seconds since a server last heard from it, at least."""
    timeout: float | None = None
    """Seconds of silence after which it expires."""
    trouble: str = ""
    """Why the servers could not all be asked, and which right is missing."""

    @property
    def is_gone(self) -> bool:
        """Whether all servers answered, and the session is connected to none of them."""
        return not (self.client or self.trouble)


@dataclass(frozen=True, slots=True, kw_only=True)
class RunTimes:
    """How long an action's finished jobs ran, in seconds."""

    count: int
    average: float
    longest: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Pace:
    """What the queue did within a time, as the documents tell."""

    window: float
    """Seconds."""
    started: int
    """Jobs that executors started within it."""
    last_started: datetime | None = None
    """When the newest start was."""
    better_arrived: int | None = None
    """Jobs created within it that stand before the job by their priority."""
    better_started: int | None = None
    """Those of them that were started within it, whenever they came."""
    others_started: int | None = None
    """Jobs of the job's own priority or a worse one that were started within it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Flaps:
    """How often an entry was taken and released, as somebody saw or an executor tells."""

    times: int
    window: float
    """Seconds."""
    last: datetime | None = None
    """When it was released last, where there was one and it is known."""
    reason: str = ""
    """Of the last release, where an executor told; safe to draw."""
    source: str = "watch"
    """"watch", or "presence" where the executors count themselves."""


@dataclass(frozen=True, slots=True, kw_only=True)
class StackSample:
    """One look at the threads of a job's owner."""

    at: datetime
    frames: tuple[str, ...] | None
    """The thread that works on the job, innermost first; None where no thread does."""
    source: str
    """Who took it, such as "in-process" or "py-spy"."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Dossier:
    """One job, from all sources, at one moment."""

    job_id: str
    taken_at: datetime
    sources: tuple[Source, ...]
    """"zookeeper" and "api"."""
    record: JobRecord | None = None
    """None where the API has no such job, or failed: its source tells which."""
    entries: tuple[QueueEntry, ...] = ()
    """The entries that hold the job's id, in queue order, each with its lock."""
    is_searched: bool = False
    """Whether the whole queue was searched for them."""
    depth: int | None = None
    """Entries in the queue."""
    ahead: int | None = None
    """Entries that stand before its first one."""
    ahead_free: int | None = None
    """Those of them that nobody holds."""
    foreign_locks: int = 0
    """Locks in /job/taken that other executors than ours made."""
    members: MemberSnapshot | None = None
    link: SessionLink | None = None
    """Of the owner of the first lock."""
    history: RunTimes | None = None
    """Of the job's action; None where it is not known."""
    pace: Pace | None = None
    flaps: Flaps | None = None
    """None where nobody watched."""
    stacks: tuple[StackSample, ...] = ()
    """Of the owner, oldest first; empty where none were read."""
    stacks_of: str = ""
    """The member that they are of; "" for a process that does not announce itself."""
    stacks_trouble: str = ""
    """Why none were read, or why they are not whole; safe to draw."""

    def source(self, name: str) -> Source:
        """Return a source; one that was not asked has neither an age nor an error."""
        return next((s for s in self.sources if s.name == name), Source(name=name))
