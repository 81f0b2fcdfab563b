"""Interrupt: `JobInterrupted` is raised in the thread that works on a job.

It arrives between two steps of Python code: an action that waits in a call outside of Python (a
socket without a timeout, a database driver) meets it only when that call returns.
"""

from __future__ import annotations

import time

from engine.act.bases import MemberBasis
from engine.act.members import SAID, limited
from engine.act.operations import TellMember
from engine.act.plan import Options, Plan, Sight
from engine.act.sources import Sources
from engine.models import Evidence, Member, RunningJob
from engine.models.control import Command
from engine.view.members import read_members

_EVERY = 0.1


def plan_interrupt(sources: Sources, subject: str, options: Options) -> Plan:
    """Plan to end the action of a job from within its thread.

    Raises:
        ZooKeeperError: the members cannot be read.
    """
    plan = Plan(act="interrupt", subject=subject, options=options)
    found = read_members(sources.zk, sources.own).at_work(subject)
    if not found:
        return plan.refuse("no executor of ours says that a thread of it works on the job")
    if len(found) > 1:
        names = ", ".join(member.instance for member, _ in found)
        return plan.refuse(f"several executors work on it ({names}): release it first")
    return _telling(plan, *found[0])


def look_at_interrupt(sources: Sources, plan: Plan, made: str) -> Sight:
    """Look whether the thread has left the job.

    Raises:
        ZooKeeperError: the members cannot be read.
    """
    deadline = time.monotonic() + SAID
    while True:
        found = read_members(sources.zk, sources.own).at_work(plan.subject)
        if not found:
            return Sight(is_done=True, detail="no thread works on the job any more")
        if time.monotonic() >= deadline:
            member, running = found[0]
            return Sight(is_done=False, detail=f"{running.thread} of {member.name} is still inside")
        time.sleep(_EVERY)


def _telling(plan: Plan, member: Member, running: RunningJob) -> Plan:
    claim = f"Thread {running.thread} of {member.name} works on it."
    told = Plan(
        act=plan.act,
        subject=plan.subject,
        options=plan.options,
        operations=(
            TellMember(instance=member.instance, command=Command.INTERRUPT, job_id=plan.subject),
        ),
        rests_on=(MemberBasis.of(member),),
        effects=(
            f"JobInterrupted is raised in {running.thread} of {member.name}; the job ends as its "
            "action lets it, as a rule FAILED",
        ),
        warnings=("an action that waits outside of Python goes on until that call returns",),
        evidence=(
            Evidence(
                claim=claim,
                datum=f"presence node {member.instance}",
                source="presence",
                age_s=0.0,
            ),
        ),
    )
    forbidden = limited(member, Command.INTERRUPT)
    return told if forbidden is None else told.refuse(forbidden)
