"""Reads unfinished documents by pages, oldest first, however many there are, up to a bound."""

from __future__ import annotations

import time
from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime

from engine.models import JobPage, JobRecord
from engine.nuvla import filters
from engine.nuvla.client import NuvlaClient
from engine.states import JobState

PAGE = 5000
"""Documents asked for at once; the server pages no further than 10,000."""
AT_ONCE = 500
"""Ids in one filter."""
FIELDS = ("execution-mode", "version", "created", "updated", "tags")
"""What a check-up reads beside id, action and state."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Unfinished:
    """The unfinished documents that were read."""

    records: tuple[JobRecord, ...]
    left_out: int = 0
    """Those that the bounds left no time or room for."""


def read_unfinished(client: NuvlaClient, *, most: int, seconds: float) -> Unfinished:
    """Return RUNNING documents, then QUEUED ones, each oldest first.

    Args:
        client: the API.
        most: documents to read, at a page's precision.
        seconds: ask for no further page after so many.

    Raises:
        ApiError: the API could not be asked.
    """
    deadline = time.monotonic() + seconds
    found: dict[str, JobRecord] = {}
    for state in (JobState.RUNNING, JobState.QUEUED):
        since: datetime | None = None
        while len(found) < most and time.monotonic() < deadline:
            page = _page(client, state, since)
            found.update((record.id, record) for record in page.jobs)
            newest = page.jobs[-1].created if page.jobs else None
            # An instant that fills a page cannot be paged past; what it hides is left out.
            if len(page.jobs) + page.unreadable < PAGE or newest is None or newest == since:
                break
            since = newest
    return Unfinished(records=tuple(found.values()), left_out=max(0, _total(client) - len(found)))


def read_documents(client: NuvlaClient, job_ids: Collection[str]) -> dict[str, JobRecord]:
    """Return the documents of these jobs that exist, by id.

    Raises:
        ApiError: the API could not be asked.
    """
    wanted = list(job_ids)
    found: dict[str, JobRecord] = {}
    for start in range(0, len(wanted), AT_ONCE):
        page = client.search_jobs(
            filter=filters.any_of("id", wanted[start : start + AT_ONCE]),
            first=1,
            last=AT_ONCE,
            select=FIELDS,
        )
        found.update((record.id, record) for record in page.jobs)
    return found


def _page(client: NuvlaClient, state: JobState, since: datetime | None) -> JobPage:
    wanted = filters.equals("state", state)
    if since is not None:
        wanted = filters.all_of(wanted, filters.since("created", since))
    return client.search_jobs(
        filter=wanted, orderby="created:asc", first=1, last=PAGE, select=FIELDS
    )


def _total(client: NuvlaClient) -> int:
    states = filters.any_of("state", (JobState.RUNNING, JobState.QUEUED))
    page = client.search_jobs(filter=states, last=0, aggregation="value_count:id")
    counted = page.aggregations.get("value_count:id")
    value = counted.get("value") if isinstance(counted, dict) else None
    return int(value) if isinstance(value, (int, float)) else 0
