"""Drop: delete entries that nobody needs: orphans, leftovers, the later ones of a duplicate.

Each entry goes only while nobody holds it. An executor claims an entry by a transaction of its own,
so either the drop comes first and there is nothing to claim, or the claim does and nothing is
dropped. Of a job that is not final one entry is kept, and has to be there when the others go.

An entry is deleted at the version that was read. Entries are never written, so one that took its
name since (somebody deleted the whole queue between the last reading and the transaction, and jobs
came anew) would be deleted in its place; `restore` finds the job of such an entry.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime

from engine.act.bases import Basis, DocumentBasis, NodeBasis
from engine.act.cancel import document_evidence, read_record
from engine.act.operations import CheckAbsent, CheckNode, DeleteNode, Operation
from engine.act.plan import Options, Plan, Sight
from engine.act.restore import ENQUEUE_WINDOW
from engine.act.sources import Sources
from engine.act.standing import Standing, find_standing, find_standings, is_there
from engine.models import JobRecord
from engine.zookeeper import paths

MOST = 200
"""Entries of one job in one transaction."""
GONE = "the queue has no such entry"


def plan_drop(sources: Sources, subject: str, options: Options) -> Plan:
    """Plan to delete an entry, or those entries of a job that nobody needs.

    Raises:
        ZooKeeperError, ApiError: the queue or the job's document cannot be read.
    """
    plan = Plan(act="drop", subject=subject, options=options)
    if not paths.is_entry_name(subject):
        return _of_job(sources, plan, subject, None)
    named = find_standing(sources, subject)
    if named is None:
        return plan.refuse(GONE)
    if named.job_id is None:
        effect = f"the entry, which holds no job id ({named.contents}), is gone"
        return _deleting(replace(plan, effects=(effect,)), [named], None)
    return _of_job(sources, plan, named.job_id, named)


def look_at_drop(sources: Sources, plan: Plan, made: str) -> Sight:
    """Look whether the entries are gone.

    Raises:
        ZooKeeperError: they cannot be read.
    """
    sources.zk.sync(paths.ENTRIES)
    dropped = {each.path for each in plan.operations if isinstance(each, DeleteNode)}
    bases = [each for each in plan.rests_on if isinstance(each, NodeBasis)]
    left = [each.path for each in bases if each.path in dropped and is_there(sources, each)]
    if left:
        return Sight(is_done=False, detail=f"{', '.join(left)} is still there")
    names = ", ".join(path.rpartition("/")[2] for path in sorted(dropped))
    return Sight(is_done=True, detail=f"{names} is gone")


def _of_job(sources: Sources, plan: Plan, job_id: str, named: Standing | None) -> Plan:
    """Plan to drop the entry that was named, or those of a job that it does not need."""
    record = read_record(sources, job_id)
    plan = replace(
        plan,
        rests_on=(DocumentBasis.of(job_id, record),),
        evidence=(document_evidence(job_id, record),),
    )
    chosen = [named] if named else []
    if record is not None and record.is_queued:
        # All entries of a job are looked for only where it matters which of them stays.
        standings = find_standings(sources, job_id)
        return _needed(plan, chosen, standings, record) if standings else plan.refuse(GONE)
    standings = chosen or find_standings(sources, job_id)
    return _unneeded(plan, standings, record) if standings else plan.refuse(GONE)


def _unneeded(plan: Plan, standings: Sequence[Standing], record: JobRecord | None) -> Plan:
    """Plan to drop entries of a job that no executor will run."""
    if record is None:
        youngest = max(each.stat.created for each in standings)
        age = (datetime.now(UTC) - youngest).total_seconds()
        if age < ENQUEUE_WINDOW:
            return plan.refuse(
                f"it is {age:.0f} s old, and its document may be on its way: "
                f"look again after {ENQUEUE_WINDOW:.0f} s"
            )
        why = "the API has no such job"
    else:
        why = f"the job is {record.state}" if record.is_final else "no executor is to run the job"
    return _deleting(
        replace(plan, effects=(f"no entry is left of it, and {why}",)), standings, None
    )


def _needed(
    plan: Plan, named: Sequence[Standing], standings: Sequence[Standing], record: JobRecord
) -> Plan:
    """Plan to drop entries of a job that is to run: one of them has to stay."""
    if len(standings) == 1:
        return _only_one(plan, standings, record)
    others = [each for each in standings if each not in named] if named else standings
    kept = next((each for each in others if each.is_held), others[0])
    dropped = named or [each for each in standings if each is not kept]
    effect = f"the job keeps {kept.name}, and runs once"
    return _deleting(replace(plan, effects=(effect,)), dropped, kept)


def _only_one(plan: Plan, standings: Sequence[Standing], record: JobRecord) -> Plan:
    why = f"it is the only entry of a job that is {record.state}"
    plan = replace(
        plan,
        effects=("no executor runs the job any more, until `restore` puts it back",),
        warnings=(why,),
    )
    if not plan.options.force:
        return plan.refuse(f"{why}: without it the job never runs. Cancel the job instead")
    if not plan.options.reason.strip():
        plan = plan.refuse("--force needs a reason: say why with --reason")
    return _deleting(plan, standings, None)


def _deleting(plan: Plan, dropped: Sequence[Standing], kept: Standing | None) -> Plan:
    """Return the plan with the transaction that drops what nobody holds."""
    free = [each for each in dropped if not each.is_held][:MOST]
    held = [each for each in dropped if each.is_held]
    words = tuple(f"{each.name} is held by {each.holder}, and stays" for each in held)
    operations: list[Operation] = []
    bases: list[Basis] = []
    if kept is not None:
        operations.append(CheckNode(path=kept.path, version=kept.stat.version))
        bases.append(NodeBasis.of(kept.path, kept.stat))
    for each in free:
        operations.append(CheckAbsent(path=each.lock_path))
        operations.append(DeleteNode(path=each.path, version=each.stat.version))
        bases.extend(each.bases())
    plan = replace(
        plan,
        operations=tuple(operations),
        rests_on=(*plan.rests_on, *bases),
        warnings=(*plan.warnings, *words),
    )
    if not free:
        return plan.refuse(f"{words[0]}: release it first")
    return plan
