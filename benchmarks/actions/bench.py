"""The two actions of the benchmarks, for our executor."""

from __future__ import annotations

import time

from engine import Job, action


@action("bench_noop")
class Noop:
    """Does nothing."""

    def __init__(self, job: Job) -> None:
        self.job = job

    def do_work(self) -> int:
        """Succeed at once."""
        return 0


@action("bench_wait")
class Wait:
    """Waits for 50 ms."""

    def __init__(self, job: Job) -> None:
        self.job = job

    def do_work(self) -> int:
        """Wait, then succeed."""
        time.sleep(0.05)
        return 0
