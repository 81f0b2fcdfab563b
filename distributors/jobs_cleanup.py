"""jobs_cleanup: once a day, a job that deletes jobs which ended long ago."""

from __future__ import annotations

from collections.abc import Iterator

from engine import DAY, JobRequest, distributor


@distributor("jobs_cleanup", every=DAY, action="cleanup_jobs")
class JobsCleanup:
    """Yields one cleanup_jobs."""

    def job_generator(self) -> Iterator[JobRequest]:
        """Yield the job."""
        yield JobRequest(action="cleanup_jobs", target="job")
