"""Bulk actions and the result that the web interface reads."""

from __future__ import annotations

import json
from typing import Any

import pytest

from engine import (
    ActionFailed,
    BulkAction,
    BulkResult,
    JobInterrupted,
    SkipAction,
    UnfinishedBulkAction,
)
from engine.service.health import ApiHealth
from engine.service.job import Job
from engine.service.writes import JobWriter
from tests.engine.service.fakes import JOB, FakeClaim, FakeClient, make_document

AUTHN = {"user-id": "user/a", "active-claim": "group/b", "claims": ["user/a"]}


class Answer:
    def __init__(self, **data: Any) -> None:
        self.data = data


class Bulk(BulkAction):
    """Gives the answers, or raises the errors, that it was made with."""

    def __init__(self, job: Job, answers: dict[str, Any]) -> None:
        super().__init__(job, "bulk_test")
        self.answers = answers
        self.asked: list[str] = []

    def get_todo(self) -> list[str]:
        return list(self.answers)

    def action(self, todo: str) -> Answer:
        self.asked.append(todo)
        answer = self.answers[todo]
        if isinstance(answer, Exception):
            raise answer
        assert isinstance(answer, Answer)
        return answer


def make_job(client: FakeClient, *, was_running: bool = False) -> Job:
    writer = JobWriter(client.get_job(JOB), client=client, claim=FakeClaim(), health=ApiHealth())
    return Job(writer, was_running=was_running)


@pytest.fixture
def client() -> FakeClient:
    payload = json.dumps({"filter": "x=1", "authn-info": AUTHN})
    return FakeClient(make_document(state="RUNNING", payload=payload, action="bulk_x"))


def result_of(client: FakeClient) -> dict[str, Any]:
    result: dict[str, Any] = json.loads(client.documents[JOB]["status-message"])
    return result


def test_every_kind_of_answer_is_counted(client: FakeClient) -> None:
    bulk = Bulk(
        make_job(client),
        {
            "d/1": Answer(status=200),
            "d/2": Answer(status=201, **{"resource-id": "d/new"}),
            "d/3": SkipAction("stopped already", name="three", message="no need"),
            "d/4": ValueError("boom"),
            "d/5": Answer(status=418),
            "d/6": ValueError("boom"),
        },
    )
    assert bulk.user_api == "user/a group/b user/a"
    assert bulk.do_work() == 0
    assert result_of(client) == {
        "total_actions": 6,
        "failed_count": 3,
        "skipped_count": 1,
        "success": ["d/1", "d/new"],
        "success_count": 2,
        "queued_count": 0,
        "running_count": 0,
        "running": [],
        "queued": [],
        "error_reasons": [
            {
                "reason": "boom",
                "count": 2,
                "category": "failed",
                "data": [{"id": "d/4", "count": 1}, {"id": "d/6", "count": 1}],
            },
            {
                "reason": "stopped already",
                "count": 1,
                "category": "skipped",
                "data": [{"id": "d/3", "count": 1, "name": "three", "message": "no need"}],
            },
            {
                "reason": "the API answered with the unexpected status 418",
                "count": 1,
                "category": "failed",
                "data": [{"id": "d/5", "count": 1}],
            },
        ],
        "jobs_count": 0,
    }
    assert client.documents[JOB]["progress"] == 100


def test_jobs_that_go_on_leave_the_bulk_job_to_be_monitored(client: FakeClient) -> None:
    bulk = Bulk(make_job(client), {"d/1": Answer(status=202), "d/2": Answer(status=200)})
    with pytest.raises(UnfinishedBulkAction):
        bulk.do_work()
    assert client.documents[JOB]["tags"] == ["monitor"]
    assert client.documents[JOB]["progress"] == 50
    result = result_of(client)
    assert (result["queued"], result["jobs_count"]) == (["d/1"], 1)


def test_a_second_start_goes_on_where_the_first_stopped(client: FakeClient) -> None:
    earlier = BulkResult(3)
    earlier.succeed("d/1")
    earlier.fail("boom", "d/2")
    client.documents[JOB]["status-message"] = earlier.to_json()
    bulk = Bulk(
        make_job(client, was_running=True), {f"d/{n}": Answer(status=200) for n in (1, 2, 3)}
    )
    assert bulk.do_work() == 0
    assert bulk.asked == ["d/3"]
    assert result_of(client)["success"] == ["d/1", "d/3"]


def test_a_second_start_without_a_result_starts_anew(client: FakeClient) -> None:
    client.documents[JOB]["status-message"] = "hello"
    bulk = Bulk(make_job(client, was_running=True), {"d/1": Answer(status=200)})
    assert bulk.do_work() == 0
    assert bulk.asked == ["d/1"]


def test_a_cancelled_bulk_job_stops_in_the_middle(client: FakeClient) -> None:
    job = make_job(client)
    bulk = Bulk(job, {"d/1": Answer(status=200), "d/2": Answer(status=200)})
    client.documents[JOB]["state"] = "CANCELED"
    assert bulk.do_work() == 1
    assert bulk.asked == []


def test_an_interrupted_bulk_job_does_not_take_it_for_the_failure_of_one(
    client: FakeClient,
) -> None:
    bulk = Bulk(make_job(client), {"a/1": JobInterrupted("by ann"), "a/2": Answer(status=200)})
    with pytest.raises(JobInterrupted):
        bulk.do_work()
    assert bulk.asked == ["a/1"]


def test_a_result_survives_being_written_and_read(client: FakeClient) -> None:
    result = BulkResult(5)
    result.succeed("d/1")
    result.queue("d/2")
    result.skip("why", "d/3", name="three")
    result.fail("boom", "d/4", message="more")
    assert BulkResult.from_json(result.to_json()).to_json() == result.to_json()
    assert result.settled == {"d/1", "d/2", "d/3", "d/4"}


@pytest.mark.parametrize("text", [None, "", "hello", "[]", "7", '{"error_reasons": [{}]}'])
def test_a_text_that_is_no_result_is_refused(text: str | None) -> None:
    with pytest.raises(ActionFailed, match="not a bulk result"):
        BulkResult.from_json(text)


def test_a_bulk_action_without_its_parts_says_which(client: FakeClient) -> None:
    bulk = BulkAction(make_job(client))
    assert bulk.action_name == "bulk_x"
    with pytest.raises(NotImplementedError, match=r"get_todo\(\)"):
        bulk.do_work()
    with pytest.raises(NotImplementedError, match=r"action\(\)"):
        bulk.action("d/1")
