"""Pause and unpause: while the pause node is there, no executor of ours takes a job."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime

from engine.act.bases import NodeBasis
from engine.act.operations import CreateNode, DeleteNode
from engine.act.plan import Options, Plan, Sight
from engine.act.sources import Sources
from engine.models import Evidence
from engine.models.control import Pause


def plan_pause(sources: Sources, subject: str, options: Options) -> Plan:
    """Plan to keep all executors of ours from taking jobs.

    Raises:
        ZooKeeperError: the pause node cannot be read.
    """
    path = sources.own.pause
    node = sources.zk.get(path)
    note = Pause(by=options.by, at=datetime.now(UTC), reason=options.reason)
    plan = Plan(
        act="pause",
        subject=subject,
        options=options,
        rests_on=(NodeBasis.of(path, None if node is None else node[1]),),
        operations=(CreateNode(path=path, data=note.to_node()),),
        effects=("no executor of ours takes a job until `unpause`; what runs goes on to its end",),
        warnings=("executors of other kinds do not know of it, and go on taking jobs",),
    )
    if node is None:
        return plan
    return plan.refuse(f"it is paused already: {Pause.from_node(node[0]).describe()}")


def plan_unpause(sources: Sources, subject: str, options: Options) -> Plan:
    """Plan to let the executors take jobs again.

    Raises:
        ZooKeeperError: the pause node cannot be read.
    """
    path = sources.own.pause
    node = sources.zk.get(path)
    plan = Plan(act="unpause", subject=subject, options=options)
    if node is None:
        return replace(plan, rests_on=(NodeBasis.of(path, None),)).refuse("nothing is paused")
    claim = f"The executors are paused: {Pause.from_node(node[0]).describe()}."
    return replace(
        plan,
        rests_on=(NodeBasis.of(path, node[1]),),
        operations=(DeleteNode(path=path, version=node[1].version),),
        effects=("executors of ours take jobs again, but for those that drain",),
        evidence=(Evidence(claim=claim, datum=path, source="zookeeper", age_s=0.0),),
    )


def look_at_pause(sources: Sources, plan: Plan, made: str) -> Sight:
    """Look whether the node is there.

    Raises:
        ZooKeeperError: it cannot be read.
    """
    node = sources.zk.get(sources.own.pause)
    if node is None:
        return Sight(is_done=False, detail="nothing is paused")
    return Sight(is_done=True, detail=f"paused: {Pause.from_node(node[0]).describe()}")


def look_at_unpause(sources: Sources, plan: Plan, made: str) -> Sight:
    """Look whether the node is gone.

    Raises:
        ZooKeeperError: it cannot be read.
    """
    is_paused = look_at_pause(sources, plan, made)
    return Sight(is_done=not is_paused.is_done, detail=is_paused.detail)
