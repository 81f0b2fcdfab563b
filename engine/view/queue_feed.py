"""Keeps the picture of a long queue: lists it seldom, reads what is in sight first."""

from __future__ import annotations

import time
from bisect import bisect_left
from collections.abc import Callable, Collection, Container, Iterable, Mapping, Sequence
from datetime import UTC, datetime

from engine.models import Lock, QueueEntry, QueueSnapshot
from engine.text import clean
from engine.view.queue import read_entries, split_names
from engine.zookeeper import paths
from engine.zookeeper.connection import ZooKeeper

CHUNK = 2000
"""Entries read at once in the background."""
_LISTING = 20.0
"""A listing is repeated no sooner than so many times what it took."""
_SOONEST = 0.25
"""Seconds."""
_LONG = 20_000
CALL_SECONDS = 2.0
"""What a call may take before its source counts as silent."""
LISTING_SECONDS = 20.0
"""What a listing may take: 100,000 entries are 3 MB."""


class QueuePicture:
    """What is known of the queue. Used by one thread only."""

    def __init__(self, zk: ZooKeeper) -> None:
        """Args: zk: where the queue is."""
        self._zk = zk
        self._names: list[str] = []
        self._known: dict[str, QueueEntry] = {}
        self._unread: dict[str, None] = {}
        self._foreign: tuple[str, ...] = ()
        self._locks: Mapping[str, Lock] = {}
        self._listed_at: datetime | None = None
        self.pause = _SOONEST
        """Seconds to leave between two listings."""

    @property
    def unread(self) -> int:
        """Entries whose data has not been read."""
        return len(self._unread)

    @property
    def names(self) -> Sequence[str]:
        """The entries' names, in queue order, as they were listed last."""
        return self._names

    @property
    def known(self) -> Container[str]:
        """The same names, to ask whether one is among them."""
        return self._known

    @property
    def held(self) -> Collection[str]:
        """The names of the entries that somebody holds."""
        return self._locks.keys()

    @property
    def is_long(self) -> bool:
        """Whether a listing is megabytes."""
        return len(self._names) > _LONG

    def list_names(self, watch: Callable[[], None]) -> None:
        """List the queue; entries that are new are not read yet.

        Raises:
            ZooKeeperUnavailable, SessionLost, AccessDenied.
        """
        began = time.monotonic()
        listing = self._zk.children(paths.ENTRIES, watch=watch, timeout=LISTING_SECONDS)
        children = [] if listing is None else listing[0]
        names, foreign = split_names(children)
        self._foreign = tuple(clean(name, limit=256) for name in foreign)
        self._take(names)
        self._listed_at = datetime.now(UTC)
        self.pause = max(_SOONEST, _LISTING * (time.monotonic() - began))

    def _take(self, names: list[str]) -> None:
        present = set(names)
        for name in self._known.keys() - present:
            del self._known[name]
            self._unread.pop(name, None)
        for name in names:
            if name not in self._known:
                self._known[name] = QueueEntry(
                    name,
                    paths.entry_priority(name),
                    paths.entry_sequence(name),
                    lock=self._locks.get(name),
                )
                self._unread[name] = None
        self._names = names

    def read(self, wanted: Iterable[str]) -> bool:
        """Read the data of entries that has not been read: the wanted ones, else the next chunk.

        Returns whether something was read.

        Raises:
            ZooKeeperUnavailable, SessionLost.
        """
        chosen = [name for name in wanted if name in self._unread]
        if not chosen:
            chosen = [name for _, name in zip(range(CHUNK), self._unread, strict=False)]
        if not chosen:
            return False
        for entry in read_entries(self._zk, chosen, self._locks):
            self._known[entry.name] = entry
        # One that vanished is left as it is: the next listing drops it.
        for name in chosen:
            del self._unread[name]
        return True

    def hold(self, locks: Mapping[str, Lock]) -> None:
        """Take the locks as they are now."""
        changed = {
            n for n in self._locks.keys() | locks.keys() if self._locks.get(n) != locks.get(n)
        }
        self._locks = locks
        for name in changed & self._known.keys():
            self._known[name] = self._known[name]._replace(lock=locks.get(name))

    def jobs_of(self, names: Iterable[str]) -> dict[str, str | None]:
        """Return the jobs of the entries of these names that exist, read where not yet known.

        Raises:
            ZooKeeperUnavailable, SessionLost.
        """
        found: dict[str, str | None] = {}
        asked = []
        for name in names:
            if name in self._known and name not in self._unread:
                found[name] = self._known[name].job_id
            else:
                asked.append(name)
        found.update((entry.name, entry.job_id) for entry in read_entries(self._zk, asked))
        return found

    def known_jobs(self, names: Iterable[str]) -> dict[str, str | None]:
        """Return the jobs of the entries of these names, as far as they have been read."""
        return {name: self._known[name].job_id for name in names if name in self._known}

    def is_unread(self, names: Collection[str]) -> bool:
        """Whether one of the entries waits to be read."""
        return any(name in self._unread for name in names)

    def snapshot(self, depth: int | None = None) -> QueueSnapshot:
        """Return the queue as it is known.

        Args:
            depth: the length as counted since the last listing.
        """
        entries = tuple(map(self._known.__getitem__, self._names))
        return QueueSnapshot(
            taken_at=self._listed_at or datetime.now(UTC),
            depth=len(entries) if depth is None else depth,
            entries=entries,
            held=sum(name in self._known for name in self._locks),
            foreign=self._foreign,
        )


def oldest_waiting(entries: Sequence[QueueEntry]) -> datetime | None:
    """Return when the oldest entry that nobody holds was made, as far as entries were read.

    Within one priority entries stand in the order in which they were made, so only the first free
    one of each priority is looked at, not all.
    """
    oldest: datetime | None = None
    at = 0
    while at < len(entries):
        priority = entries[at].priority
        after = bisect_left(entries, (f"entry-{priority:03d}.",), lo=at)
        for index in range(at, after):
            entry = entries[index]
            if entry.lock is None:
                if entry.created and (oldest is None or entry.created < oldest):
                    oldest = entry.created
                break
        at = max(after, at + 1)
    return oldest
