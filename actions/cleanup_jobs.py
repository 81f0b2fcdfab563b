"""cleanup_jobs: deletes jobs that ended long ago, over the API or in Elasticsearch itself."""

from __future__ import annotations

import logging
from typing import Any

from engine import ActionFailed, Job, JobState, action, elasticsearch_client

log = logging.getLogger(__name__)

DAYS = 7
"""Age of what is deleted, unless the setting `cleanup_days` says another."""
INDEX = "nuvla-job"
PATIENCE = 600.0
"""Seconds that Elasticsearch gets: it answers when all is deleted."""
FINAL = [state.value for state in JobState if state.is_final]


@action("cleanup_jobs")
class CleanupJobs:
    """Deletes final jobs by age.

    Settings: `cleanup_days`; `es_hosts`, which makes it delete in Elasticsearch.
    """

    def __init__(self, job: Job) -> None:
        """Args: job: the job to work on."""
        self.job = job

    def do_work(self) -> int:
        """Delete, and say in the status message how many were deleted."""
        days = self._days()
        hosts = self.job.settings.get("es_hosts")
        answer = self._in_elasticsearch(hosts, days) if hosts else self._over_the_api(days)
        if answer.get("timed_out") or answer.get("failures"):
            raise ActionFailed(
                f"Some jobs older than {days:g} days could not be deleted: {answer!r:.1000}"
            )
        message = f"Deleted {answer.get('deleted', 0)} finished jobs older than {days:g} days."
        log.info(message)
        self.job.set_status_message(message)
        return 0

    def _days(self) -> float:
        days = self.job.settings.get("cleanup_days", DAYS)
        try:
            value = float(days)
        except (TypeError, ValueError):
            value = -1.0
        if not 0 <= value < 100_000:
            raise ActionFailed(f"the setting cleanup_days={days!r} is not a number of days")
        return value

    def _over_the_api(self, days: float) -> dict[str, Any]:
        # Hours, since date math takes whole numbers only.
        old = f"state={FINAL} and created<'now-{round(days * 24)}h'"
        data: dict[str, Any] = self.job.api.delete_bulk("job", old).data
        return data

    def _in_elasticsearch(self, hosts: object, days: float) -> dict[str, Any]:
        client = elasticsearch_client(hosts)
        old = [
            {"terms": {"state": FINAL}},
            {"range": {"created": {"lt": f"now-{round(days * 24)}h"}}},
        ]
        try:
            answer = client.options(request_timeout=PATIENCE).delete_by_query(
                index=INDEX, query={"bool": {"filter": old}}, conflicts="proceed"
            )
            return dict(answer)
        except Exception as error:
            raise ActionFailed(f"Elasticsearch did not delete: {error!r:.1000}") from error
        finally:
            client.close()
