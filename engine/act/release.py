"""Release: a job that somebody holds goes back to the queue.

The owner is asked to let go: it ends its work first and frees the lock then, so that the job never
runs twice at once. Nobody else can know whether a thread is still inside the action. To take the
lock away by force is therefore a choice of its own, which may run the job twice.

The lock is deleted at the version that was read, in one transaction with a check of the entry.
ZooKeeper cannot check more: a lock that went and came back between the last reading and the
transaction, some milliseconds apart, has the same version. It is a lock of the same entry and so of
the same job, whose new owner would lose it: no more than what the force already accepts.
"""

from __future__ import annotations

from dataclasses import replace

from engine.act.bases import NodeBasis
from engine.act.holder import Holder, expiry, find_holders, look_at_lock
from engine.act.members import limited
from engine.act.operations import CheckNode, DeleteNode, TellMember
from engine.act.plan import Options, Plan, Sight
from engine.act.sources import Sources
from engine.models.control import Command
from engine.zookeeper import paths

FOREIGN = (
    "its owner does not announce itself (an executor of another kind), so it cannot be asked to "
    "let go: restart it. --force takes the lock away, and then the job may run twice"
)


def plan_release(sources: Sources, subject: str, options: Options) -> Plan:
    """Plan to free the lock of a job or of an entry.

    Raises:
        ZooKeeperError: the queue cannot be read.
    """
    holders = find_holders(sources, subject)
    plan = Plan(act="release", subject=subject, options=options)
    if not holders:
        return plan.refuse("nobody holds it: none of its entries is locked")
    if len(holders) > 1:
        names = ", ".join(holder.entry for holder in holders)
        return plan.refuse(f"it is held in {len(holders)} entries ({names}): name one of them")
    if options.force:
        return _by_force(holders[0], plan)
    return _through_owner(sources, holders[0], plan)


def look_at_release(sources: Sources, plan: Plan, made: str) -> Sight:
    """Look whether the lock of a plan is gone.

    Raises:
        ZooKeeperError: it cannot be read.
    """
    for basis in plan.rests_on:
        if isinstance(basis, NodeBasis) and basis.path.startswith(paths.TAKEN) and basis.czxid:
            is_done, detail = look_at_lock(sources, basis.path, basis.czxid)
            return Sight(is_done=is_done, detail=detail)
    return Sight(is_done=False, detail="the plan names no lock")


def _through_owner(sources: Sources, holder: Holder, plan: Plan) -> Plan:
    plan = replace(plan, rests_on=holder.bases(), evidence=holder.evidence())
    gone = expiry(sources, holder.session)
    if gone is not None:
        return plan.refuse(
            f"its owner's session {holder.session:#x} is about to end: {gone}. "
            "Its lock goes with it: wait, then look again"
        )
    if holder.member is None:
        if holder.note is None:
            return plan.refuse(FOREIGN)
        return plan.refuse(
            f"its owner {holder.note.instance} has no presence node, so it "
            "cannot be asked to let go: wait a moment, else restart it"
        )
    forbidden = limited(holder.member, Command.RELEASE)
    if forbidden is not None:
        return plan.refuse(forbidden)
    works = "its thread is told to stop; once its action has ended, " if holder.thread_says else ""
    return replace(
        plan,
        operations=(
            TellMember(
                instance=holder.member.instance,
                command=Command.RELEASE,
                job_id=holder.job_id,
                entry=holder.entry,
            ),
        ),
        effects=(
            f"{holder.member.name} lets go: {works}the lock is deleted",
            f"{holder.entry} waits again, and any executor can take it",
        ),
    )


def _by_force(holder: Holder, plan: Plan) -> Plan:
    plan = replace(
        plan,
        rests_on=holder.bases(),
        evidence=holder.evidence(),
        operations=(
            CheckNode(path=holder.entry_path, version=holder.entry_stat.version),
            DeleteNode(path=holder.lock_path, version=holder.lock_stat.version),
        ),
        effects=(f"{holder.entry} waits again, and any executor can take it",),
        warnings=(
            "the job may run twice: nothing stops a thread of the owner that is still at work on "
            "it",
        ),
    )
    if not plan.options.reason.strip():
        return plan.refuse("--force needs a reason: say why with --reason")
    return plan
