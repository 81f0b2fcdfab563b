"""demo_slow: works for some seconds and tells its progress."""

from __future__ import annotations

import random
import time

from engine import Job, action

_STEPS = 10


@action("demo_slow")
class DemoSlow:
    """Succeeds after two to six seconds."""

    def __init__(self, job: Job) -> None:
        """Args: job: the job to work on."""
        self.job = job

    def do_work(self) -> int:
        """Work in steps; stop early where the job is cancelled."""
        pause = random.uniform(2.0, 6.0) / _STEPS
        for step in range(_STEPS):
            if self.job.cancelled:
                return 1
            self.job.update_job(progress=100 * step // _STEPS, status_message=f"step {step + 1}")
            time.sleep(pause)
        self.job.set_status_message("all steps done")
        return 0
