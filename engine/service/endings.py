"""How an action ends, as changes of its job's document: pure functions.

=============================================  ==========================================
the action                                     the job
=============================================  ==========================================
returns 0 or None                              SUCCESS
returns another integer                        FAILED, with that return code
returns anything else, True and False too      FAILED: a truth value could mean either
raises ActionFailed                            FAILED, for that reason, without traceback
raises JobInterrupted                          FAILED, for that reason, in any execution mode
raises UnfinishedBulkAction                    stays RUNNING, for monitor_bulk_job to end
raises anything else, SystemExit too           FAILED, with the traceback
raises, and the execution mode is mixed        QUEUED for the edge device, in pull mode
=============================================  ==========================================
"""

from __future__ import annotations

from typing import Any, NamedTuple

from engine.errors import ActionFailed, JobInterrupted
from engine.service import values
from engine.states import ExecutionMode, JobState


class UnfinishedBulkAction(Exception):
    """Raised by a bulk action whose child jobs go on: monitor_bulk_job ends the job later."""


_UNFINISHED = ("UnfinishedBulkAction", "UnfinishedBulkActionToMonitor")
"""By name, since upstream's own class may be raised too."""


class Ending(NamedTuple):
    """What becomes of the job."""

    state: JobState
    changes: dict[str, Any]
    """What to write in one edit: a final job takes no second one."""


def of_return(value: object, document: dict[str, Any]) -> Ending:
    """Return the ending of an action that returned this value."""
    if value is None:
        # An action that set a return code itself keeps it.
        return _ending(JobState.SUCCESS, document.get("return-code", 0))
    if not isinstance(value, int) or isinstance(value, bool):
        shown = f"{value!r:.100}" if isinstance(value, bool | str) else type(value).__name__
        message = f"the action returned {shown}: it is to return 0, None or a return code"
        return _ending(JobState.FAILED, 1, message)
    if value == 0:
        return _ending(JobState.SUCCESS, 0)
    message = f"the action returned {values.return_code(value)}"
    return _ending(JobState.FAILED, value, None if document.get("status-message") else message)


def of_error(error: BaseException, document: dict[str, Any]) -> Ending:
    """Return the ending of an action that raised this."""
    if any(cls.__name__ in _UNFINISHED for cls in type(error).__mro__):
        return Ending(JobState.RUNNING, {})
    if isinstance(error, ActionFailed | JobInterrupted):
        message = str(error) or "the action failed without a reason"
    else:
        message = values.traceback_text(error)
    mixed = document.get("execution-mode") == ExecutionMode.MIXED
    # Who interrupts a job wants it to end, not to begin again on the edge.
    if mixed and not isinstance(error, JobInterrupted):
        note = f"The first attempt failed; the edge device runs the job now.\n{message}"
        mode, text = ExecutionMode.PULL.value, values.status_text(note)
        state = JobState.QUEUED
        return Ending(state, {"state": state.value, "execution-mode": mode, "status-message": text})
    code = error.return_code if isinstance(error, ActionFailed) else 1
    return _ending(JobState.FAILED, code, message)


def failed(message: str) -> dict[str, Any]:
    """Return the changes that fail a job which was not run."""
    return _ending(JobState.FAILED, 1, message).changes


def _ending(state: JobState, code: int, message: str | None = None) -> Ending:
    changes: dict[str, Any] = {"state": state.value, "return-code": values.return_code(code)}
    changes["progress"] = 100
    if message is not None:
        changes["status-message"] = values.status_text(message)
    return Ending(state, changes)
