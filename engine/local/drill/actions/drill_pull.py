"""drill_pull: fails, since a registry was away; a second attempt succeeds."""

from __future__ import annotations

from engine import ActionFailed, Job, action


@action("drill_pull")
class DrillPull:
    """The registry is back by the time somebody requeues the job."""

    def __init__(self, job: Job) -> None:
        """Args: job: the job to work on."""
        self.job = job

    def do_work(self) -> int:
        """Pull an image."""
        if "parent" not in self.job:
            raise ActionFailed("the registry 10.0.0.5 does not answer: 503")
        self.job.set_status_message("pulled")
        return 0
