"""The handle that an action holds: reading, writing, and being told to stop."""

from __future__ import annotations

import json
import logging
from typing import Any

import pytest

from engine.errors import ActionFailed, ApiRefused, ApiUnavailable, EditConflict
from engine.service.health import ApiHealth
from engine.service.job import Job
from engine.service.writes import JobWriter
from tests.engine.service.fakes import JOB, FakeClaim, FakeClient, make_document

AUTHN = {"user-id": "user/a", "active-claim": "group/b", "claims": ["user/a", "group/b"]}


class Desk:
    """A job with all that it needs."""

    def __init__(self, **changes: Any) -> None:
        self.client = FakeClient(make_document(state="RUNNING", **changes))
        self.claim = FakeClaim()
        self.health = ApiHealth()
        self.writer = JobWriter(
            self.client.get_job(JOB), client=self.client, claim=self.claim, health=self.health
        )
        self.job = Job(self.writer, settings={"cleanup_days": 7})

    @property
    def edits(self) -> list[dict[str, Any]]:
        return self.client.edits


def test_the_document_is_read_as_upstream_reads_it() -> None:
    job = Desk(target_resource={"href": "deployment/1"}, payload='{"a": 1}').job
    assert job["target-resource"] == {"href": "deployment/1"}
    assert job.get("nothing", 5) == 5
    assert "payload" in job and "nothing" not in job
    assert job.action == "act"
    assert job.payload == {"a": 1}
    assert job.target_resource_href == "deployment/1"
    assert job.api == "the official client"
    assert not job.is_in_pull_mode
    assert job.settings["cleanup_days"] == 7
    with pytest.raises(AttributeError):
        _ = job.nothing
    with pytest.raises(TypeError):
        job["state"] = "SUCCESS"


def test_every_setter_is_one_edit() -> None:
    desk = Desk()
    desk.job.set_progress(150)
    desk.job.set_status_message("half\x00way")
    desk.job.set_return_code(-15)
    desk.job.set_state("FAILED")
    assert desk.edits == [
        {"progress": 100},
        {"status-message": "half\\x00way"},
        {"return-code": 143},
        {"state": "FAILED"},
    ]


def test_update_job_writes_all_that_is_given_at_once() -> None:
    desk = Desk()
    desk.job.update_job(return_code=0, status_message="", progress=3, tags=["monitor"])
    desk.job.update_job(execution_mode="pull")
    desk.job.update_job()
    assert desk.edits == [
        {"return-code": 0, "status-message": "", "progress": 3, "tags": ["monitor"]},
        {"execution-mode": "pull"},
    ]


@pytest.mark.parametrize("wrong", [{"state": "STOPPED"}, {"execution_mode": "x"}])
def test_a_wrong_value_is_an_error_at_once(wrong: dict[str, str]) -> None:
    with pytest.raises(ValueError):
        Desk().job.update_job(**wrong)  # type: ignore[arg-type]  # wrong on purpose


def test_resources_and_nested_jobs_are_added_once() -> None:
    desk = Desk(affected_resources=[{"href": "a/1"}])
    desk.job.add_affected_resource("a/1")
    desk.job.add_affected_resources(["a/2", "a/2"])
    desk.job.add_nested_job("job/2")
    desk.job.add_nested_jobs(["job/2", "job/3"])
    assert desk.edits == [
        {"affected-resources": [{"href": "a/1"}, {"href": "a/2"}]},
        {"nested-jobs": ["job/2"]},
        {"nested-jobs": ["job/2", "job/3"]},
    ]


def test_the_users_identity_comes_from_the_payload() -> None:
    job = Desk(payload=json.dumps({"authn-info": AUTHN})).job
    assert job.get_user_api() == "user/a group/b user/a group/b"


@pytest.mark.parametrize("payload", [None, "{}", "[]", '{"authn-info": 3}'])
def test_a_payload_without_identity_fails_with_a_reason(payload: str | None) -> None:
    with pytest.raises(ActionFailed, match="authn-info"):
        Desk(payload=payload).job.get_user_api()


def test_a_payload_that_is_no_json_fails_with_a_reason() -> None:
    with pytest.raises(ActionFailed, match="not JSON"):
        _ = Desk(payload="{").job.payload


def test_writes_while_the_api_is_down_are_kept_with_one_warning(
    caplog: pytest.LogCaptureFixture,
) -> None:
    desk = Desk()
    desk.client.fail("edit", ApiUnavailable("refused"))
    with caplog.at_level(logging.WARNING, "engine.service.writes"):
        for percent in (10, 20, 30):
            desk.job.set_progress(percent)
        desk.job.set_status_message("almost")
    assert len([r for r in caplog.records if r.name == "engine.service.writes"]) == 1
    assert desk.edits == [] and not desk.health.is_up
    assert desk.job["progress"] == 30
    desk.health.recovered()
    desk.job.set_return_code(0)
    assert desk.edits == [{"progress": 30, "status-message": "almost", "return-code": 0}]


def test_a_conflict_tells_the_action_and_ends_all_writing() -> None:
    desk = Desk()
    assert not desk.job.cancelled
    desk.client.documents[JOB]["state"] = "CANCELED"
    desk.job.set_progress(50)
    assert desk.job.cancelled
    desk.client.documents[JOB]["state"] = "RUNNING"
    desk.job.set_progress(60)
    assert desk.edits == []


def test_a_deleted_document_tells_the_action_too() -> None:
    desk = Desk()
    desk.client.documents.clear()
    desk.job.set_progress(50)
    assert desk.job.cancelled


def test_a_lost_claim_cancels_and_writes_nothing() -> None:
    desk = Desk()
    desk.claim.live = False
    desk.job.set_progress(50)
    assert desk.job.cancelled
    assert desk.edits == []


def test_a_refused_write_reaches_the_action_and_is_not_repeated() -> None:
    desk = Desk()
    desk.client.fail("edit", ApiRefused("bad tag", status=400))
    with pytest.raises(ApiRefused):
        desk.job.update_job(tags=["x", "x"])
    desk.job.set_progress(5)
    assert desk.edits == [{"progress": 5}]


def test_a_settled_job_takes_no_write_of_a_thread_left_behind() -> None:
    desk = Desk()
    desk.writer.close()
    desk.job.set_progress(5)
    assert desk.edits == []


def test_the_first_reason_to_stop_stands() -> None:
    desk = Desk()
    desk.writer.tell_to_stop("the executor stops")
    desk.writer.end(EditConflict("final"))
    assert desk.writer.stop_reason == "the executor stops"
    assert desk.job.cancelled
