"""The actions of the benchmarks, for our executor."""

from __future__ import annotations

import ctypes
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


@action("bench_stay")
class Stay:
    """Waits for as long as the benchmark runs, some calls deep."""

    def __init__(self, job: Job) -> None:
        self.job = job

    def do_work(self) -> int:
        """Wait."""
        return self._deeper(8)

    def _deeper(self, calls: int) -> int:
        if calls:
            return self._deeper(calls - 1)
        time.sleep(3600)
        return 0


@action("bench_lock_up")
class LockUp:
    """Keeps the interpreter lock for eight seconds."""

    def __init__(self, job: Job) -> None:
        self.job = job

    def do_work(self) -> int:
        """Sleep in C without letting go of the lock."""
        ctypes.PyDLL(None).usleep(8_000_000)
        return 0
