"""Start: a new job, which the server queues."""

from __future__ import annotations

from engine.act.cancel import read_record
from engine.act.operations import AddJob
from engine.act.plan import Options, Plan, Sight
from engine.act.sources import Sources
from engine.errors import ApiUnavailable
from engine.models import JobRequest
from engine.zookeeper.paths import DEFAULT_PRIORITY


def plan_start(sources: Sources, subject: str, options: Options) -> Plan:
    """Plan to create a job of an action. Nothing is read: the API judges the document."""
    plan = Plan(act="start", subject=subject, options=options)
    request = JobRequest(
        action=subject,
        target=options.target,
        priority=options.priority,
        payload=options.payload,
    )
    try:
        document = request.to_json()
    except ValueError as error:
        return plan.refuse(str(error))
    priority = DEFAULT_PRIORITY if options.priority is None else options.priority
    return Plan(
        act="start",
        subject=subject,
        options=options,
        operations=(AddJob(document=document),),
        effects=(f"a new job of {subject} is QUEUED at priority {priority:03d}",),
    )


def look_at_start(sources: Sources, plan: Plan, made: str) -> Sight:
    """Look at the new job.

    Raises:
        ApiError: it cannot be read, or the answer that names it was lost.
    """
    if not made:
        raise ApiUnavailable("the answer that names the new job was lost: look for it with `jobs`")
    record = read_record(sources, made)
    if record is None:
        return Sight(is_done=False, detail=f"{made} is not there")
    return Sight(is_done=True, detail=f"{made} is {record.state}", made=made)
