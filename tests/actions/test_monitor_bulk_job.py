"""monitor_bulk_job."""

from __future__ import annotations

import json
from typing import Any

import pytest

from actions import monitor_bulk_job
from actions.monitor_bulk_job import MonitorBulkJob
from engine import ActionFailed, BulkResult, Job
from engine.nuvla.client import NuvlaClient
from tests.actions.conftest import AddJob, HoldJob


def result(total: int) -> str:
    return BulkResult(total).to_json()


@pytest.fixture
def bulk(add_job: AddJob) -> str:
    """A bulk job whose children go on."""
    return add_job("bulk_x", "RUNNING", tags=["monitor"], status_message=result(4), progress=10)


@pytest.fixture
def job(hold_job: HoldJob, bulk: str) -> Job:
    """The job that is to monitor it."""
    return hold_job("monitor_bulk_job", target_resource={"href": bulk})


def child(add_job: AddJob, bulk: str, state: str, number: int) -> str:
    target = {"href": f"deployment/{number}"}
    return add_job("stop_deployment", state, parent_job=bulk, target_resource=target)


def read(client: NuvlaClient, bulk: str) -> tuple[dict[str, Any], dict[str, Any]]:
    document = client.get_job(bulk)
    return document, json.loads(document["status-message"])


def test_while_children_go_on_the_result_is_kept_up_to_date(
    job: Job, bulk: str, add_job: AddJob, client: NuvlaClient
) -> None:
    queued, running = child(add_job, bulk, "QUEUED", 1), child(add_job, bulk, "RUNNING", 2)
    child(add_job, bulk, "SUCCESS", 3)
    child(add_job, bulk, "FAILED", 4)
    for _ in range(2):  # again and again
        assert MonitorBulkJob(job).do_work() == 0
    document, now = read(client, bulk)
    assert (document["state"], document["progress"]) == ("RUNNING", 50)
    assert (now["queued"], now["running"]) == ([queued], [running])
    assert now["success"] == ["deployment/3"]
    assert now["failed_count"] == 1
    (group,) = now["error_reasons"]
    assert (group["reason"], group["category"]) == ("Job failed", "failed")
    assert group["data"] == [{"id": "deployment/4", "count": 1}]


def test_the_bulk_job_ends_with_its_last_child(
    job: Job, bulk: str, add_job: AddJob, client: NuvlaClient
) -> None:
    for number, state in enumerate(["SUCCESS", "SUCCESS", "CANCELED"]):
        child(add_job, bulk, state, number)
    assert MonitorBulkJob(job).do_work() == 0
    document, now = read(client, bulk)
    assert (document["state"], document["progress"], document["return-code"]) == ("SUCCESS", 100, 0)
    assert (now["success_count"], now["failed_count"]) == (2, 1)
    assert now["error_reasons"][0]["reason"] == "Job canceled"


def test_a_bulk_job_that_ended_already_is_left_alone(
    job: Job, bulk: str, client: NuvlaClient
) -> None:
    client.cancel_job(bulk)
    assert MonitorBulkJob(job).do_work() == 0
    assert client.get_job(bulk)["state"] == "CANCELED"


def test_a_bulk_job_that_lasts_too_long_is_cancelled(
    job: Job, bulk: str, add_job: AddJob, client: NuvlaClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    child(add_job, bulk, "RUNNING", 1)
    monkeypatch.setattr(monitor_bulk_job, "HOURS", 0)
    assert MonitorBulkJob(job).do_work() == 0
    assert client.get_job(bulk)["state"] == "CANCELED"


def test_a_message_that_is_no_result_fails_the_monitor_with_a_reason(
    job: Job, bulk: str, add_job: AddJob, client: NuvlaClient
) -> None:
    child(add_job, bulk, "RUNNING", 1)
    client.edit_job(bulk, {"status-message": "hello"})
    with pytest.raises(ActionFailed, match="not a bulk result"):
        MonitorBulkJob(job).do_work()
