"""Counts how often entries are taken and released, for whoever watches the locks."""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Container, Iterable, Iterator
from datetime import UTC, datetime, timedelta

from engine.models import Flaps
from engine.view.diagnosis import limits
from engine.zookeeper.connection import ZooKeeper
from engine.zookeeper.paths import entry_path, lock_path

MOST = 100
"""Releases that are kept of one entry."""


class FlapCounter:
    """Sees the locks from time to time; a lock that went while its entry stayed is a release."""

    def __init__(self, window: float = limits.FLAP_WINDOW) -> None:
        """Args: window: seconds to look back."""
        self._window = timedelta(seconds=window)
        self._held: dict[str, datetime] = {}
        self._released: dict[str, deque[datetime]] = {}
        self._began: datetime | None = None

    def observe(
        self, locks: Iterable[tuple[str, datetime]], entries: Container[str], now: datetime
    ) -> None:
        """Take what is seen now.

        Args:
            locks: names of the entries that are held, each with when its lock was made.
            entries: names of the entries that exist, at least of those that were held before.
                One that is gone, but is still among them, counts as a release until it is not.
            now: the present moment.
        """
        self._began = self._began or now
        held = dict(locks)
        for name, since in self._held.items():
            # A lock made anew between two looks was released in between.
            if name in entries and held.get(name) != since:
                self._released.setdefault(name, deque(maxlen=MOST)).append(now)
        self._held = held
        for name in list(self._released):
            times = self._released[name]
            while times and now - times[0] > self._window:
                times.popleft()
            if not times or name not in entries:
                del self._released[name]

    def flapping(self, now: datetime) -> Iterator[tuple[str, Flaps]]:
        """Yield the entries that were released often enough to be called flapping."""
        for name, times in self._released.items():
            if len(times) >= limits.FLAPS and (seen := self.flaps(name, now)) is not None:
                yield name, seen

    def flaps(self, entry: str, now: datetime, *, reason: str = "") -> Flaps | None:
        """Return how often an entry was released within the window; None before the first look."""
        if self._began is None:
            return None
        watched = min(self._window, now - self._began).total_seconds()
        times = self._released.get(entry, ())
        last = times[-1] if times else None
        return Flaps(times=len(times), window=watched, last=last, reason=reason)


def count_flaps(zk: ZooKeeper, entry: str, seconds: float) -> Flaps:
    """Watch the lock of one entry, until it has flapped often enough to be sure, or is gone.

    Args:
        zk: a connected session.
        entry: the name of the entry.
        seconds: how long at most.

    Raises:
        ZooKeeperError: the lock cannot be read.
    """
    counter, changed = FlapCounter(), threading.Event()
    deadline = time.monotonic() + seconds
    while True:
        changed.clear()
        lock = zk.exists(lock_path(entry), watch=changed.set)
        present = {entry} if zk.exists(entry_path(entry)) is not None else set()
        now = datetime.now(UTC)
        counter.observe([(entry, lock.created)] if lock else [], present, now)
        seen = counter.flaps(entry, now) or Flaps(times=0, window=0.0)
        left = deadline - time.monotonic()
        if left <= 0 or not present or seen.times >= limits.FLAPS:
            return seen
        changed.wait(left)
