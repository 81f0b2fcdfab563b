"""What the live picture notices over time: jobs that flap, priorities that starve."""

from __future__ import annotations

from collections.abc import Callable, Collection, Container, Mapping, Sequence
from dataclasses import replace
from datetime import datetime

from engine.models import Flapping, Lock, MemberSnapshot, Starving
from engine.view.flaps import FlapCounter
from engine.view.places import PlaceCounter

SHOWN = 100
"""Of each kind, the worst first."""


class Restless:
    """Counts for one watcher. Used by one thread only."""

    def __init__(self) -> None:
        self._flaps = FlapCounter()
        self._places = PlaceCounter()

    def see_locks(self, locks: Mapping[str, Lock], known: Container[str], now: datetime) -> None:
        """Take the locks as they are now.

        Args:
            locks: by the name of the entry.
            known: the names of the entries that exist.
            now: the present moment.
        """
        self._flaps.observe(((name, lock.since) for name, lock in locks.items()), known, now)

    def see_queue(self, names: Sequence[str], held: Collection[str], now: datetime) -> None:
        """Take the queue as it is now: its names in their order, and those that are held."""
        self._places.observe(names, held, now)

    def flapping(
        self,
        jobs_of: Callable[[Sequence[str]], Mapping[str, str | None]],
        members: MemberSnapshot | None,
        now: datetime,
    ) -> tuple[Flapping, ...]:
        """Return the entries that flap, the worst first.

        Args:
            jobs_of: returns the jobs of entries, as far as they are known.
            members: may tell why a job was put back.
            now: the present moment.
        """
        found = sorted(self._flaps.flapping(now), key=lambda each: (-each[1].times, each[0]))
        jobs = jobs_of([name for name, _ in found[:SHOWN]])
        return tuple(
            Flapping(
                entry=name,
                job_id=jobs.get(name),
                flaps=replace(seen, reason=_reason(jobs.get(name), members)),
            )
            for name, seen in found[:SHOWN]
        )

    def starving(self, now: datetime) -> tuple[Starving, ...]:
        """Return the priorities that starve, the longest first."""
        found = sorted(self._places.starving(now), key=lambda each: (each.since, each.priority))
        return tuple(found[:SHOWN])


def _reason(job_id: str | None, members: MemberSnapshot | None) -> str:
    """Return why a job was put back the last time, where a member tells."""
    told = [
        put_back
        for member in (() if members is None else members.members)
        for put_back in member.put_back
        if put_back.job_id == job_id
    ]
    return max(told, key=lambda each: each.last).reason if told else ""
