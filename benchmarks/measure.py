"""One measurement: a stage, some executors on it, and what they did."""

from __future__ import annotations

import re
import time
from collections.abc import Callable
from dataclasses import dataclass

from benchmarks.sides import Fleet, running
from benchmarks.stage import Stage, open_stage
from engine.local.zookeeper import four_letters

POLL_SECONDS = 0.02
START_SECONDS = 60.0
NOOP, WAIT = "bench_noop", "bench_wait"


class TooSlow(Exception):
    """The executors did not begin to work in time."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Setting:
    """What is the same for all measurements of a run."""

    threads: int
    """Of our executor, where the row does not say."""
    durable: bool
    """Whether ZooKeeper syncs each write to the disk."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Figures:
    """What one measurement gave."""

    jobs: int
    seconds: float
    cpu_ms_per_job: float
    """Processor time of the executors; steadier than the rate on a busy machine."""
    resident_megabytes: float
    """The most that one executor had."""

    @property
    def rate(self) -> float:
        """Jobs per second."""
        return self.jobs / self.seconds


def drain(side: str, queued: int, *, jobs: int, seconds: float, setting: Setting) -> Figures:
    """Measure one executor from its first read of a job until so many no-op jobs are final.

    Args:
        jobs: how many; all that are queued, or the first ones of a long queue.
        seconds: after that time, take what is done by then.
    """
    with open_stage(queued, durable=setting.durable) as stage:
        stage.endpoint.reset(NOOP, jobs)
        with running(side, stage, threads=setting.threads) as fleet:
            _wait(lambda: stage.endpoint.figures()["finals"] > 0, fleet)
            began_cpu, began_jobs = fleet.cpu_seconds(), stage.endpoint.figures()["finals"]
            deadline = time.monotonic() + seconds
            figures = stage.endpoint.figures()
            while figures["reached"] is None and time.monotonic() < deadline:
                time.sleep(POLL_SECONDS)
                fleet.check()
                figures = stage.endpoint.figures()
            cpu = fleet.cpu_seconds() - began_cpu
            counted = max(1, stage.endpoint.figures()["finals"] - began_jobs)
            end = figures["reached"] or figures["now"]
            return Figures(
                jobs=jobs if figures["reached"] else figures["finals"],
                seconds=end - figures["first_read"],
                cpu_ms_per_job=1000 * cpu / counted,
                resident_megabytes=fleet.resident_megabytes(),
            )


def steady(
    side: str, queued: int, *, executors: int, threads: int, seconds: float, setting: Setting
) -> Figures:
    """Measure executors with 50 ms jobs, from when each has been seen to hold a job."""
    with open_stage(queued, durable=setting.durable) as stage:
        stage.endpoint.reset(WAIT, 0)
        with running(side, stage, size=executors, threads=threads) as fleet:
            owners: set[str] = set()

            def all_work() -> bool:
                owners.update(_owners(stage))
                return len(owners) >= executors

            _wait(all_work, fleet)
            began_cpu, began = fleet.cpu_seconds(), stage.endpoint.figures()
            deadline, peak = time.monotonic() + seconds, 0.0
            while time.monotonic() < deadline:
                time.sleep(POLL_SECONDS * 5)
                peak = max(peak, fleet.resident_megabytes())
            ended, cpu = stage.endpoint.figures(), fleet.cpu_seconds() - began_cpu
            jobs = ended["finals"] - began["finals"]
            return Figures(
                jobs=jobs,
                seconds=ended["now"] - began["now"],
                cpu_ms_per_job=1000 * cpu / max(1, jobs),
                resident_megabytes=peak,
            )


def _owners(stage: Stage) -> set[str]:
    """Return the sessions that hold a lock of the queue, as the server's `dump` tells them."""
    owners = set()
    session = ""
    for line in four_letters(stage.server.port, "dump", timeout=10.0).splitlines():
        if match := re.match(r"(0x[0-9a-f]+):?\s*$", line.strip()):
            session = match[1]
        elif line.strip().startswith("/job/taken/"):
            owners.add(session)
    return owners


def _wait(condition: Callable[[], bool], fleet: Fleet) -> None:
    deadline = time.monotonic() + START_SECONDS
    while not condition():
        fleet.check()
        if time.monotonic() > deadline:
            raise TooSlow(f"no job was worked on within {START_SECONDS:.0f} s")
        time.sleep(POLL_SECONDS)
