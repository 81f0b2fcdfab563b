"""Distributors of the fault tests: one that ticks, and some that misbehave."""

from __future__ import annotations

import json
import os
import threading
from collections.abc import Iterator
from typing import Any

from engine import distributor


def _job(action: str) -> dict[str, Any]:
    """Return a job that says which process made it."""
    return {"action": action, "payload": json.dumps({"pid": os.getpid()})}


@distributor("tick", every=1.0)
class Tick:
    """One job each second."""

    def job_generator(self) -> Iterator[dict[str, Any]]:
        """Yield it."""
        yield _job("tick")


@distributor("slow_tick", every=600.0)
class SlowTick:
    """One job each ten minutes: in a test, one."""

    def job_generator(self) -> Iterator[dict[str, Any]]:
        """Yield it."""
        yield _job("slow_tick")


@distributor("raises", every=1.0)
class Raises:
    """Yields one job and raises."""

    def job_generator(self) -> Iterator[dict[str, Any]]:
        """Raise."""
        yield _job("raises")
        raise RuntimeError("a distributor that raises")


@distributor("garbage", every=1.0)
class Garbage:
    """Yields what is no job, and one that is."""

    def job_generator(self) -> Iterator[Any]:
        """Yield them."""
        yield from (None, 7, "job", [], {}, {"action": None}, object())
        yield _job("garbage")


@distributor("endless", every=1.0)
class Endless:
    """Never stops to yield."""

    def job_generator(self) -> Iterator[dict[str, Any]]:
        """Yield for ever."""
        while True:
            yield _job("endless")


@distributor("blocks", every=1.0)
class Blocks:
    """Never yields."""

    def job_generator(self) -> Iterator[dict[str, Any]]:
        """Wait for ever."""
        threading.Event().wait()
        yield _job("blocks")
