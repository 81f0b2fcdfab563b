"""Which entry to try next: the cached head of the queue, without I/O.

The queue is listed seldom (a list of 100,000 names costs as much as 100 jobs), so between two lists
this view lives on what the process learns by itself. Priorities are kept strictly. Within one, an
executor that is alone takes the oldest first; where others claim too, each goes its own way through
a window at the head, so that they do not all try the same entries.
"""

from __future__ import annotations

import random
from collections import deque
from collections.abc import Collection, Iterable, Sequence

from engine.zookeeper.paths import is_entry_name

KEEP = 8192
"""Names that are kept of a list; the rest waits for the next list."""
MIN_WINDOW, MAX_WINDOW = 16, 2048
_PREFIX = len("entry-999")
_HEAD_EVERY = 4
"""Every so many lists, start at the oldest entry whatever others do: nothing waits for ever."""


class Backlog:
    """The free entries at the head of the queue, in the order in which this process tries them."""

    def __init__(self, chance: random.Random | None = None) -> None:
        """Args: chance: where the place in the window comes from."""
        self._chance = chance or random.Random()
        self._order: deque[str] = deque()
        self._is_complete = True
        self._window = MIN_WINDOW
        self._conflicts = 0
        self._lists = 0
        self._cooling: dict[str, float] = {}
        self._quarantine: set[str] = set()

    def __len__(self) -> int:
        """Return the number of names that are left to try."""
        return len(self._order)

    @property
    def is_complete(self) -> bool:
        """Whether the last list had no more free names than were kept."""
        return self._is_complete

    def refill(
        self,
        entries: Sequence[str],
        taken: Collection[str],
        excluded: Collection[str],
        *,
        now: float,
        rivals: int,
        wanted: int,
    ) -> None:
        """Take a new list in place of the old one.

        Args:
            entries: names below /job/entries, in any order; foreign ones are skipped.
            taken: names below /job/taken.
            excluded: names that this process must not claim now.
            now: monotonic seconds.
            rivals: locks that other processes hold.
            wanted: entries that could be claimed at once.
        """
        self._forget(entries, now)
        shut = {*taken, *excluded, *self._cooling, *self._quarantine}
        free: list[str] = []
        self._is_complete = True
        for name in sorted(entries):
            if name in shut or not is_entry_name(name):
                continue
            if len(free) == KEEP:
                self._is_complete = False
                break
            free.append(name)
        self._order = deque(free)
        self._adapt(rivals, wanted)
        if (rivals or self._conflicts) and self._lists % _HEAD_EVERY:
            self._go_elsewhere()
        self._lists += 1
        self._conflicts = 0

    def take(self, count: int) -> list[str]:
        """Return, and forget, the next names to try: at most count."""
        order = self._order
        return [order.popleft() for _ in range(min(count, len(order)))]

    def put_back(self, names: Iterable[str]) -> None:
        """Have names tried next after all: they were taken, but nothing was sent for them."""
        self._order.extendleft(reversed(list(names)))

    def conflict(self, count: int = 1) -> None:
        """Others were faster on so many names: go elsewhere, in a wider window."""
        self._conflicts += count
        self._window = min(MAX_WINDOW, self._window * 2)
        self._go_elsewhere()

    def cool(self, name: str, seconds: float, *, now: float) -> None:
        """Leave a name alone for so many seconds; whoever puts a job back decides how many."""
        if seconds > 0:
            self._cooling[name] = now + seconds

    def next_thaw(self) -> float | None:
        """Return when the first name may be tried again (monotonic), or None."""
        return min(self._cooling.values(), default=None)

    def quarantine(self, name: str) -> None:
        """Never try a name again, while an entry of that name exists."""
        self._quarantine.add(name)

    def _forget(self, entries: Sequence[str], now: float) -> None:
        if not (self._cooling or self._quarantine):
            return
        present = set(entries)
        self._quarantine &= present
        self._cooling = {
            name: until for name, until in self._cooling.items() if until > now and name in present
        }

    def _adapt(self, rivals: int, wanted: int) -> None:
        if not self._conflicts:
            self._window //= 2
        least = 2 * (rivals + wanted) if rivals else MIN_WINDOW
        self._window = min(MAX_WINDOW, max(MIN_WINDOW, least, self._window))

    def _go_elsewhere(self) -> None:
        """Start at a random place of the window, which never leaves the first priority."""
        order = self._order
        if len(order) < 2:
            return
        prefix = order[0][:_PREFIX]
        window: list[str] = []
        while order and len(window) < self._window and order[0].startswith(prefix):
            window.append(order.popleft())
        start = self._chance.randrange(len(window))
        order.extendleft(reversed(window[start:] + window[:start]))
