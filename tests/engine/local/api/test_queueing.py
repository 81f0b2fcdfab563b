"""Jobs and the queue: the entry is made before the job, or neither is (contract, section 9)."""

from __future__ import annotations

from pathlib import Path

import requests
from kazoo.client import KazooClient

from tests.local_api import ADMIN_HEADER, LocalApi, running_api
from tests.support import eventually

HEADERS = {"nuvla-authn-info": ADMIN_HEADER}


def add(api: LocalApi, **job: object) -> requests.Response:
    return requests.post(f"{api.url}/api/job", json=job, headers=HEADERS, timeout=30)


def test_the_queue_is_there_before_the_first_job(local_api: LocalApi, kazoo: KazooClient) -> None:
    eventually(lambda: kazoo.exists("/job/entries"), "the node of the queue")


def test_a_push_job_has_an_entry_of_its_priority_and_the_path_as_its_tag(
    local_api: LocalApi, kazoo: KazooClient
) -> None:
    job_id = add(local_api, action="x", priority=7, tags=["mine"]).json()["resource-id"]

    [entry] = kazoo.get_children("/job/entries")
    job = requests.get(f"{local_api.url}/api/{job_id}", headers=HEADERS, timeout=30).json()
    assert entry == "entry-007-0000000000"
    assert kazoo.get(f"/job/entries/{entry}")[0] == job_id.encode()
    assert job["tags"] == [f"/job/entries/{entry}"]


def test_a_job_without_priority_is_queued_at_999_and_does_not_store_it(
    local_api: LocalApi, kazoo: KazooClient
) -> None:
    job_id = add(local_api, action="x").json()["resource-id"]

    [entry] = kazoo.get_children("/job/entries")
    job = requests.get(f"{local_api.url}/api/{job_id}", headers=HEADERS, timeout=30).json()
    assert entry.startswith("entry-999-")
    assert "priority" not in job


def test_a_pull_job_has_no_entry_and_keeps_its_tags(
    local_api: LocalApi, kazoo: KazooClient
) -> None:
    add(local_api, action="first")
    job_id = add(local_api, action="x", **{"execution-mode": "pull", "tags": ["a"]}).json()[
        "resource-id"
    ]

    job = requests.get(f"{local_api.url}/api/{job_id}", headers=HEADERS, timeout=30).json()
    assert len(kazoo.get_children("/job/entries")) == 1
    assert job["tags"] == ["a"]


def test_an_invalid_job_leaves_no_entry(local_api: LocalApi, kazoo: KazooClient) -> None:
    add(local_api, action="first")
    for wrong in ({"action": ""}, {"action": "x", "nosuch": 1}, {"action": "x", "priority": 1000}):
        assert add(local_api, **wrong).status_code == 400

    assert len(kazoo.get_children("/job/entries")) == 1


def test_without_zookeeper_a_push_job_is_a_500_and_is_not_stored(tmp_path: Path) -> None:
    with running_api(tmp_path / "api.sqlite", "127.0.0.1:1") as api:
        refused = add(api, action="x")
        stored = add(api, action="x", **{"execution-mode": "pull"})
        count = requests.get(f"{api.url}/api/job", headers=HEADERS, timeout=30).json()["count"]

    assert refused.status_code == 500
    assert refused.json()["message"].startswith("Unexpected exception thrown: ")
    assert stored.status_code == 201
    assert count == 1
