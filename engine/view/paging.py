"""Reads all the jobs that match a filter, page by page, however many there are."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import datetime

from engine.errors import QueueError
from engine.models import JobRecord
from engine.nuvla import filters
from engine.nuvla.client import NuvlaClient

PAGE = 5000
"""Documents asked for at once; the server pages no further than 10,000."""


def every_job(
    client: NuvlaClient, filter: str, *, select: Iterable[str] = (), page: int = PAGE
) -> Iterator[JobRecord]:
    """Yield the jobs that match, oldest first.

    Args:
        client: the API.
        filter: in the API's language.
        select: attributes to read beside id, action, state and created.
        page: documents asked for at once.

    Raises:
        ApiError: the API could not be asked.
        QueueError: one instant holds more jobs than a page.
    """
    fields = ("created", *select)
    seen: set[str] = set()
    since: datetime | None = None
    while True:
        wanted = (
            filter if since is None else filters.all_of(filter, filters.since("created", since))
        )
        found = client.search_jobs(
            filter=wanted, orderby="created:asc", first=1, last=page, select=fields
        )
        yield from (job for job in found.jobs if job.id not in seen)
        if len(found.jobs) + found.unreadable < page:
            return
        newest = found.jobs[-1].created if found.jobs else None
        if newest is None or newest == since:
            raise QueueError(f"more than {page:,} of the jobs were created at {since}: narrow it")
        # Only jobs of the last instant can come again: the next page starts at it.
        seen = {job.id for job in found.jobs if job.created == newest}
        since = newest
