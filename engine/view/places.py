"""Whether places in the queue improve, for whoever lists it again and again. Pure.

Within a priority the queue is worked off in its order, so the first entry that nobody holds stands
for all of its priority: where its place does not improve, none of them moves.
"""

from __future__ import annotations

from bisect import bisect_left
from collections import Counter
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime

from engine.models import Starving
from engine.view.diagnosis import limits
from engine.zookeeper.paths import entry_priority


@dataclass(slots=True)
class _Place:
    """The first entry of a priority that nobody holds, since it got its present place."""

    entry: str
    ahead: int
    since: datetime
    came: int = 0
    """Better entries that came since."""
    went: int = 0
    """Better entries that went since."""
    waiting: int = 0
    """Entries of the priority."""


class PlaceCounter:
    """Sees the queue from time to time. Keeps one place for each priority, and the last names."""

    def __init__(self) -> None:
        self._names: frozenset[str] = frozenset()
        self._places: dict[int, _Place] = {}
        self._is_first = True

    def observe(self, names: Sequence[str], held: Collection[str], now: datetime) -> None:
        """Take what is seen now.

        Args:
            names: the entries' names, in queue order.
            held: the names of those that somebody holds.
            now: the present moment.
        """
        present = frozenset(names)
        came = Counter(map(entry_priority, () if self._is_first else present - self._names))
        went = Counter(map(entry_priority, self._names - present))
        self._names, self._is_first = present, False
        places: dict[int, _Place] = {}
        for priority, first, ahead, waiting in _first_free(names, held):
            place = self._places.get(priority)
            if place is None or place.entry != first or ahead < place.ahead:
                place = _Place(first, ahead, now)
            place.came += sum(number for other, number in came.items() if other < priority)
            place.went += sum(number for other, number in went.items() if other < priority)
            place.waiting = waiting
            places[priority] = place
        self._places = places

    def starving(self, now: datetime) -> Iterator[Starving]:
        """Yield the priorities whose place has not improved, while better entries came and went."""
        for priority, place in self._places.items():
            if place.came and place.went and (now - place.since).total_seconds() > limits.STARVED:
                yield Starving(
                    priority=priority,
                    entry=place.entry,
                    since=place.since,
                    overtaken=place.went,
                    waiting=place.waiting,
                )


def _first_free(names: Sequence[str], held: Collection[str]) -> Iterator[tuple[int, str, int, int]]:
    """Yield for each priority that has one: the first entry that nobody holds, how many stand
    before it, and how many entries the priority has."""
    at = 0
    while at < len(names):
        priority = entry_priority(names[at])
        after = bisect_left(names, f"entry-{priority:03d}.", lo=at)
        for place in range(at, after):
            if names[place] not in held:
                yield priority, names[place], place, after - at
                break
        at = max(after, at + 1)
