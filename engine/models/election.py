"""Elections as seen: who distributes, and who waits to."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from datetime import datetime

from engine.models.job import format_time, parse_time
from engine.models.queue import Owner
from engine.text import clean

_LONGEST = 1e9
"""Seconds between two distributions that can be meant."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Contender:
    """A node below /election/NAME."""

    node: str
    sequence: int
    name: str
    """What the contender calls itself, safe to draw. Names repeat."""
    owner: Owner
    since: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Distribution:
    """What our distributors keep of the last distribution."""

    last: datetime
    interval: float
    """Seconds."""
    by: str
    """The instance that distributed."""
    jobs: int
    """Jobs that the last distribution created."""

    def to_node(self) -> bytes:
        """Return the data of the node that keeps it."""
        return json.dumps({**asdict(self), "last": format_time(self.last)}).encode()

    @classmethod
    def from_node(cls, data: bytes | None) -> Distribution | None:
        """Read the node's data; None where it is not what a distributor writes."""
        try:
            raw = json.loads(data or b"")
            last, interval, jobs = parse_time(raw["last"]), float(raw["interval"]), int(raw["jobs"])
            by = clean(str(raw["by"]), limit=256)
        except (ValueError, KeyError, TypeError, OverflowError, RecursionError):
            return None
        if last is None or not 0 <= interval <= _LONGEST:
            return None
        return cls(last=last, interval=interval, by=by, jobs=jobs)


@dataclass(frozen=True, slots=True, kw_only=True)
class ElectionStatus:
    """One election: its contenders in the order in which they would lead."""

    name: str
    contenders: tuple[Contender, ...] = ()
    distribution: Distribution | None = None
    """None where a foreign distributor leads, or where none has distributed yet."""

    @property
    def leader(self) -> Contender | None:
        """The contender with the lowest sequence."""
        return self.contenders[0] if self.contenders else None

    @property
    def is_vacant(self) -> bool:
        """Whether nobody leads."""
        return not self.contenders


@dataclass(frozen=True, slots=True, kw_only=True)
class ElectionSnapshot:
    """All elections, by name."""

    taken_at: datetime
    elections: tuple[ElectionStatus, ...] = ()
