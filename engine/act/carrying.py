"""Carry out the operations of a plan: one transaction, one request, or one command."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from engine.act.carried import Carried
from engine.act.operations import (
    AddJob,
    CancelJob,
    CheckAbsent,
    CreateNode,
    NodeOperation,
    TellMember,
    requests,
)
from engine.act.plan import Plan
from engine.act.sources import Sources
from engine.act.telling import tell
from engine.errors import (
    ApiError,
    ApiRefused,
    EditConflict,
    NotFound,
    SessionLost,
    ZooKeeperUnavailable,
)
from engine.models import Ending
from engine.zookeeper.connection import Answer


def carry_out(plan: Plan, sources: Sources) -> Carried:
    """Do what a plan says. It is all of one kind.

    Raises:
        EngineError: a source failed, and nothing was changed.
        ValueError: the plan holds operations of several kinds.
    """
    nodes = [each for each in plan.operations if isinstance(each, NodeOperation)]
    if nodes and len(nodes) == len(plan.operations):
        return _transact(nodes, sources)
    match plan.operations:
        case (AddJob(document=document),):
            return _add(document, sources)
        case (CancelJob(job_id=job_id),):
            return _cancel(job_id, sources)
        case (TellMember() as told,):
            return tell(told, plan.options, sources)
        case _:
            raise ValueError(f"the plan of {plan.act} cannot be carried out in one step")


def _transact(operations: list[NodeOperation], sources: Sources) -> Carried:
    zk = sources.zk
    for path in dict.fromkeys(_parents(operations)):
        zk.ensure(path)
    sent = [(operation, requests(operation, zk.acl_of)) for operation in operations]
    try:
        answers = zk.transaction(*(request for _, each in sent for request in each))
    except (ZooKeeperUnavailable, SessionLost) as error:
        return Carried(ending=Ending.MAYBE_APPLIED, detail=str(error))
    if all(answer is Answer.DONE for answer in answers):
        return Carried(ending=Ending.DONE)
    owners = [operation for operation, each in sent for _ in each]
    for operation, answer in zip(owners, answers, strict=True):
        if answer not in (Answer.DONE, Answer.ROLLED_BACK):
            detail = f"nothing was changed: {operation.words}: {answer.value}"
            return Carried(ending=Ending.REFUSED, detail=detail)
    return Carried(ending=Ending.FAILED, detail="nothing was changed: the transaction was rejected")


def _parents(operations: list[NodeOperation]) -> list[str]:
    made = [op.path for op in operations if isinstance(op, CreateNode | CheckAbsent)]
    return [path.rpartition("/")[0] for path in made]


def _add(document: Mapping[str, Any], sources: Sources) -> Carried:
    try:
        return Carried(ending=Ending.DONE, made=sources.client.add_job(document))
    except ApiError as error:
        return _unless_certain(error)


def _cancel(job_id: str, sources: Sources) -> Carried:
    try:
        sources.client.cancel_job(job_id)
    except (ApiRefused, EditConflict, NotFound) as error:
        # As a rule it has ended meanwhile.
        return Carried(ending=Ending.REFUSED, detail=str(error))
    except ApiError as error:
        return _unless_certain(error)
    return Carried(ending=Ending.DONE)


def _unless_certain(error: ApiError) -> Carried:
    """Return that it may be done; raise the error where it is certain that nothing was."""
    if not error.maybe_applied:
        raise error
    return Carried(ending=Ending.MAYBE_APPLIED, detail=str(error))
