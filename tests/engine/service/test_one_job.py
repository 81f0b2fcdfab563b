"""One job without a queue."""

from __future__ import annotations

import threading
from typing import Any

import pytest

from engine.service.one_job import OneJob
from tests.engine.service.fakes import JOB, FakeClient, make_actions, make_document
from tests.support import eventually


def run(client: FakeClient, work: Any) -> str | None:
    job = OneJob(JOB, client, make_actions(work))
    job.start()
    assert job.wait(15)
    return job.state


def test_a_pull_job_runs_and_tells_its_outcome() -> None:
    assert run(FakeClient(make_document(execution_mode="pull")), lambda job: 0) == "SUCCESS"
    assert run(FakeClient(make_document(execution_mode="pull")), lambda job: 4) == "FAILED"


def test_a_job_that_is_not_there_has_no_outcome_and_says_so(
    caplog: pytest.LogCaptureFixture,
) -> None:
    assert run(FakeClient(), lambda job: 0) is None
    assert caplog.records[-1].levelname == "ERROR"


def test_an_action_that_does_not_listen_is_given_up_after_the_grace() -> None:
    hang = threading.Event()
    client = FakeClient(make_document())
    job = OneJob(JOB, client, make_actions(lambda job: hang.wait(60)), grace=0.2)
    job.start()
    assert not job.wait(0.05)
    job.stop()
    eventually(lambda: job.wait(0.01))
    assert job.state is None
    hang.set()
    eventually(lambda: job.state is not None)


def test_stopping_tells_the_action() -> None:
    started = threading.Event()

    def work(job: Any) -> int:
        started.set()
        while not job.cancelled:
            threading.Event().wait(0.01)
        return 3

    job = OneJob(JOB, FakeClient(make_document()), make_actions(work))
    job.start()
    assert started.wait(10)
    job.stop()
    assert job.wait(15)
