"""Drain and resume: an executor is told to take no more jobs, or to take jobs again."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import replace

from engine.act.bases import MemberBasis
from engine.act.holder import find_holders
from engine.act.operations import TellMember
from engine.act.plan import Options, Plan, Sight
from engine.act.sources import Sources
from engine.models import Evidence, Member, MemberKind, MemberState
from engine.models.control import Command
from engine.view.members import read_members
from engine.wording import counted
from engine.zookeeper.paths import is_job_id

SAID = 10.0
"""Seconds: a member writes what it does once a second, and later where the machine is busy."""
_EVERY = 0.1
_DRAINING = (MemberState.DRAINING, MemberState.DRAINED)


def plan_drain(sources: Sources, subject: str, options: Options) -> Plan:
    """Plan to let an executor take no more jobs.

    Raises:
        ZooKeeperError: the members cannot be read.
    """
    plan, member = _about(sources, Plan(act="drain", subject=subject, options=options))
    if member is None:
        return plan
    running = counted(len(member.jobs), "running job")
    plan = _telling(
        plan,
        member,
        Command.DRAIN,
        effects=(
            f"{member.name} takes no more jobs; its {running} may end within its grace, and what "
            "is left then goes back to the queue",
            "the process stays, and takes jobs again after `resume`",
        ),
    )
    if member.state in _DRAINING:
        return plan.refuse(f"it is {member.state} already")
    return plan


def plan_resume(sources: Sources, subject: str, options: Options) -> Plan:
    """Plan to let a drained executor take jobs again.

    Raises:
        ZooKeeperError: the members cannot be read.
    """
    plan, member = _about(sources, Plan(act="resume", subject=subject, options=options))
    if member is None:
        return plan
    effects = (f"{member.name} takes jobs again",)
    plan = _telling(plan, member, Command.RESUME, effects=effects)
    if member.state not in _DRAINING:
        return plan.refuse(f"it is not drained but {member.state}")
    return plan


def look_at_drain(sources: Sources, plan: Plan, made: str) -> Sight:
    """Look whether the member says that it drains.

    Raises:
        ZooKeeperError: it cannot be read.
    """
    return _await(sources, plan, lambda state: state in _DRAINING)


def look_at_resume(sources: Sources, plan: Plan, made: str) -> Sight:
    """Look whether the member says that it drains no longer.

    Raises:
        ZooKeeperError: it cannot be read.
    """
    return _await(sources, plan, lambda state: state not in _DRAINING)


def find_members(sources: Sources, subject: str) -> list[Member]:
    """Return the members of this name or instance, or those that hold this job.

    Raises:
        ZooKeeperError: the members cannot be read.
    """
    if is_job_id(subject):
        holders = find_holders(sources, subject)
        return [holder.member for holder in holders if holder.member is not None]
    members = read_members(sources.zk, sources.own).members
    exact = [member for member in members if member.instance == subject]
    return exact or [member for member in members if member.name == subject]


def limited(member: Member, command: Command) -> str | None:
    """Return why a member does not obey a command, if its settings say so."""
    if member.remote_control.allows(command):
        return None
    setting = member.remote_control.value
    return f"{member.name} runs with --remote-control {setting}: do it on its host, {member.host}"


def _about(sources: Sources, plan: Plan) -> tuple[Plan, Member | None]:
    """Return the plan with the executor that it is about; None where it is refused."""
    found: Sequence[Member] = find_members(sources, plan.subject)
    if not found:
        return plan.refuse("there is no such member: `members` shows who is there"), None
    if len(found) > 1:
        names = ", ".join(member.instance for member in found)
        return plan.refuse(f"{len(found)} members are meant: name one instance of {names}"), None
    member = found[0]
    if member.kind is not MemberKind.EXECUTOR:
        return plan.refuse(f"it is a {member.kind}: only executors drain"), None
    return replace(plan, rests_on=(MemberBasis.of(member),)), member


def _telling(plan: Plan, member: Member, command: Command, *, effects: tuple[str, ...]) -> Plan:
    claim = f"{member.name} is {member.state} with {counted(len(member.jobs), 'job')}."
    datum = f"presence node {member.instance}"
    plan = replace(
        plan,
        operations=(TellMember(instance=member.instance, command=command),),
        effects=effects,
        evidence=(Evidence(claim=claim, datum=datum, source="presence", age_s=0.0),),
    )
    forbidden = limited(member, command)
    return plan if forbidden is None else plan.refuse(forbidden)


def _await(sources: Sources, plan: Plan, wanted: Callable[[MemberState], bool]) -> Sight:
    instances = {basis.instance for basis in plan.rests_on if isinstance(basis, MemberBasis)}
    deadline = time.monotonic() + SAID
    while True:
        members = read_members(sources.zk, sources.own).members
        member = next((each for each in members if each.instance in instances), None)
        if member is None:
            return Sight(is_done=False, detail="the member is gone")
        if wanted(member.state) or time.monotonic() >= deadline:
            return Sight(is_done=wanted(member.state), detail=f"{member.name} is {member.state}")
        time.sleep(_EVERY)
