"""How what an action returns or raises becomes the state of its job."""

from __future__ import annotations

import pytest

from engine.errors import ActionFailed, JobInterrupted
from engine.service.endings import UnfinishedBulkAction, of_error, of_return
from engine.states import JobState


@pytest.mark.parametrize(
    ("value", "state", "code"),
    [
        (0, "SUCCESS", 0),
        (None, "SUCCESS", 0),
        (3, "FAILED", 3),
        (-9, "FAILED", 137),
        (10**30, "FAILED", 2**31 - 1),
        (True, "FAILED", 1),
        (False, "FAILED", 1),
        ("done", "FAILED", 1),
        (1.0, "FAILED", 1),
    ],
)
def test_what_an_action_returns_decides(value: object, state: str, code: int) -> None:
    ending = of_return(value, {})
    assert ending.changes["state"] == ending.state.value == state
    assert ending.changes["return-code"] == code
    assert ending.changes["progress"] == 100
    assert ("status-message" in ending.changes) == (state == "FAILED")


def test_an_actions_own_message_and_code_stay() -> None:
    document = {"status-message": "disk is full", "return-code": 4}
    assert "status-message" not in of_return(5, document).changes
    assert of_return(None, document).changes["return-code"] == 4


@pytest.mark.parametrize(
    "error", [ValueError("x"), SystemExit(0), KeyboardInterrupt(), GeneratorExit(), MemoryError()]
)
def test_an_exception_fails_the_job_with_its_traceback(error: BaseException) -> None:
    try:
        raise error
    except BaseException as caught:
        ending = of_error(caught, {})
    assert (ending.state, ending.changes["return-code"]) == ("FAILED", 1)
    message = ending.changes["status-message"]
    assert message.startswith(f"{type(error).__name__}: Traceback")
    assert "test_endings.py" in message


def test_a_stated_reason_comes_without_a_traceback() -> None:
    ending = of_error(ActionFailed("no such host", return_code=4), {})
    assert ending.changes["status-message"] == "no such host"
    assert ending.changes["return-code"] == 4
    for mode in ("push", "mixed"):
        ending = of_error(JobInterrupted("by ann"), {"execution-mode": mode})
        assert (ending.state, ending.changes["status-message"]) == (JobState.FAILED, "by ann")


def test_a_failed_mixed_job_goes_to_the_edge_device() -> None:
    ending = of_error(ValueError("boom"), {"execution-mode": "mixed"})
    assert ending.changes["state"] == "QUEUED"
    assert ending.changes["execution-mode"] == "pull"
    assert "boom" in ending.changes["status-message"]
    assert of_return(1, {"execution-mode": "mixed"}).state == "FAILED"


def test_an_unfinished_bulk_action_stays_running_also_by_upstreams_name() -> None:
    class UnfinishedBulkActionToMonitor(Exception): ...

    assert of_error(UnfinishedBulkAction(), {}) == ("RUNNING", {})
    assert of_error(UnfinishedBulkActionToMonitor(), {}) == ("RUNNING", {})
