"""dummy_test_action."""

from __future__ import annotations

import json
import threading
import time

import pytest

from actions import dummy_test_action
from actions.dummy_test_action import DummyTestAction
from engine.service.writes import JobWriter
from tests.actions.conftest import HoldJob


def payload(seconds: object) -> str:
    return json.dumps({"seconds": seconds})


def test_it_works_as_long_as_the_payload_says_and_tells_its_progress(hold_job: HoldJob) -> None:
    job = hold_job("dummy_test_action", payload=payload(0.3))
    began = time.monotonic()
    assert DummyTestAction(job).do_work() == 0
    assert time.monotonic() - began >= 0.3
    assert job["progress"] > 0


@pytest.mark.parametrize("text", [None, "[]", payload("long"), payload(True)])
def test_it_works_for_a_random_time_where_the_payload_says_nothing(
    hold_job: HoldJob, monkeypatch: pytest.MonkeyPatch, text: str | None
) -> None:
    monkeypatch.setattr(dummy_test_action, "SHORTEST", 0.0)
    monkeypatch.setattr(dummy_test_action, "LONGEST", 0.01)
    job = hold_job("dummy_test_action", **({"payload": text} if text else {}))
    assert DummyTestAction(job).do_work() == 0


def test_it_ends_early_where_its_job_is_cancelled(hold_job: HoldJob) -> None:
    job = hold_job("dummy_test_action", payload=payload(60))
    assert isinstance(job._writer, JobWriter)
    timer = threading.Timer(0.1, job._writer.tell_to_stop, ["cancelled"])
    timer.start()
    assert DummyTestAction(job).do_work() == 1
    timer.join(10)
