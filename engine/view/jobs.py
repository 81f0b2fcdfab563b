"""Reads job documents, and joins them with the queue."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from engine.models import JobPage, JobRecord, JoinedJob
from engine.nuvla.client import NuvlaClient
from engine.view.queue import entries_by_job, read_entries, read_locks, read_names
from engine.zookeeper import paths
from engine.zookeeper.connection import ZooKeeper

FIELDS = (
    "id",
    "action",
    "state",
    "priority",
    "execution-mode",
    "version",
    "target-resource",
    "progress",
    "return-code",
    "status-message",
    "created",
    "updated",
    "started",
    "duration",
    "created-by",
    "parent-job",
    "tags",
)
"""What a list of jobs reads: payload and output can be long, and hold what is not for lists."""


def read_jobs(client: NuvlaClient, *, filter: str | None = None, limit: int = 100) -> JobPage:
    """Return the newest jobs that match a filter of the API, newest first."""
    return client.search_jobs(
        filter=filter, orderby="created:desc", first=1, last=limit, select=FIELDS
    )


def read_job(client: NuvlaClient, job_id: str) -> JobRecord:
    """Return one job.

    Raises:
        NotFound: there is no such job.
    """
    return JobRecord.from_json(client.get_job(job_id))


def join_queue(zk: ZooKeeper, records: Sequence[JobRecord]) -> list[JoinedJob]:
    """Return the jobs with their entries and locks.

    The server notes a job's entry in the document's tags, so a few reads find most entries. The
    whole queue is read only where a job that ought to wait there is not found in that way.
    """
    entries = read_entries(zk, sorted(set(noted_entries(records))))
    found = entries_by_job(entries)
    if any(record.is_queued and record.id not in found for record in records):
        found = entries_by_job(read_entries(zk, read_names(zk)[0]))
    mine = [entry for record in records for entry in found.get(record.id, ())]
    locks = read_locks(zk, [entry.name for entry in mine])
    return [
        JoinedJob(
            record=record,
            entries=tuple(
                entry._replace(lock=locks.get(entry.name)) for entry in found.get(record.id, ())
            ),
        )
        for record in records
    ]


def noted_entries(records: Iterable[JobRecord]) -> Iterable[str]:
    """Yield the names of the entries that the documents' tags name."""
    prefix = f"{paths.ENTRIES}/"
    for record in records:
        for tag in record.tags:
            name = tag.removeprefix(prefix)
            if name != tag and paths.is_entry_name(name):
                yield name
