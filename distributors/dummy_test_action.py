"""dummy_test_action: every fifteen seconds, a job that shows that jobs run."""

from __future__ import annotations

from collections.abc import Iterator

from engine import JobRequest, distributor


@distributor("dummy_test_action", every=15.0)
class DummyTestAction:
    """Yields one dummy_test_action."""

    def job_generator(self) -> Iterator[JobRequest]:
        """Yield the job."""
        yield JobRequest(action="dummy_test_action", target="job")
