"""monitor_bulk_jobs: every thirty seconds, a job for each bulk job whose children go on."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from engine import JobRequest, JobState, distributor

ACTION = "monitor_bulk_job"
ALIVE = [JobState.RUNNING.value, JobState.QUEUED.value]


@distributor("monitor_bulk_jobs", every=30.0, action=ACTION)
class MonitorBulkJobs:
    """Yields one monitor_bulk_job for each bulk job that has none."""

    def __init__(self, api: Any) -> None:
        """Args: api: the official client."""
        self.api = api

    def job_generator(self) -> Iterator[JobRequest]:
        """Yield the jobs."""
        bulk = "action^='bulk' and state='RUNNING' and tags='monitor'"
        for found in self.api.search("job", filter=bulk, select="id", last=10_000).resources:
            if not self._is_monitored(found.id):
                yield JobRequest(action=ACTION, target=found.id)

    def _is_monitored(self, bulk_id: str) -> bool:
        alive = f"action='{ACTION}' and state={ALIVE} and target-resource/href='{bulk_id}'"
        return bool(self.api.search("job", filter=alive, last=0).count > 0)
