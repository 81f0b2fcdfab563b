"""Which jobs an act in bulk is for: those that match a filter and that the act could change."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from enum import StrEnum

from engine.act.acts import Act, Argument
from engine.act.sources import Sources
from engine.nuvla import filters
from engine.states import FINAL_STATES, JobState
from engine.view.paging import every_job
from engine.view.queue import read_entries, read_names, read_taken_names

AT_ONCE = 500
"""Ids in one filter."""
CHUNK = 5000
"""Entries that are held in memory at once."""


class Scope(StrEnum):
    """Where the jobs are that an act could change."""

    UNFINISHED = "unfinished documents"
    FINISHED = "finished documents"
    HELD = "held entries"
    QUEUED = "entries of the queue"


SCOPES = {
    "cancel": Scope.UNFINISHED,
    "requeue": Scope.FINISHED,
    "release": Scope.HELD,
    "interrupt": Scope.HELD,
    "drop": Scope.QUEUED,
    "reprioritise": Scope.QUEUED,
}
"""The acts that can be done in bulk."""


def select(act: Act, filter: str, sources: Sources) -> Iterator[str]:
    """Yield the subjects of an act: job ids oldest first, or names of entries in queue order.

    What is in the queue is read there first, so that the API is asked about these jobs only, not
    about all that ever were.

    Args:
        act: one of SCOPES.
        filter: in the API's language (`engine.view.query` makes one from words).
        sources: needs the API, and ZooKeeper for acts on entries.

    Raises:
        ApiError, ZooKeeperError: a source could not be asked.
        QueueError: the API cannot page through what matches.
    """
    scope = SCOPES[act.name]
    if scope in (Scope.HELD, Scope.QUEUED):
        return _entries(act, scope, filter, sources)
    states = [state for state in JobState if (state in FINAL_STATES) == (scope is Scope.FINISHED)]
    wanted = filters.all_of(filter, filters.any_of("state", states))
    return (job.id for job in every_job(sources.client, wanted))


def _entries(act: Act, scope: Scope, filter: str, sources: Sources) -> Iterator[str]:
    zk = sources.zk
    names = read_taken_names(zk) if scope is Scope.HELD else read_names(zk)[0]
    seen: set[str] = set()
    for start in range(0, len(names), CHUNK):
        entries = read_entries(zk, names[start : start + CHUNK])
        jobs = {entry.name: entry.job_id for entry in entries if entry.job_id is not None}
        matching = set(_matching(set(jobs.values()), filter, sources))
        chosen = {name: job_id for name, job_id in jobs.items() if job_id in matching}
        if act.argument is Argument.ENTRY:
            yield from chosen
        else:
            # A job that stands in the queue twice is one subject.
            fresh = [job_id for job_id in dict.fromkeys(chosen.values()) if job_id not in seen]
            yield from fresh
            seen.update(fresh)


def _matching(job_ids: Iterable[str], filter: str, sources: Sources) -> Iterator[str]:
    wanted = sorted(job_ids)
    for start in range(0, len(wanted), AT_ONCE):
        some = filters.any_of("id", wanted[start : start + AT_ONCE])
        page = sources.client.search_jobs(
            filter=filters.all_of(filter, some), first=1, last=AT_ONCE, select=()
        )
        yield from (job.id for job in page.jobs)
