"""monitor_bulk_job: ends a bulk job once the jobs that it started have ended.

The target is the bulk job, RUNNING with the tag "monitor"; its status message is the result that
this action keeps up to date.
"""

from __future__ import annotations

import logging
from typing import Any

from engine import ActionFailed, BulkResult, Job, JobState, action

log = logging.getLogger(__name__)

FAILED = "Job failed"
CANCELED = "Job canceled"
HOURS = 1
"""Age at which a bulk job is cancelled though children of it go on."""
MOST = 10_000
"""Children that one query returns."""


@action("monitor_bulk_job")
class MonitorBulkJob:
    """Counts the children of one bulk job."""

    def __init__(self, job: Job) -> None:
        """Args: job: the job to work on."""
        self.job = job

    def do_work(self) -> int:
        """Update the bulk job, end it where its children have ended, cancel it where it is old."""
        bulk = self.job.api.get(self.job.target_resource_href)
        if JobState(bulk.data["state"]).is_final:
            return self._say("The bulk job has ended already.")
        children = self._children(bulk.id)
        left = [child for child in children if not JobState(child["state"]).is_final]
        if left and self._is_expired(bulk.id):
            self.job.api.operation(bulk, "cancel")
            return self._say(f"Cancelled the bulk job: {len(left)} jobs left after {HOURS} h.")
        result = BulkResult.from_json(bulk.data.get("status-message"))
        self._update(result, children)
        changes: dict[str, Any] = {"status-message": result.to_json()}
        if left:
            changes["progress"] = _progress(bulk.data.get("progress", 0), result, len(left))
        else:
            changes |= {"progress": 100, "state": JobState.SUCCESS.value, "return-code": 0}
        self._edit(bulk.id, changes)
        return self._say(f"{len(left)} of {len(children)} jobs are left.")

    def _say(self, message: str) -> int:
        self.job.set_status_message(message)
        return 0

    def _children(self, bulk_id: str) -> list[dict[str, Any]]:
        found = self.job.api.search(
            "job",
            filter=f"parent-job='{bulk_id}'",
            select="id, target-resource, state",
            last=MOST,
        )
        return [child.data for child in found.resources]

    def _is_expired(self, bulk_id: str) -> bool:
        young = f"id='{bulk_id}' and created>'now-{HOURS}h'"
        return bool(self.job.api.search("job", filter=young, last=0).count == 0)

    def _update(self, result: BulkResult, children: list[dict[str, Any]]) -> None:
        def of(state: JobState) -> list[dict[str, Any]]:
            return [child for child in children if child["state"] == state]

        result.queued = [child["id"] for child in of(JobState.QUEUED)]
        result.running = [child["id"] for child in of(JobState.RUNNING)]
        for child in of(JobState.SUCCESS):
            if _target(child) not in result.success:
                result.succeed(_target(child))
        for state, reason in ((JobState.FAILED, FAILED), (JobState.CANCELED, CANCELED)):
            for child in of(state):
                if not result.has_reason(reason, _target(child)):
                    result.fail(reason, _target(child))

    def _edit(self, bulk_id: str, changes: dict[str, Any]) -> None:
        try:
            self.job.api.edit(bulk_id, changes)
        except Exception as error:
            status = getattr(getattr(error, "response", None), "status_code", None)
            if status != 409:  # it was ended by somebody else meanwhile
                raise ActionFailed(f"{bulk_id} could not be updated: {error}") from error


def _target(child: dict[str, Any]) -> str:
    return str(child.get("target-resource", {}).get("href", child["id"]))


def _progress(before: int, result: BulkResult, left: int) -> int:
    total = max(1, result.total, left)
    return min(99, max(before, 100 * (total - left) // total))
