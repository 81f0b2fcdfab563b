"""cancel_children_jobs: cancels the jobs that a cancelled bulk job started.

The server creates this job itself when a bulk job is cancelled; the target is the bulk job.
"""

from __future__ import annotations

import logging
from typing import Any

from engine import ActionFailed, Job, JobState, action

log = logging.getLogger(__name__)

MOST = 10_000
"""Children that one query returns."""
ALIVE = [JobState.RUNNING.value, JobState.QUEUED.value]


@action("cancel_children_jobs")
class CancelChildrenJobs:
    """Cancels every QUEUED or RUNNING job whose parent-job is the target."""

    def __init__(self, job: Job) -> None:
        """Args: job: the job to work on."""
        self.job = job
        self.failed: set[str] = set()

    def do_work(self) -> int:
        """Cancel all children; fail where one could not be cancelled."""
        cancelled: set[str] = set()
        while not self.job.cancelled:
            todo = [child for child in self._children() if child.id not in cancelled | self.failed]
            if not todo:
                break
            cancelled |= {child.id for child in todo if self._cancel(child)}
        if self.failed:
            some = ", ".join(sorted(self.failed)[:10])
            raise ActionFailed(f"{len(self.failed)} jobs could not be cancelled: {some}")
        self.job.set_status_message(f"Cancelled {len(cancelled)} jobs.")
        return 0

    def _children(self) -> list[Any]:
        parent = self.job.target_resource_href
        wanted = f"parent-job='{parent}' and state={ALIVE}"
        found = self.job.api.search("job", filter=wanted, select="id", last=MOST)
        return list(found.resources)

    def _cancel(self, child: Any) -> bool:
        try:
            self.job.api.operation(child, "cancel")
        except Exception as error:
            if self._has_ended(child):
                return True
            log.error("%s could not be cancelled: %s", child.id, error)
            self.failed.add(child.id)
            return False
        return True

    def _has_ended(self, child: Any) -> bool:
        """Whether the child ended by itself meanwhile: the API refuses to cancel it then."""
        try:
            state = self.job.api.get(child.id).data.get("state")
        except Exception as error:
            status = getattr(getattr(error, "response", None), "status_code", None)
            return status == 404
        return state not in ALIVE
