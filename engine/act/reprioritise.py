"""Reprioritise: a job that waits gets an entry of another priority, in the place of its own.

The old entry goes and the new one comes in one transaction, which fails while somebody holds the
old one: at no moment has the job two entries or none. The document's tag names the old one still.
"""

from __future__ import annotations

from dataclasses import replace

from engine.act.bases import DocumentBasis, NodeBasis
from engine.act.cancel import document_evidence, read_record
from engine.act.operations import CheckAbsent, CreateNode, DeleteNode
from engine.act.plan import Options, Plan, Sight
from engine.act.sources import Sources
from engine.act.standing import Standing, find_standings, is_there, newest_entry
from engine.zookeeper import paths


def plan_reprioritise(sources: Sources, subject: str, options: Options) -> Plan:
    """Plan to move a job to the priority that the options name.

    Raises:
        ZooKeeperError, ApiError: the queue or the job's document cannot be read.
    """
    plan = Plan(act="reprioritise", subject=subject, options=options)
    priority = options.priority
    if priority is None or not 0 <= priority <= paths.DEFAULT_PRIORITY:
        return plan.refuse("name a priority from 0 to 999: lower runs sooner")
    record = read_record(sources, subject)
    plan = replace(
        plan,
        rests_on=(DocumentBasis.of(subject, record),),
        evidence=(document_evidence(subject, record),),
    )
    if record is None:
        return plan.refuse("the API has no such job")
    if not record.is_queued:
        return plan.refuse(f"it is {record.state}: no executor is to take it from the queue")
    standings = find_standings(sources, subject)
    if not standings:
        return plan.refuse("no entry of the queue holds it: restore puts it back")
    if len(standings) > 1:
        names = ", ".join(each.name for each in standings)
        return plan.refuse(f"it stands in the queue {len(standings)} times ({names}): drop first")
    return _moving(plan, standings[0], subject, priority)


def look_at_reprioritise(sources: Sources, plan: Plan, made: str) -> Sight:
    """Look whether the job stands at its new priority, or has been taken since.

    Raises:
        ZooKeeperError: the queue cannot be read.
    """
    priority = plan.options.priority
    name = None if priority is None else newest_entry(sources, plan.subject, priority)
    if name is not None:
        return Sight(is_done=True, detail=f"it stands as {name}", made=name)
    if any(isinstance(each, NodeBasis) and is_there(sources, each) for each in plan.rests_on):
        return Sight(is_done=False, detail="its old entry is still there")
    return Sight(is_done=True, detail="its new entry has been worked off already")


def _moving(plan: Plan, standing: Standing, job_id: str, priority: int) -> Plan:
    present = paths.entry_priority(standing.name)
    plan = replace(
        plan,
        rests_on=(*plan.rests_on, *standing.bases()),
        operations=(
            CheckAbsent(path=standing.lock_path),
            DeleteNode(path=standing.path, version=standing.stat.version),
            CreateNode(path=paths.entry_prefix(priority), data=job_id.encode(), sequential=True),
        ),
        effects=(
            f"it waits at priority {priority:03d} instead of {present:03d}, "
            "behind the entries that are there already",
        ),
    )
    if standing.is_held:
        return plan.refuse(f"{standing.holder} holds it: priorities are for those that wait")
    if present == priority:
        return plan.refuse(f"it waits at priority {priority:03d} already")
    return plan
