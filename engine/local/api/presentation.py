"""What a reader gets of a job: the visible attributes, the operations, the selected ones
(contract, sections 3.3, 3.6, 4.1)."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any

from engine.local.api import acl
from engine.local.api.caller import Caller
from engine.states import JobState

_CANCELABLE = (JobState.QUEUED, JobState.RUNNING)


def may_cancel(job: Mapping[str, Any], caller: Caller) -> bool:
    """Whether state and rights allow a cancel."""
    return job["state"] in _CANCELABLE and "manage" in acl.rights(job["acl"], caller)


def may_time_out(job: Mapping[str, Any], caller: Caller) -> bool:
    """Whether state and rights allow a timeout."""
    return job["state"] == JobState.RUNNING and caller.is_admin


def may_get_context(job: Mapping[str, Any], caller: Caller) -> bool:
    """Whether the caller may ask for the context: administrators, and the device that runs it."""
    is_device = caller.active_claim.startswith("nuvlabox/")
    return caller.is_admin or (is_device and "manage" in acl.rights(job["acl"], caller))


def operations(job: Mapping[str, Any], caller: Caller) -> list[dict[str, str]]:
    """Return the operations that the caller may do on a job now, in the contract's order."""
    href = str(job["id"])
    granted = acl.rights(job["acl"], caller)
    offered = (
        ("edit", href, acl.may_edit(granted)),
        ("delete", href, "delete" in granted),
        ("cancel", f"{href}/cancel", may_cancel(job, caller)),
        ("timeout", f"{href}/timeout", may_time_out(job, caller)),
        ("get-context", f"{href}/get-context", may_get_context(job, caller)),
    )
    return [{"rel": rel, "href": target} for rel, target, allowed in offered if allowed]


def shown(
    job: Mapping[str, Any], caller: Caller, *, select: Collection[str] = (), listed: bool = False
) -> dict[str, Any]:
    """Return a job as the caller reads it.

    Args:
        job: the stored document.
        caller: who reads; has some view right.
        select: the attributes wanted besides the id; empty for all.
        listed: the job is one of a list, where operations need the right `view-acl`.
    """
    granted = acl.rights(job["acl"], caller)
    seen = acl.visible(job, granted)
    wants_operations = not select or "operations" in select
    if wants_operations and ("view-acl" in granted or not listed):
        offered = operations(job, caller)
        if offered:
            seen["operations"] = offered
    if select:
        return {key: value for key, value in seen.items() if key == "id" or key in select}
    return seen
