"""Restore one job: a job that lost its entry gets a new one, at its own priority.

ZooKeeper cannot check that no entry of a job exists, so restores keep each other away by a node of
their own, and nobody else makes an entry for a job that has been there for a while.
"""

from __future__ import annotations

from contextlib import AbstractContextManager
from datetime import UTC, datetime

from engine.act.alone import alone
from engine.act.bases import DocumentBasis
from engine.act.cancel import document_evidence, read_record
from engine.act.plan import Options, Plan, Sight
from engine.act.restore import ENQUEUE_WINDOW, put_back
from engine.act.sources import Sources
from engine.act.standing import find_standings
from engine.zookeeper import paths


def plan_restore_one(sources: Sources, subject: str, options: Options) -> Plan:
    """Plan to put a job back in the queue.

    Raises:
        ZooKeeperError, ApiError: the queue or the job's document cannot be read.
    """
    # The queue first: an entry goes only once its document is final, so a job that has no entry
    # now, and is unfinished after that, has lost it.
    standings = find_standings(sources, subject)
    record = read_record(sources, subject)
    plan = Plan(
        act="restore",
        subject=subject,
        options=options,
        rests_on=(DocumentBasis.of(subject, record),),
        evidence=(document_evidence(subject, record),),
    )
    if record is None:
        return plan.refuse("the API has no such job")
    if record.is_final:
        return plan.refuse(f"it is {record.state}: requeue runs it again, as a new job")
    if not record.is_queued:
        return plan.refuse("no entry is missing: its edge device or its monitor has it")
    if standings:
        return plan.refuse(f"it has not lost its entry: {standings[0].name} holds it")
    age = record.age(datetime.now(UTC))
    if age is not None and age.total_seconds() < ENQUEUE_WINDOW:
        return plan.refuse(
            f"it is {age.total_seconds():.0f} s old, and its entry may be on its way: "
            f"look again after {ENQUEUE_WINDOW:.0f} s"
        )
    return put_back(plan, record)


def look_at_restore_one(sources: Sources, plan: Plan, made: str) -> Sight:
    """Look whether the job has an entry, or has ended since.

    Raises:
        ZooKeeperError, ApiError: the queue or the document cannot be read.
    """
    sources.zk.sync(paths.ENTRIES)
    standings = find_standings(sources, plan.subject)
    if standings:
        return Sight(
            is_done=True, detail=f"it stands as {standings[0].name}", made=standings[0].name
        )
    record = read_record(sources, plan.subject)
    if record is not None and record.is_final:
        return Sight(is_done=True, detail=f"it is {record.state} already")
    return Sight(is_done=False, detail="no entry of the queue holds it")


def guard_restore(sources: Sources, subject: str) -> AbstractContextManager[object]:
    """Keep other restores away."""
    return alone(sources.zk, sources.own.restoring, "restore")
