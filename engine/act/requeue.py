"""Requeue: a job that has ended runs again, as a new job that names the old one as its parent.

The old job stays as it is: its document cannot be changed any more. `parent` is the attribute that
the API has for this; `parent-job` is not used, since it makes a job the child of a bulk job. A job
that was cancelled may still be at work in its executor, whose lock tells; then nothing is requeued.
"""

from __future__ import annotations

from contextlib import AbstractContextManager
from dataclasses import replace
from typing import Any

from engine.act.alone import alone
from engine.act.bases import Basis, DocumentBasis
from engine.act.cancel import document_evidence, read_record
from engine.act.holder import find_holders
from engine.act.operations import AddJob
from engine.act.plan import Options, Plan, Sight
from engine.act.restore import noted_priority
from engine.act.sources import Sources
from engine.models import JobRecord
from engine.nuvla.filters import equals
from engine.states import JobState
from engine.view.jobs import FIELDS
from engine.view.members import read_members

COPIED = (
    "action",
    "target-resource",
    "affected-resources",
    "payload",
    "execution-mode",
    "version",
    "name",
    "description",
    "acl",
)
"""What the new job has of the old one, beside its priority. The ACL lets its owner see it."""


def plan_requeue(sources: Sources, subject: str, options: Options) -> Plan:
    """Plan to run a finished job again.

    Raises:
        ApiError, ZooKeeperError: the job or its locks cannot be read.
    """
    plan = Plan(act="requeue", subject=subject, options=options)
    record = read_record(sources, subject)
    plan = replace(
        plan,
        rests_on=(DocumentBasis.of(subject, record),),
        evidence=(document_evidence(subject, record),),
    )
    if record is None:
        return plan.refuse("the API has no such job")
    if not record.is_final:
        advice = "release lets another executor take it" if record.is_queued else "it is elsewhere"
        return plan.refuse(f"it is {record.state}, so it has not ended: {advice}")
    # A thread goes on without a lock where its executor has lost its session.
    if find_holders(sources, subject) or read_members(sources.zk, sources.own).at_work(subject):
        return plan.refuse(
            f"it is {record.state}, but its executor has not let go of it: its thread may be at "
            "work still. Wait, or interrupt it"
        )
    newest = newest_requeue(sources, subject)
    plan = _adding(plan, record, newest)
    if newest is not None and not newest.is_final:
        return plan.refuse(f"{newest.id} runs it again already, and is {newest.state}")
    return plan


def look_at_requeue(sources: Sources, plan: Plan, made: str) -> Sight:
    """Look at the new job, which is found by its parent where the answer was lost.

    Raises:
        ApiError: it cannot be read.
    """
    known = {basis.job_id for basis in plan.rests_on if isinstance(basis, DocumentBasis)}
    record = read_record(sources, made) if made else newest_requeue(sources, plan.subject)
    if record is None or record.id in known:
        return Sight(is_done=False, detail="there is no new job")
    return Sight(is_done=True, detail=f"{record.id} is {record.state}", made=record.id)


def guard_requeue(sources: Sources, subject: str) -> AbstractContextManager[object]:
    """Keep another requeue of the same job away, so that one new job is made."""
    return alone(sources.zk, sources.own.requeueing(subject), "requeue of it")


def newest_requeue(sources: Sources, job_id: str) -> JobRecord | None:
    """Return the newest job that a requeue of this one made.

    Raises:
        ApiError: the API cannot be asked.
    """
    page = sources.client.search_jobs(
        filter=equals("parent", job_id), orderby="created:desc", first=1, last=1, select=FIELDS
    )
    return page.jobs[0] if page.jobs else None


def _adding(plan: Plan, record: JobRecord, newest: JobRecord | None) -> Plan:
    document: dict[str, Any] = {key: record.raw[key] for key in COPIED if key in record.raw}
    document["parent"] = record.id
    priority = noted_priority(record)
    if priority is not None:
        document["priority"] = priority
    bases: list[Basis] = list(plan.rests_on)
    warnings = []
    if newest is not None:
        bases.append(DocumentBasis.of(newest.id, newest))
        warnings.append(f"it was requeued before, as {newest.id}, which is {newest.state}")
    if record.state is JobState.SUCCESS:
        warnings.append("it has succeeded: what it did is done a second time")
    place = "the queue" if record.execution_mode.is_queued else "the edge device, which fetches it"
    return replace(
        plan,
        rests_on=tuple(bases),
        operations=(AddJob(document=document),),
        effects=(f"a new job of {record.action} waits in {place}; {record.id} stays as it is",),
        warnings=tuple(warnings),
    )
