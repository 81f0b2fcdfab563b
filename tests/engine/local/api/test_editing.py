"""PUT /api/job/<uuid> (contract, section 3.4)."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from datetime import datetime
from typing import Any

import pytest

from engine.local.api_server import ApiServer
from tests.engine.local.api.conftest import Http

JANE = "user/jane"


def test_keys_sent_replace_and_others_stay(admin: Http) -> None:
    job_id = admin.add(name="n", target_resource={"href": "a/1", "k": 1})
    answer = admin.edit(job_id, target_resource={"href": "a/2"}, progress=5)

    job = admin.job(job_id)
    assert job.pop("operations")
    assert answer == job
    assert job["target-resource"] == {"href": "a/2"}
    assert (job["name"], job["progress"]) == ("n", 5)
    assert job["updated-by"] == "internal"
    assert job["updated"] >= job["created"]


def test_the_first_edit_drops_the_priority(admin: Http) -> None:
    job_id = admin.add(priority=10)

    assert "priority" not in admin.edit(job_id, progress=1)
    assert "priority" not in admin.edit(job_id, priority=5)


def test_select_deletes_before_the_body_is_merged(admin: Http) -> None:
    job_id = admin.add(name="n", description="d", output="o")
    response = admin("PUT", f"/api/{job_id}?select=name,description", json={"name": "new"})

    job = response.json()
    assert job["name"] == "new"
    assert "description" not in job
    assert job["output"] == "o"


def test_select_spares_what_makes_a_resource(admin: Http) -> None:
    job_id = admin.add()
    before = admin.job(job_id)
    path = f"/api/{job_id}?select=id,created,updated,resource-type,acl"
    job = admin("PUT", path, json={}).json()

    assert all(job[key] == before[key] for key in ("id", "created", "resource-type", "acl"))
    assert admin("PUT", f"/api/{job_id}?select=state", json={}).status_code == 400
    assert admin.job(job_id)["state"] == "QUEUED"


def test_what_the_server_computes_is_not_taken_from_the_body(admin: Http) -> None:
    job_id = admin.add()
    before = admin.job(job_id)
    sent = {
        "id": "job/other",
        "created": "2000-01-01T00:00:00Z",
        "resource_type": "x",
        "operations": [],
        "started": "2000-01-01T00:00:00Z",
        "duration": 3,
    }
    job = admin.edit(job_id, **sent)

    assert all(job[key] == before[key] for key in ("id", "created", "resource-type"))
    assert {"started", "duration", "operations"}.isdisjoint(job)


def test_null_does_not_remove_but_breaks_the_schema(admin: Http) -> None:
    response = admin("PUT", f"/api/{admin.add(name='n')}", json={"name": None})

    assert response.status_code == 400
    assert "does not satisfy defined schema:\n" in response.json()["message"]
    assert set(response.json()) == {"status", "message"}


def test_running_sets_started_once(admin: Http) -> None:
    job_id = admin.add()
    first = admin.edit(job_id, state="RUNNING")["started"]

    assert admin.edit(job_id, state="QUEUED", execution_mode="pull")["started"] == first
    assert admin.edit(job_id, state="RUNNING")["started"] == first


@pytest.mark.parametrize("state", ["SUCCESS", "FAILED", "CANCELED"])
def test_a_final_state_completes_progress_and_duration(admin: Http, state: str) -> None:
    job_id = admin.add()
    admin.edit(job_id, state="RUNNING")
    job = admin.edit(job_id, state=state, return_code=3, progress=20)
    span = datetime.fromisoformat(job["updated"]) - datetime.fromisoformat(job["started"])

    assert job["progress"] == 100
    assert job["duration"] == int(span.total_seconds())
    assert job["return-code"] == 3


def test_straight_from_queued_to_final_there_is_no_start_and_no_duration(admin: Http) -> None:
    job = admin.edit(admin.add(), state="FAILED")

    assert {"started", "duration"}.isdisjoint(job)


def test_a_finished_job_takes_no_edit_whatever_it_says(admin: Http) -> None:
    job_id = admin.add()
    admin.edit(job_id, state="SUCCESS")
    before = admin.job(job_id)

    for body in ({}, {"output": "late"}, {"state": "QUEUED"}, {"progress": "wrong"}):
        response = admin("PUT", f"/api/{job_id}", json=body)
        assert response.status_code == 409
        assert response.json() == {
            "status": 409,
            "message": "edit is not allowed in final state",
            "resource-id": job_id,
        }
    assert admin.job(job_id) == before


def test_the_time_of_a_message_is_refreshed_by_every_edit(admin: Http) -> None:
    job_id = admin.add(status_message="m")
    edited = admin.edit(job_id, progress=1)

    assert edited["time-of-status-change"] == edited["updated"]
    assert "time-of-status-change" not in admin.edit(admin.add(), progress=1)


def test_a_long_message_is_cut_on_edit(admin: Http) -> None:
    assert len(admin.edit(admin.add(), status_message="x" * 200_000)["status-message"]) == 100_005


def test_an_edit_queues_nothing(admin: Http, queue: Any) -> None:
    job_id = admin.add(execution_mode="mixed")
    queue.entries.clear()
    admin.edit(job_id, state="QUEUED", execution_mode="push")

    assert queue.entries == []


def test_checks_come_in_order(admin: Http, jane: Http) -> None:
    job_id = admin.add(acl={"owners": ["group/nuvla-admin"], "view-acl": [JANE]})
    admin.edit(job_id, state="SUCCESS")

    assert admin("PUT", "/api/job/nosuch", json={"state": "X"}).status_code == 404
    assert jane("PUT", f"/api/{job_id}", json={"state": "X"}).status_code == 403
    assert admin("PUT", f"/api/{job_id}", json={"state": "X"}).status_code == 409


def test_an_owner_may_not_change_action_and_target(admin: Http, jane: Http) -> None:
    acl = {"owners": [JANE]}
    job_id = admin.add(action="a", target_resource={"href": "a/1"}, acl=acl)
    path = f"/api/{job_id}?select=action,target-resource"
    body = {"action": "b", "target-resource": {"href": "a/2"}, "name": "n"}
    job = jane("PUT", path, json=body).json()

    assert job["action"] == "a"
    assert job["target-resource"] == {"href": "a/1"}
    assert job["name"] == "n"
    assert job["updated-by"] == JANE
    assert admin.edit(job_id, action="b")["action"] == "b"


def test_edits_cover_what_the_rights_cover(admin: Http, jane: Http) -> None:
    body = {"name": "n", "progress": 9, "acl": {"owners": [JANE]}}

    def after(right: str) -> dict[str, Any]:
        job_id = admin.add(acl={"owners": ["group/nuvla-admin"], right: [JANE]})
        response = jane("PUT", f"/api/{job_id}", json=body)
        assert response.status_code == 200
        answer: dict[str, Any] = response.json()
        return answer

    meta, data, everything = after("edit-meta"), after("edit-data"), after("edit-acl")
    assert (meta["name"], meta["progress"]) == ("n", 0)
    assert meta["acl"]["owners"] == ["group/nuvla-admin"]
    assert (data["name"], data["progress"]) == ("n", 9)
    assert data["acl"]["owners"] == ["group/nuvla-admin"]
    assert everything["acl"]["owners"] == [JANE]


def test_the_answer_is_not_narrowed_to_what_the_editor_may_see(admin: Http, jane: Http) -> None:
    job_id = admin.add(acl={"owners": ["group/nuvla-admin"], "edit-meta": [JANE]})

    assert jane("PUT", f"/api/{job_id}", json={}).json()["state"] == "QUEUED"
    assert "state" not in jane.job(job_id)


@pytest.mark.parametrize("right", ["view-acl", "view-data", "view-meta", "manage", "delete"])
def test_no_edit_without_an_edit_right(admin: Http, jane: Http, right: str) -> None:
    job_id = admin.add(acl={"owners": ["group/nuvla-admin"], right: [JANE]})

    assert jane("PUT", f"/api/{job_id}", json={}).status_code == 403


def test_concurrent_edits_of_one_job_are_all_kept(server: ApiServer, admin: Http) -> None:
    job_id = admin.add()
    keys = ["name", "description", "output", "payload", "status_message"]
    with ThreadPoolExecutor(len(keys)) as pool:
        list(
            pool.map(
                lambda key: Http(server.url, "group/nuvla-admin").edit(job_id, **{key: key}), keys
            )
        )

    job = admin.job(job_id)
    assert [job[key.replace("_", "-")] for key in keys] == keys
