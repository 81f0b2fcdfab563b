"""dummy_test_action: works for some seconds and succeeds, to show that jobs run."""

from __future__ import annotations

import random
import time

from engine import Job, action

SHORTEST, LONGEST = 3.0, 30.0
"""Seconds, unless the payload says {"seconds": N}."""
_STEP = 0.2


@action("dummy_test_action", pull_mode_support=True)
class DummyTestAction:
    """Waits, tells its progress, and looks at `job.cancelled` meanwhile."""

    def __init__(self, job: Job) -> None:
        """Args: job: the job to work on."""
        self.job = job

    def do_work(self) -> int:
        """Work until the time is over; 1 where the job is cancelled before."""
        seconds = self._seconds()
        start = time.monotonic()
        quarter = 0
        while (passed := time.monotonic() - start) < seconds:
            if self.job.cancelled:
                return 1
            if int(4 * passed / seconds) > quarter:
                quarter = int(4 * passed / seconds)
                self.job.set_progress(25 * quarter)
            time.sleep(min(_STEP, seconds - passed))
        return 0

    def _seconds(self) -> float:
        payload = self.job.payload
        wanted = payload.get("seconds") if isinstance(payload, dict) else None
        if isinstance(wanted, int | float) and not isinstance(wanted, bool):
            return max(0.0, float(wanted))
        return random.uniform(SHORTEST, LONGEST)
