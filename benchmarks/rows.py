"""The rows of the benchmark: what is measured, how long, and the target of each."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from statistics import median

from benchmarks.measure import Figures, Setting, drain, steady
from benchmarks.sides import SIDES


@dataclass(frozen=True, slots=True, kw_only=True)
class Size:
    """How much is measured."""

    repeats: int
    peer_seconds: float
    """Upstream's longest measurement; on a long queue it would need an hour."""
    peer_jobs: int
    """Upstream's jobs on a long queue."""
    our_jobs: int
    """Our jobs on a long queue."""
    window: float
    """Seconds in which jobs of 50 ms are counted."""


FULL = Size(repeats=3, peer_seconds=20.0, peer_jobs=200, our_jobs=5_000, window=8.0)
QUICK = Size(repeats=1, peer_seconds=8.0, peer_jobs=100, our_jobs=2_000, window=4.0)


@dataclass(slots=True)
class Result:
    """What a row gave: per side and part, one Figures a repeat."""

    runs: dict[str, list[Figures]] = field(default_factory=dict)

    def add(self, part: str, figures: Figures) -> None:
        """Keep one measurement."""
        self.runs.setdefault(part, []).append(figures)

    def rate(self, part: str) -> float:
        """Return the median rate, jobs per second."""
        return median(figures.rate for figures in self.runs[part])

    def cpu(self, part: str) -> float:
        """Return the median processor time, ms a job."""
        return median(figures.cpu_ms_per_job for figures in self.runs[part])

    def resident(self, part: str) -> float:
        """Return the largest resident memory, MB."""
        return max(figures.resident_megabytes for figures in self.runs[part])

    def over(self, part: str, other: str) -> float:
        """Return the median ratio of rates, of the measurements that were made in turn."""
        pairs = zip(self.runs[part], self.runs[other], strict=True)
        return median(figures.rate / beside.rate for figures, beside in pairs)


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """One line of the table."""

    name: str
    what: str
    unit: str
    target: float
    at_most: bool = False
    """Whether the target is a ceiling rather than a floor."""
    run: Callable[[Result, Size, Setting], None]
    """Makes one measurement of each part."""
    ours: Callable[[Result], float]
    upstream: Callable[[Result], float]
    value: Callable[[Result], float]
    """What is held against the target."""

    def is_met(self, result: Result) -> bool:
        """Whether the target is reached."""
        value = self.value(result)
        return value <= self.target if self.at_most else value >= self.target


def _noop(queued: int) -> Callable[[Result, Size, Setting], None]:
    def run(result: Result, size: Size, setting: Setting) -> None:
        for side in SIDES:
            jobs = size.our_jobs if side == "ours" else size.peer_jobs
            jobs = queued if queued <= 1_000 else jobs
            figures = drain(side, queued, jobs=jobs, seconds=size.peer_seconds, setting=setting)
            result.add(side, figures)

    return run


def _depth(result: Result, size: Size, setting: Setting) -> None:
    for queued in (100_000, 1_000):
        jobs = min(queued, size.our_jobs)
        figures = drain("ours", queued, jobs=jobs, seconds=size.peer_seconds, setting=setting)
        result.add(f"ours {queued}", figures)


def _fleet(result: Result, size: Size, setting: Setting) -> None:
    for side in SIDES:
        for executors in (4, 1):
            figures = steady(
                side,
                10_000,
                executors=executors,
                threads=8,
                seconds=size.window,
                setting=setting,
            )
            result.add(f"{side} {executors}", figures)


def _memory(result: Result, size: Size, setting: Setting) -> None:
    for side in SIDES:
        figures = steady(
            side, 100_000, executors=1, threads=64, seconds=size.window, setting=setting
        )
        result.add(side, figures)


def _ratio(result: Result) -> float:
    return result.over("ours", "upstream")


ROWS = (
    Row(
        name="noop-1k",
        what="no-op jobs a second, one executor, 1,000 queued",
        unit="jobs/s",
        target=8.0,
        run=_noop(1_000),
        ours=lambda result: result.rate("ours"),
        upstream=lambda result: result.rate("upstream"),
        value=_ratio,
    ),
    Row(
        name="noop-50k",
        what="the same with 50,000 queued",
        unit="jobs/s",
        target=40.0,
        run=_noop(50_000),
        ours=lambda result: result.rate("ours"),
        upstream=lambda result: result.rate("upstream"),
        value=_ratio,
    ),
    Row(
        name="depth",
        what="our rate with 100,000 queued over our rate with 1,000",
        unit="jobs/s",
        target=0.9,
        run=_depth,
        ours=lambda result: result.rate("ours 100000"),
        upstream=lambda result: float("nan"),
        value=lambda result: result.over("ours 100000", "ours 1000"),
    ),
    Row(
        name="fleet",
        what="four executors over one, jobs of 50 ms, 8 threads each",
        unit="times",
        target=3.5,
        run=_fleet,
        ours=lambda result: result.over("ours 4", "ours 1"),
        upstream=lambda result: result.over("upstream 4", "upstream 1"),
        value=lambda result: result.over("ours 4", "ours 1"),
    ),
    Row(
        name="memory",
        what="resident memory, 64 threads, 100,000 queued (upstream: 1 thread)",
        unit="MB",
        target=150.0,
        at_most=True,
        run=_memory,
        ours=lambda result: result.resident("ours"),
        upstream=lambda result: result.resident("upstream"),
        value=lambda result: result.resident("ours"),
    ),
)
