"""Job documents: what the server computes on add, edit and cancel (contract, section 3). Pure."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any

from engine.local.api import acl, faults, instants, schema
from engine.local.api.caller import Caller
from engine.states import FINAL_STATES, JOB_VERSION, ExecutionMode, JobState
from engine.zookeeper.paths import DEFAULT_PRIORITY

Document = dict[str, Any]
"""A JSON object."""

_SERVER_ONLY = frozenset(
    {
        "id",
        "resource-type",
        "created",
        "updated",
        "updated-by",
        "operations",
        "started",
        "duration",
        "time-of-status-change",
    }
)
"""What a caller sends of these is ignored."""
_NOT_DROPPED = frozenset({"id", "resource-type", "created", "updated", "acl"})
_IMMUTABLE = frozenset({"action", "target-resource"})
"""Only administrators change these."""

_MESSAGE_LIMIT = 100_000
_MESSAGE_HALF = 50_000
_MESSAGE_CUT = "\n...\n"

CANCEL_CHILDREN_PRIORITY = 10


def new_job(body: Mapping[str, Any], *, job_id: str, caller: Caller, now: int) -> Document:
    """Return the document that an add stores, without the queue's tag.

    Args:
        body: what the caller sent.
        job_id: the id it will have.
        caller: who adds it.
        now: epoch milliseconds.

    Raises:
        Fault: 400, the document breaks the schema.
    """
    moment = instants.to_text(now)
    sent = {key: value for key, value in body.items() if key not in _SERVER_ONLY}
    job: Document = {
        "id": job_id,
        "resource-type": "job",
        "created": moment,
        "updated": moment,
        "created-by": caller.user_id,
        "acl": {"owners": [caller.active_claim]},
        "progress": 0,
        "execution-mode": ExecutionMode.PUSH.value,
        "version": JOB_VERSION,
        **sent,
        "state": JobState.QUEUED.value,
    }
    if is_queued(job):
        job.pop("tags", None)
    target = job.get("target-resource")
    affected = job.get("affected-resources", [])
    if target is not None and isinstance(affected, list) and target not in affected:
        job["affected-resources"] = [*affected, target]
    _stamp_message(job, moment)
    return _checked(job)


def is_queued(job: Mapping[str, Any]) -> bool:
    """Whether the server puts a job into the queue: push and mixed ones."""
    return job.get("execution-mode") in (ExecutionMode.PUSH, ExecutionMode.MIXED)


def queue_priority(job: Mapping[str, Any]) -> int:
    """Return the priority in the queue of a valid job."""
    return int(job.get("priority", DEFAULT_PRIORITY))


def edited(
    stored: Document,
    body: Mapping[str, Any],
    *,
    dropped: Collection[str] = (),
    caller: Caller,
    now: int,
) -> Document:
    """Return the document after an edit.

    Args:
        stored: the document as it is; unchanged.
        body: the attributes to set.
        dropped: the attributes to delete first.
        caller: who edits.
        now: epoch milliseconds.

    Raises:
        Fault: 403 no right, 409 the job is final, 400 the result breaks the schema.
    """
    granted = acl.rights(stored["acl"], caller)
    if not acl.may_edit(granted):
        raise faults.forbidden(stored["id"])
    if is_final(stored):
        raise faults.final_state(stored["id"])
    fixed = frozenset() if caller.is_admin else _IMMUTABLE
    gone = acl.editable(dict.fromkeys(dropped), granted).keys() - _NOT_DROPPED - fixed
    changes = {
        key: value
        for key, value in acl.editable(body, granted).items()
        if key not in _SERVER_ONLY and key not in fixed
    }
    job = {key: value for key, value in stored.items() if key not in gone} | changes
    return _checked(_computed(job, caller=caller, now=now))


def canceled(stored: Document, *, caller: Caller, now: int) -> Document:
    """Return the document after a cancel or a timeout; rights are the caller's to check."""
    job = {**stored, "state": JobState.CANCELED.value}
    return _checked(_computed(job, caller=caller, now=now))


def cancel_children(job: Document) -> Document:
    """Return the body of the job that cancels the children of a canceled bulk job."""
    return {
        "action": "cancel_children_jobs",
        "target-resource": {"href": job["id"]},
        "priority": CANCEL_CHILDREN_PRIORITY,
        "acl": job["acl"],
        "created-by": "internal",
    }


def is_final(job: Mapping[str, Any]) -> bool:
    """Whether the job is in a state that it never leaves."""
    return job["state"] in FINAL_STATES


def _computed(job: Document, *, caller: Caller, now: int) -> Document:
    moment = instants.to_text(now)
    job.pop("priority", None)
    if job.get("state") == JobState.RUNNING and "started" not in job:
        job["started"] = moment
    _stamp_message(job, moment)
    state = job.get("state")  # what was sent, which may be anything
    if isinstance(state, str) and state in FINAL_STATES:
        job["progress"] = 100
        if "started" in job:
            job["duration"] = max(0, now - instants.parse(job["started"])) // 1000
    job["updated"] = moment
    job["updated-by"] = caller.user_id
    return job


def _stamp_message(job: Document, moment: str) -> None:
    message = job.get("status-message")
    if isinstance(message, str):
        job["status-message"] = cut_message(message)
        job["time-of-status-change"] = moment


def cut_message(message: str) -> str:
    """Return a status message without the middle of a long one; cutting again changes nothing."""
    if len(message) <= _MESSAGE_LIMIT:
        return message
    return message[:_MESSAGE_HALF] + _MESSAGE_CUT + message[-_MESSAGE_HALF:]


def _checked(job: Document) -> Document:
    if found := schema.problems(job):
        raise faults.invalid_schema(job["id"], found)
    return {**job, "acl": acl.normalize(job["acl"])}
