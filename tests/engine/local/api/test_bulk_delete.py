"""DELETE /api/job (contract, section 5)."""

from __future__ import annotations

import pytest

from engine.local.api import job_handlers
from engine.local.api_server import ApiServer
from tests.engine.local.api.conftest import Http

BULK = {"bulk": "yes"}


def test_the_preconditions_come_in_order(admin: Http, jane: Http) -> None:
    no_header = jane("DELETE", "/api/job")
    no_filter = jane("DELETE", "/api/job", headers=BULK)
    no_right = jane("DELETE", "/api/job?filter=id!=null", headers=BULK)
    bad_filter = jane("DELETE", "/api/job?filter=x")
    json_filter = admin("DELETE", "/api/job", headers=BULK, json={"filter": "id!=null"})

    assert no_header.status_code == 400
    assert no_header.json()["message"] == "Bulk request should contain bulk http header."
    for response in (no_filter, json_filter):
        assert response.status_code == 400
        assert response.json()["message"] == (
            "Bulk request should contain a non empty cimi filter."
        )
    assert no_right.status_code == 403
    assert no_right.json()["message"] == "credentials required"
    assert bad_filter.json()["message"].startswith("Invalid CIMI filter. ")


def test_what_the_filter_selects_goes_and_the_rest_stays(admin: Http) -> None:
    for state in ("QUEUED", "SUCCESS", "FAILED"):
        admin.edit(admin.add(name=state, tags=["t"]), state=state)
    response = admin(
        "DELETE",
        "/api/job",
        data={"filter": "state=['SUCCESS', 'FAILED', 'CANCELED'] and created<'now+1h'"},
        headers={"bulk": "true"},
    )

    body = response.json()
    assert response.status_code == 200
    assert body["took"] >= 0
    del body["took"]
    assert body == {
        "timed_out": False,
        "total": 2,
        "deleted": 2,
        "batches": 1,
        "version_conflicts": 0,
        "noops": 0,
        "retries": {"bulk": 0, "search": 0},
        "throttled_millis": 0,
        "requests_per_second": -1.0,
        "throttled_until_millis": 0,
        "failures": [],
    }
    assert [job["name"] for job in admin.query()["resources"]] == ["QUEUED"]
    assert admin.found("tags='t'") == {"QUEUED"}
    assert admin.found("fulltext=='success'") == set()


def test_the_filter_may_be_in_the_url_and_may_match_nothing(server: ApiServer, admin: Http) -> None:
    admin.add()
    path = "/api/job?filter=action='nosuch'"

    assert admin("DELETE", path, headers=BULK).json()["deleted"] == 0
    assert admin.query()["count"] == 1


def test_more_than_a_batch_is_deleted(admin: Http, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(job_handlers, "_DELETE_BATCH", 2)
    for _ in range(5):
        admin.add()
    body = admin("DELETE", "/api/job?filter=id!=null", headers=BULK).json()

    assert (body["total"], body["batches"]) == (5, 3)
