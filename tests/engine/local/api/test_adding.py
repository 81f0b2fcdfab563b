"""POST /api/job (contract, section 3.2)."""

from __future__ import annotations

import pytest

from tests.engine.local.api.conftest import Http, ListedQueue


def test_the_minimum_is_an_action(admin: Http) -> None:
    response = admin("POST", "/api/job", json={"action": "x"})
    job_id = response.json()["resource-id"]
    job = admin.job(job_id)

    assert response.status_code == 201
    assert response.headers["location"] == job_id
    assert response.json() == {
        "status": 201,
        "message": f"{job_id} created",
        "resource-id": job_id,
    }
    assert job["id"] == job_id
    assert job["created"] == job["updated"]
    assert {
        key: job[key]
        for key in job
        if key not in ("id", "created", "updated", "tags", "operations")
    } == {
        "resource-type": "job",
        "action": "x",
        "state": "QUEUED",
        "progress": 0,
        "execution-mode": "push",
        "version": 2,
        "created-by": "internal",
        "acl": {"owners": ["group/nuvla-admin"]},
    }


def test_only_administrators_add(jane: Http, stranger: Http) -> None:
    for caller in (jane, stranger):
        response = caller("POST", "/api/job", json={"action": "x"})
        assert response.status_code == 403
        assert response.json() == {"status": 403, "message": "credentials required"}


@pytest.mark.parametrize(("mode", "queued"), [("push", 1), ("mixed", 1), ("pull", 0)])
def test_push_and_mixed_jobs_are_queued(
    admin: Http, queue: ListedQueue, mode: str, queued: int
) -> None:
    job_id = admin.add(execution_mode=mode, priority=10)

    assert queue.entries == [(job_id, 10)] * queued
    assert admin.job(job_id)["priority"] == 10


def test_the_state_and_what_the_server_computes_cannot_be_sent(admin: Http) -> None:
    job = admin.job(
        admin.add(
            id="job/mine",
            resource_type="other",
            state="SUCCESS",
            created="2000-01-01T00:00:00Z",
            updated="2000-01-01T00:00:00Z",
            updated_by="me",
            started="2000-01-01T00:00:00Z",
            duration=3,
            time_of_status_change="2000-01-01T00:00:00Z",
            operations=[],
        )
    )

    assert job["id"] != "job/mine"
    assert job["resource-type"] == "job"
    assert job["state"] == "QUEUED"
    assert job["created"] > "2020"
    assert {"updated-by", "started", "duration", "time-of-status-change"}.isdisjoint(job)


def test_who_created_it_may_be_said(admin: Http) -> None:
    assert admin.job(admin.add(created_by="user/jane"))["created-by"] == "user/jane"


def test_progress_and_version_may_be_said(admin: Http) -> None:
    job = admin.job(admin.add(progress=7, version=3))

    assert (job["progress"], job["version"]) == (7, 3)


def test_the_target_is_among_the_affected(admin: Http) -> None:
    target = {"href": "deployment/1", "note": "n"}
    other = {"href": "deployment/2"}

    alone = admin.job(admin.add(target_resource=target))
    both = admin.job(admin.add(target_resource=target, affected_resources=[other]))
    there = admin.job(admin.add(target_resource=target, affected_resources=[target, other]))
    alike = admin.job(
        admin.add(target_resource=target, affected_resources=[{"href": "deployment/1"}])
    )
    assert alone["affected-resources"] == [target]
    assert both["affected-resources"] == [other, target]
    assert there["affected-resources"] == [target, other]
    assert alike["affected-resources"] == [{"href": "deployment/1"}, target]


def test_a_status_message_has_a_time(admin: Http) -> None:
    job = admin.job(admin.add(status_message="m"))

    assert job["time-of-status-change"] == job["created"]


def test_an_invalid_job_is_neither_queued_nor_stored(admin: Http, queue: ListedQueue) -> None:
    response = admin("POST", "/api/job", json={"action": "x", "execution-mode": None})

    assert response.status_code == 400
    assert admin("POST", "/api/job", json={"action": "x", "a": 1}).status_code == 400
    assert admin("POST", "/api/job").status_code == 400
    assert queue.entries == []
    assert admin.query()["count"] == 0
