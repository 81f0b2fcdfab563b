"""cancel_children_jobs."""

from __future__ import annotations

from typing import Any

import pytest

from actions.cancel_children_jobs import CancelChildrenJobs
from engine import ActionFailed, Job
from engine.nuvla.client import NuvlaClient
from tests.actions.conftest import AddJob, HoldJob


@pytest.fixture
def bulk(add_job: AddJob) -> str:
    """A bulk job that was cancelled."""
    return add_job("bulk_something", "CANCELED")


@pytest.fixture
def job(hold_job: HoldJob, bulk: str) -> Job:
    """The job that is to cancel its children."""
    return hold_job("cancel_children_jobs", target_resource={"href": bulk})


def test_the_children_that_are_alive_are_cancelled(
    job: Job, bulk: str, add_job: AddJob, client: NuvlaClient
) -> None:
    states = ["QUEUED", "RUNNING", "SUCCESS", "FAILED"]
    children = {state: add_job(state=state, parent_job=bulk) for state in states}
    stranger = add_job()
    assert CancelChildrenJobs(job).do_work() == 0
    after = {state: client.get_job(child)["state"] for state, child in children.items()}
    assert after == {
        "QUEUED": "CANCELED",
        "RUNNING": "CANCELED",
        "SUCCESS": "SUCCESS",
        "FAILED": "FAILED",
    }
    assert client.get_job(stranger)["state"] == "QUEUED"
    assert job["status-message"] == "Cancelled 2 jobs."


def test_a_child_that_ends_meanwhile_is_no_failure(
    job: Job, bulk: str, add_job: AddJob, client: NuvlaClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    children = [add_job(parent_job=bulk) for _ in range(2)]
    api = job.api
    search = api.search

    def search_then_end(*arguments: Any, **more: Any) -> Any:
        found = search(*arguments, **more)
        client.edit_job(children[0], {"state": "SUCCESS"})
        monkeypatch.setattr(api, "search", search)
        return found

    monkeypatch.setattr(api, "search", search_then_end)
    assert CancelChildrenJobs(job).do_work() == 0
    assert client.get_job(children[0])["state"] == "SUCCESS"
    assert client.get_job(children[1])["state"] == "CANCELED"


def test_a_child_that_cannot_be_cancelled_fails_the_job(
    job: Job, bulk: str, add_job: AddJob, monkeypatch: pytest.MonkeyPatch
) -> None:
    child = add_job(parent_job=bulk)

    def refuse(*arguments: Any) -> None:
        raise RuntimeError("no")

    monkeypatch.setattr(job.api, "operation", refuse)
    with pytest.raises(ActionFailed, match=child):
        CancelChildrenJobs(job).do_work()
