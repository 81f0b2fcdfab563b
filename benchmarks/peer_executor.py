"""Starts the published executor as it is, with the two actions of the benchmarks beside its own.

It runs in the peer's environment, which loads actions from its own package only; so they are
registered here before its own main function is called.
"""

from __future__ import annotations

import time
from typing import Any

from nuvla.job_engine.job.actions import register_action
from nuvla.job_engine.job.base import main
from nuvla.job_engine.job.executor.executor import Executor


class Noop:
    """Does nothing."""

    def __init__(self, job: Any) -> None:
        self.job = job

    def do_work(self) -> int:
        """Succeed at once."""
        return 0


class Wait(Noop):
    """Waits for 50 ms."""

    def do_work(self) -> int:
        """Wait, then succeed."""
        time.sleep(0.05)
        return 0


register_action("bench_noop", Noop)
register_action("bench_wait", Wait)

if __name__ == "__main__":
    main(Executor)
