"""What a process counts about itself: counters and histograms that cost well under a microsecond.

They are always on, and nobody has to read them; what reads them is in `engine.service.metrics`.
"""

from __future__ import annotations

import threading
from bisect import bisect_left
from dataclasses import dataclass

QUICK = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0)
"""Seconds: bounds for one call of a server."""
LONG = (0.01, 0.05, 0.1, 0.5, 1.0, 5.0, 15.0, 60.0, 300.0, 900.0, 3600.0, 14400.0)
"""Seconds: bounds for jobs and for their waiting."""


@dataclass(frozen=True, slots=True)
class Spread:
    """A histogram at one moment."""

    bounds: tuple[float, ...]
    counts: tuple[int, ...]
    """Observations up to each bound and above the one before; the last one: above all."""
    total: float
    """The sum of all observations."""

    @property
    def count(self) -> int:
        """How many observations there were."""
        return sum(self.counts)

    def since(self, earlier: Spread) -> Spread:
        """Return what was added after an earlier moment of the same histogram."""
        pairs = zip(self.counts, earlier.counts, strict=True)
        return Spread(
            self.bounds, tuple(now - then for now, then in pairs), self.total - earlier.total
        )


class Histogram:
    """Counts observations by size; for any number of threads."""

    __slots__ = ("_bounds", "_counts", "_lock", "_total")

    def __init__(self, bounds: tuple[float, ...]) -> None:
        """Args: bounds: upper ends, in order."""
        self._bounds = bounds
        self._counts = [0] * (len(bounds) + 1)
        self._total = 0.0
        self._lock = threading.Lock()

    def observe(self, value: float) -> None:
        """Count one observation."""
        place = bisect_left(self._bounds, value)
        with self._lock:
            self._counts[place] += 1
            self._total += value

    def read(self) -> Spread:
        """Return the present counts."""
        with self._lock:
            return Spread(self._bounds, tuple(self._counts), self._total)


class Tally:
    """Counts events by their labels; for any number of threads.

    Labels come from fixed sets (names of loaded actions, states, kinds of error), never from a
    document, so that nobody can make it grow.
    """

    __slots__ = ("_counts", "_lock")

    def __init__(self) -> None:
        self._counts: dict[tuple[str, ...], int] = {}
        self._lock = threading.Lock()

    def add(self, *labels: str, count: int = 1) -> None:
        """Count some events."""
        with self._lock:
            self._counts[labels] = self._counts.get(labels, 0) + count

    def read(self) -> dict[tuple[str, ...], int]:
        """Return the present counts by labels."""
        with self._lock:
            return dict(self._counts)


class Timer:
    """Histograms of seconds by one label."""

    __slots__ = ("_bounds", "_histograms", "_lock")

    def __init__(self, bounds: tuple[float, ...]) -> None:
        """Args: bounds: as of `Histogram`."""
        self._bounds = bounds
        self._histograms: dict[str, Histogram] = {}
        self._lock = threading.Lock()

    def observe(self, label: str, seconds: float) -> None:
        """Count one observation."""
        histogram = self._histograms.get(label)
        if histogram is None:
            with self._lock:
                histogram = self._histograms.setdefault(label, Histogram(self._bounds))
        histogram.observe(seconds)

    def read(self) -> dict[str, Spread]:
        """Return the present counts by label."""
        with self._lock:
            return {label: each.read() for label, each in self._histograms.items()}
