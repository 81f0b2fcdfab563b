"""The queue as seen: its entries and the locks on them."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import NamedTuple


@dataclass(frozen=True, slots=True, kw_only=True)
class Owner:
    """Who holds a lock or leads an election, as far as it can be told."""

    session: int
    """The ZooKeeper session that owns the ephemeral node."""
    instance: str | None = None
    """The process, where the lock is one of ours; a foreign lock does not name it."""
    thread: str | None = None
    """The worker thread in that process."""

    @property
    def is_foreign(self) -> bool:
        """Whether an executor other than ours made the lock."""
        return self.instance is None


@dataclass(frozen=True, slots=True, kw_only=True)
class Lock:
    """A node of /job/taken."""

    entry: str
    """The name of the entry it locks."""
    owner: Owner
    since: datetime
    version: int = 0
    job_id: str | None = None
    """The job in the entry, or None where the entry is gone (an orphan lock) or unreadable."""
    is_orphan: bool = False
    """Whether no entry of that name exists."""


class QueueEntry(NamedTuple):
    """A node of /job/entries. A tuple, not a dataclass: there can be 100,000 of them."""

    name: str
    priority: int
    sequence: int
    job_id: str | None = None
    """None where the data has not been read or is no job id; `problem` tells which."""
    created: datetime | None = None
    """When the entry was made (the node's ctime); None where the node has not been read."""
    lock: Lock | None = None
    problem: str | None = None
    """Why the data is no job id, safe to draw."""

    @property
    def is_taken(self) -> bool:
        """Whether somebody holds the entry's lock."""
        return self.lock is not None


@dataclass(frozen=True, slots=True, kw_only=True)
class QueueSnapshot:
    """/job/entries joined with /job/taken, in the order in which executors take entries."""

    taken_at: datetime
    depth: int
    """Entries in the queue, listed or not."""
    entries: tuple[QueueEntry, ...] = ()
    held: int = 0
    """Entries that are locked."""
    foreign: tuple[str, ...] = ()
    """Nodes of /job/entries whose name the recipe did not make, safe to draw."""

    @property
    def waiting(self) -> int:
        """Entries that nobody holds."""
        return self.depth - self.held

    def oldest(self, now: datetime) -> timedelta | None:
        """Return the age of the oldest entry that nobody holds, as far as entries were read."""
        ages = [now - e.created for e in self.entries if e.created and not e.is_taken]
        return max(ages, default=None)


@dataclass(frozen=True, slots=True, kw_only=True)
class TakenSnapshot:
    """/job/taken: the locks, oldest first."""

    taken_at: datetime
    locks: tuple[Lock, ...] = ()
