"""Documents that a check-up looks for once more, since the first reading left a doubt."""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from engine.errors import MalformedAnswer, NotFound
from engine.models import JobRecord
from engine.nuvla.client import NuvlaClient
from engine.view.jobs import read_job
from engine.view.triage import QueueFacts
from engine.view.unfinished import AT_ONCE, read_documents

MOST_STRANGERS = 5000
"""Entries without an unfinished document whose documents are looked for."""
_AT_ONCE = 100
_SETTLE = 1.2
"""Seconds: a query may show the document as it was up to a second before (contract, section 0)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Strangers:
    """Jobs that have an entry, but no unfinished document."""

    records: Mapping[str, JobRecord] = field(default_factory=dict)
    """Those whose document was found: it is final, or was made since."""
    absent: frozenset[str] = frozenset()
    """Those that the API does not have, for certain."""
    left_out: int = 0
    """Those that were not looked for one by one."""


def find_strangers(
    queue: QueueFacts, known: Mapping[str, JobRecord], client: NuvlaClient, *, all_known: bool
) -> Strangers:
    """Look for the documents of jobs that have an entry, but are not known to be unfinished. Those
    that are held come first, since they may be stuck.

    Args:
        queue: what ZooKeeper says.
        known: the unfinished documents that were read.
        client: the API.
        all_known: whether those are all. Else the API was too slow or has too many, and most that
            are not known merely wait: fewer are looked for.

    Raises:
        ApiError: the API could not be asked.
    """
    unknown = [job_id for job_id in queue.entries if job_id not in known]
    unknown.sort(key=lambda job: not any(e.name in queue.locks for e in queue.entries[job]))
    wanted = unknown[: MOST_STRANGERS if all_known else min(MOST_STRANGERS, AT_ONCE)]
    records = read_documents(client, wanted)
    missing = [job_id for job_id in wanted if job_id not in records]
    # A query leaves out what we may not see and what follows no contract: the document itself says.
    absent = frozenset(job_id for job_id in missing[:_AT_ONCE] if _is_absent(client, job_id))
    return Strangers(
        records=records,
        absent=absent,
        left_out=len(unknown) - len(wanted) + len(missing[_AT_ONCE:]),
    )


def _is_absent(client: NuvlaClient, job_id: str) -> bool:
    try:
        client.get_job(job_id)
    except NotFound:
        return True
    except MalformedAnswer:
        return False
    return False


def settle(queue: QueueFacts, records: dict[str, JobRecord], client: NuvlaClient) -> None:
    """Read the documents again that seem to lack an entry: they may have ended in between.

    Raises:
        ApiError: the API could not be asked.
    """
    missing = [
        record.id
        for record in records.values()
        if record.is_queued and record.id not in queue.entries
    ]
    for job_id in missing:
        del records[job_id]
    if len(missing) > _AT_ONCE:
        time.sleep(max(0.0, queue.listed_at + _SETTLE - time.monotonic()))
    records.update(read_again(client, missing))


def read_again(client: NuvlaClient, job_ids: Sequence[str]) -> dict[str, JobRecord]:
    """Return documents; a few are read one by one, since that is never late.

    Raises:
        ApiError: the API could not be asked.
    """
    if len(job_ids) > _AT_ONCE:
        return read_documents(client, job_ids)
    return dict(_one_by_one(client, job_ids))


def _one_by_one(client: NuvlaClient, job_ids: Iterable[str]) -> Iterator[tuple[str, JobRecord]]:
    """Yield the documents of these jobs that exist."""
    for job_id in job_ids:
        try:
            yield job_id, read_job(client, job_id)
        except NotFound:
            continue
