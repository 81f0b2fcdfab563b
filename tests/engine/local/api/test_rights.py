"""Access control lists and operations (contract, sections 3.5 to 3.7)."""

from __future__ import annotations

from typing import Any

import pytest

from engine.local.api import acl
from engine.local.api.acl import METADATA
from engine.local.api_server import ApiServer
from tests.engine.local.api.conftest import Http, ListedQueue

ADMIN = "group/nuvla-admin"
JANE = "user/jane"
ALL = {
    "view-meta",
    "view-data",
    "view-acl",
    "edit-meta",
    "edit-data",
    "edit-acl",
    "manage",
    "delete",
}


@pytest.mark.parametrize(
    ("right", "implied"),
    [
        ("edit-acl", ALL),
        ("edit-data", {"edit-data", "edit-meta", "view-data", "view-meta"}),
        ("edit-meta", {"edit-meta", "view-meta"}),
        ("delete", {"delete", "view-meta"}),
        ("view-acl", {"view-acl", "view-data", "view-meta"}),
        ("view-data", {"view-data", "view-meta"}),
        ("view-meta", {"view-meta"}),
        ("manage", {"manage"}),
    ],
)
def test_rights_that_rights_imply(right: str, implied: set[str]) -> None:
    stored = acl.normalize({"owners": [ADMIN], right: [JANE]})

    assert {name for name, principals in stored.items() if JANE in principals} == implied


def test_the_owner_is_in_no_other_list_and_the_administrators_in_all() -> None:
    stored = acl.normalize({"owners": [JANE], "view-acl": [JANE, "user/b", "user/a"]})

    assert stored["owners"] == [JANE]
    assert {name for name, principals in stored.items() if ADMIN in principals} == ALL
    assert stored["view-acl"] == [ADMIN, "user/a", "user/b"]
    assert not any(JANE in stored[right] for right in ALL)


def test_the_contracts_example_reads_back_with_what_it_implies(admin: Http) -> None:
    job = admin.job(admin.add(acl={"owners": [ADMIN], "view-acl": [JANE], "manage": []}))

    assert job["acl"] == {
        "owners": [ADMIN],
        "view-acl": [JANE],
        "view-data": [JANE],
        "view-meta": [JANE],
    }


def job_for_jane(admin: Http, *rights: str, **body: Any) -> str:
    return admin.add(acl={"owners": [ADMIN], **{right: [JANE] for right in rights}}, **body)


def test_readers_see_what_their_right_shows(admin: Http, jane: Http) -> None:
    whole = jane.job(job_for_jane(admin, "view-acl"))
    data = jane.job(job_for_jane(admin, "view-data"))
    meta = jane.job(job_for_jane(admin, "view-meta", name="n", tags=["t"]))

    assert {"acl", "state"} <= set(whole)
    assert "state" in data and "acl" not in data
    assert set(meta) <= METADATA
    assert {"id", "resource-type", "created", "updated", "name", "tags"} <= set(meta)


def test_manage_alone_does_not_let_see(admin: Http, jane: Http) -> None:
    job_id = job_for_jane(admin, "manage")

    assert jane("GET", f"/api/{job_id}").status_code == 403
    assert jane.query()["resources"] == []
    assert jane("POST", f"/api/{job_id}/cancel").status_code == 200


def rels(job: dict[str, Any]) -> list[str]:
    return [operation["rel"] for operation in job.get("operations", [])]


def test_operations_come_in_order_and_with_their_addresses(admin: Http) -> None:
    job_id = admin.add()
    queued = admin.job(job_id)
    admin.edit(job_id, state="RUNNING")
    running = admin.job(job_id)
    admin.edit(job_id, state="SUCCESS")

    assert rels(queued) == ["edit", "delete", "cancel", "get-context"]
    assert running["operations"] == [
        {"rel": "edit", "href": job_id},
        {"rel": "delete", "href": job_id},
        {"rel": "cancel", "href": f"{job_id}/cancel"},
        {"rel": "timeout", "href": f"{job_id}/timeout"},
        {"rel": "get-context", "href": f"{job_id}/get-context"},
    ]
    assert rels(admin.job(job_id)) == ["edit", "delete", "get-context"]


@pytest.mark.parametrize(
    ("rights", "expected"),
    [
        (["view-acl"], []),
        (["view-data", "edit-meta"], ["edit"]),
        (["delete"], ["delete"]),
        (["view-meta", "manage"], ["cancel"]),
        (["edit-acl"], ["edit", "delete", "cancel"]),
    ],
)
def test_operations_are_those_of_the_reader(
    admin: Http, jane: Http, rights: list[str], expected: list[str]
) -> None:
    job = jane.job(job_for_jane(admin, *rights))

    assert rels(job) == expected
    assert ("operations" in job) is bool(expected)


def test_in_lists_operations_need_the_right_to_see_the_acl(admin: Http, jane: Http) -> None:
    job_id = job_for_jane(admin, "view-data", "manage")

    assert rels(jane.job(job_id)) == ["cancel"]
    assert "operations" not in jane.query()["resources"][0]
    assert rels(admin.query()["resources"][0]) == ["edit", "delete", "cancel", "get-context"]


def test_select_keeps_the_id_and_what_it_names(admin: Http) -> None:
    job_id = admin.add(name="n")

    assert set(admin("GET", f"/api/{job_id}?select=state").json()) == {"id", "state"}
    both = admin("GET", f"/api/{job_id}?select= operations , state ,nosuch").json()
    assert set(both) == {"id", "state", "operations"}


def test_deleting_works_in_any_state_and_once(admin: Http) -> None:
    for state in ("QUEUED", "RUNNING", "SUCCESS"):
        job_id = admin.add()
        admin.edit(job_id, state=state)
        response = admin("DELETE", f"/api/{job_id}")
        assert response.status_code == 200
        assert response.json() == {
            "status": 200,
            "message": f"{job_id} deleted",
            "resource-id": job_id,
        }
        again = admin("DELETE", f"/api/{job_id}")
        assert again.status_code == 404
        assert again.json() == {
            "status": 404,
            "message": f"{job_id} not found",
            "resource-id": job_id,
        }


def test_deleting_needs_the_right(admin: Http, jane: Http) -> None:
    assert jane("DELETE", f"/api/{job_for_jane(admin, 'edit-data')}").status_code == 403
    assert jane("DELETE", f"/api/{job_for_jane(admin, 'delete')}").status_code == 200


def test_a_cancel_computes_what_an_edit_to_a_final_state_does(admin: Http) -> None:
    job_id = admin.add(priority=3, status_message="m")
    admin.edit(job_id, state="RUNNING")
    job = admin("POST", f"/api/{job_id}/cancel").json()

    assert (job["state"], job["progress"], job["updated-by"]) == ("CANCELED", 100, "internal")
    assert "duration" in job and "priority" not in job and "operations" not in job
    assert job["time-of-status-change"] == job["updated"]


@pytest.mark.parametrize("action", ["cancel", "timeout"])
@pytest.mark.parametrize("state", ["SUCCESS", "FAILED", "CANCELED"])
def test_finished_jobs_are_neither_canceled_nor_timed_out(
    admin: Http, action: str, state: str
) -> None:
    job_id = admin.add()
    admin.edit(job_id, state=state)
    response = admin("POST", f"/api/{job_id}/{action}")

    assert response.status_code == 403
    assert response.json() == {
        "status": 403,
        "message": f"invalid credentials for '{job_id}'",
        "resource-id": job_id,
    }


def test_a_timeout_is_for_running_jobs_and_administrators(admin: Http, jane: Http) -> None:
    job_id = job_for_jane(admin, "edit-acl")
    early = admin("POST", f"/api/{job_id}/timeout")
    admin.edit(job_id, state="RUNNING")

    assert early.status_code == 403
    assert jane("POST", f"/api/{job_id}/timeout").status_code == 403
    assert admin("POST", f"/api/{job_id}/timeout").json()["state"] == "CANCELED"


@pytest.mark.parametrize("action", ["cancel", "timeout", "get-context"])
def test_actions_of_no_job_are_a_404(admin: Http, stranger: Http, action: str) -> None:
    assert admin("POST", f"/api/job/nosuch/{action}").status_code == 404
    assert stranger("POST", f"/api/job/nosuch/{action}").status_code == 404


def test_canceling_a_bulk_job_queues_the_canceling_of_its_children(
    admin: Http, queue: ListedQueue
) -> None:
    job_id = job_for_jane(admin, "view-acl", "manage", action="bulk_stop")
    admin("POST", f"/api/{job_id}/cancel")

    [(child_id, priority)] = queue.entries
    child = admin.job(child_id)
    assert priority == child["priority"] == 10
    assert child["action"] == "cancel_children_jobs"
    assert child["target-resource"] == {"href": job_id}
    assert child["acl"] == admin.job(job_id)["acl"]
    assert child["created-by"] == "internal"
    assert child["state"] == "QUEUED"


def test_timing_a_bulk_job_out_does_not(admin: Http, queue: ListedQueue) -> None:
    job_id = admin.add(action="bulk_stop")
    admin.edit(job_id, state="RUNNING")
    admin("POST", f"/api/{job_id}/timeout")

    assert queue.entries == []


def test_the_context_is_for_administrators_and_for_devices_that_manage(
    server: ApiServer, admin: Http, jane: Http
) -> None:
    box = "nuvlabox/b"
    job_id = admin.add(acl={"owners": [ADMIN], "manage": [box, JANE], "view-data": [box]})
    device = Http(server.url, f"{box} {box} group/nuvla-user")

    assert admin("GET", f"/api/{job_id}/get-context").json() == {}
    assert device("POST", f"/api/{job_id}/get-context").status_code == 200
    assert jane("POST", f"/api/{job_id}/get-context").status_code == 403
    assert rels(device.job(job_id)) == ["cancel", "get-context"]
