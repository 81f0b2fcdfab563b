"""demo_failing: fails, each time in another way."""

from __future__ import annotations

import random

from engine import ActionFailed, Job, action


@action("demo_failing")
class DemoFailing:
    """Shows the ways in which a job fails."""

    def __init__(self, job: Job) -> None:
        """Args: job: the job to work on."""
        self.job = job

    def do_work(self) -> int:
        """Fail with a reason, a return code or a traceback."""
        way = random.choice(("reason", "code", "traceback"))
        if way == "reason":
            raise ActionFailed("the registry 10.0.0.5 refuses the image: unauthorized")
        if way == "code":
            self.job.set_status_message("docker compose up ended with 17")
            return 17
        return int("not a number")
