"""demo_quick: ends at once."""

from __future__ import annotations

import time

from engine import Job, action


@action("demo_quick")
class DemoQuick:
    """Succeeds within a blink."""

    def __init__(self, job: Job) -> None:
        """Args: job: the job to work on."""
        self.job = job

    def do_work(self) -> None:
        """Do next to nothing."""
        time.sleep(0.02)
