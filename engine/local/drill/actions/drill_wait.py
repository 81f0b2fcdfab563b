"""drill_wait: asks a peer again and again whether it is ready, and never gives up."""

from __future__ import annotations

import time

from engine import Job, action


@action("drill_wait")
class DrillWait:
    """Hangs in a loop, and does not look at `job.cancelled`; with a payload it ends at once."""

    def __init__(self, job: Job) -> None:
        """Args: job: the job to work on."""
        self.job = job

    def do_work(self) -> int:
        """Wait for a peer."""
        while not self._is_ready():
            time.sleep(0.5)
        return 0

    def _is_ready(self) -> bool:
        return bool(self.job.payload)
