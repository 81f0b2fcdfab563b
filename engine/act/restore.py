"""Puts jobs that ought to be in the queue and have no entry back in it, once."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime

from engine.act.alone import alone
from engine.act.bases import DocumentBasis
from engine.act.operations import CreateNode
from engine.act.plan import Options, Plan
from engine.act.recording import Recorder
from engine.act.sources import Sources
from engine.errors import ApiRefused, NotFound, QueueError, ZooKeeperError
from engine.models import Ending, Evidence, JobRecord, Outcome, Who, format_time
from engine.nuvla.client import NuvlaClient
from engine.states import JobState
from engine.view.jobs import FIELDS, read_job
from engine.view.queue import read_entries, read_names
from engine.zookeeper import paths
from engine.zookeeper.connection import ZooKeeper

ENQUEUE_WINDOW = 60.0
"""Seconds: the server makes the entry and the document at nearly the same time, not at once."""
RESTORED_PRIORITY = 100
"""For a job that was given no priority; kazoo's own default, which the first restore tools used."""
PAGE = 5000
"""Documents asked for at once; the server pages no further than 10,000."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RestorePlan:
    """What a restore would do."""

    taken_at: datetime
    missing: tuple[JobRecord, ...]
    """Jobs without an entry that ought to have one, oldest first."""
    examined: int
    """Unfinished jobs that were looked at."""
    young: int
    """Left out: created so lately that the entry may still be on its way."""
    followed: int
    """Left out: bulk jobs that their monitor follows."""


def plan_restore(client: NuvlaClient, zk: ZooKeeper, *, now: datetime | None = None) -> RestorePlan:
    """Find the jobs to put back.

    Raises:
        ApiError: the API could not be asked.
        ZooKeeperError: the queue could not be read.
    """
    taken_at = now or datetime.now(UTC)
    # Documents first: a job that ends in between then shows as final when it is read again, while
    # reading the queue first would show a job that was just enqueued as missing.
    jobs = [job for job in unfinished_jobs(client) if job.execution_mode.is_queued]
    queued = _queued_ids(zk)
    missing = [job for job in jobs if job.id not in queued]
    lost = [job for job in missing if not job.is_followed]
    young = sum(_is_young(job, taken_at) for job in lost)
    return RestorePlan(
        taken_at=taken_at,
        missing=tuple(job for job in lost if not _is_young(job, taken_at)),
        examined=len(jobs),
        young=young,
        followed=len(missing) - len(lost),
    )


def apply_restore(
    plan: RestorePlan, sources: Sources, *, by: Who, reason: str, audit: Recorder
) -> Iterator[Outcome]:
    """Put the jobs of a plan back, one outcome for each; what has changed since is left alone.

    Args:
        plan: what to put back.
        sources: where to read and write.
        by: who acts.
        reason: why, or "".
        audit: has a record for each job before its entry is made.

    Raises:
        AuditError: it cannot be recorded, so nothing more is done.
        QueueError: another restore runs at this moment.
        ApiError: the API could not be asked.
        ZooKeeperError: an entry could not be made.
    """
    if not plan.missing:
        return
    with alone(sources.zk, sources.own.restoring, "restore"):
        queued = _queued_ids(sources.zk)
        for job in plan.missing:
            why_not = "it has an entry again" if job.id in queued else _why_not(job.id, sources)
            if why_not is None:
                yield _restore(job, sources.zk, by=by, reason=reason, audit=audit)
            else:
                yield Outcome(operation="restore", subject=job.id, done=False, detail=why_not)


def restore_priority(job: JobRecord) -> int:
    """Return the priority of the new entry: the job's own, or 100 where it was given none."""
    noted = noted_priority(job)
    return RESTORED_PRIORITY if noted is None else noted


def noted_priority(job: JobRecord) -> int | None:
    """Return the priority that a job was given, or None where it was given none.

    The server drops the document's priority at the first edit; the tag with the path of the first
    entry still has it. 999 there is the server's stand-in for "none given".
    """
    if job.priority is not None:
        return job.priority
    for tag in job.tags:
        name = tag.removeprefix(f"{paths.ENTRIES}/")
        if name != tag and paths.is_entry_name(name):
            noted = paths.entry_priority(name)
            return None if noted == paths.DEFAULT_PRIORITY else noted
    return None


def unfinished_jobs(client: NuvlaClient) -> Iterator[JobRecord]:
    """Yield every job that is not final, oldest first, however many there are.

    Raises:
        ApiError: the API could not be asked.
        QueueError: one instant holds more jobs than a page.
    """
    unfinished = f"(state='{JobState.QUEUED}' or state='{JobState.RUNNING}')"
    seen: set[str] = set()
    since: datetime | None = None
    while True:
        later = f" and created>='{format_time(since)}'" if since else ""
        page = client.search_jobs(
            filter=unfinished + later, orderby="created:asc", first=1, last=PAGE, select=FIELDS
        )
        yield from (job for job in page.jobs if job.id not in seen)
        if len(page.jobs) + page.unreadable < PAGE:
            return
        newest = page.jobs[-1].created if page.jobs else None
        if newest is None or newest == since:
            raise QueueError(f"more than {PAGE} unfinished jobs were created at {since}")
        # Only jobs of the last instant can come again: the next page starts at it.
        seen = {job.id for job in page.jobs if job.created == newest}
        since = newest


def put_back(plan: Plan, job: JobRecord) -> Plan:
    """Return the plan with the entry that a job gets."""
    priority = restore_priority(job)
    prefix = paths.entry_prefix(priority)
    searched = Evidence(
        claim="No entry of the queue holds the job.",
        datum="all entries were read",
        source="zookeeper",
        age_s=0.0,
    )
    return replace(
        plan,
        rests_on=(DocumentBasis.of(job.id, job),),
        operations=(CreateNode(path=prefix, data=job.id.encode(), sequential=True),),
        effects=(f"it waits at priority {priority:03d}, and any executor can take it",),
        evidence=(*plan.evidence, searched),
    )


def _restore(job: JobRecord, zk: ZooKeeper, *, by: Who, reason: str, audit: Recorder) -> Outcome:
    options = Options(by=str(by), reason=reason)
    plan = put_back(Plan(act="restore", subject=job.id, options=options), job)
    attempt = audit.attempt(plan, by=by, reason=reason or None)
    prefix = paths.entry_prefix(restore_priority(job))
    try:
        path = zk.create(prefix, job.id.encode(), sequential=True)
    except ZooKeeperError as error:
        attempt.outcome(Ending.MAYBE_APPLIED, str(error))
        raise
    trouble = attempt.outcome(Ending.DONE, path)
    detail = path if trouble is None else f"{path}; {trouble}"
    return Outcome(operation="restore", subject=job.id, done=True, detail=detail)


def _why_not(job_id: str, sources: Sources) -> str | None:
    # Read by id: a query lags an edit by up to a second, and an entry goes only once the job is
    # final, so a job that is not final now, and had no entry before, has lost it.
    try:
        job = read_job(sources.client, job_id)
    except NotFound:
        return "the job is gone"
    except ApiRefused as error:
        return f"the API refuses to show it: {error}"
    if job.is_final:
        return f"it is {job.state} by now"
    return None if job.is_queued else "nothing queues it by now: its monitor or device has it"


def _queued_ids(zk: ZooKeeper) -> set[str]:
    entries = read_entries(zk, read_names(zk)[0])
    return {entry.job_id for entry in entries if entry.job_id is not None}


def _is_young(job: JobRecord, now: datetime) -> bool:
    age = job.age(now)
    return age is not None and age.total_seconds() < ENQUEUE_WINDOW
