"""Listing jobs: parameters, window, order, selection, rights (contract, sections 4.1 and 4.2)."""

from __future__ import annotations

import sqlite3
from typing import Any

import pytest

from engine.local.api import job_table, jobs
from engine.local.api.caller import INTERNAL
from engine.local.api_server import ApiServer
from tests.engine.local.api.conftest import Http

ADMIN = "group/nuvla-admin"


def names(answer: dict[str, Any]) -> list[str]:
    return [job.get("name", "") for job in answer["resources"]]


@pytest.fixture
def five(admin: Http) -> Http:
    """Five jobs, named 1 to 5, with progress 50 down to 10."""
    for number in range(1, 6):
        admin.add(name=str(number), progress=60 - 10 * number)
    return admin


@pytest.mark.parametrize("method", ["GET", "PUT"])
def test_a_collection_has_the_contracts_shape(five: Http, method: str) -> None:
    answer = five(method, "/api/job").json()

    assert answer["count"] == len(answer["resources"]) == 5
    assert answer["id"] == "job"
    assert answer["resource-type"] == "job-collection"
    assert answer["acl"] == {
        "query": ["group/nuvla-user"],
        "add": [ADMIN],
        "bulk-delete": [ADMIN],
    }
    assert answer["operations"] == [
        {"rel": "add", "href": "job"},
        {"rel": "bulk-delete", "href": "job"},
    ]
    assert "aggregations" not in answer


def test_parameters_come_from_the_url_and_from_the_form(five: Http) -> None:
    by_get = five("GET", "/api/job?filter=name='3'&select=name").json()
    by_put = five("PUT", "/api/job?select=name", data={"filter": "name='3'"}).json()

    assert by_get == by_put
    assert names(by_get) == ["3"]


def test_a_json_body_is_ignored(five: Http) -> None:
    assert five("PUT", "/api/job", json={"filter": "name='3'", "last": 1}).json()["count"] == 5


def test_repeated_filters_must_all_hold(five: Http) -> None:
    form = [("filter", "name='1' or name='2'"), ("filter", "name='2' or name='3'")]

    assert names(five("PUT", "/api/job", data=form).json()) == ["2"]


@pytest.mark.parametrize("params", ["filter=", "filter=name='1'&filter="])
def test_an_empty_filter_is_a_400(five: Http, params: str) -> None:
    assert five("GET", f"/api/job?{params}").status_code == 400


@pytest.mark.parametrize(
    ("window", "expected"),
    [
        ({}, ["1", "2", "3", "4", "5"]),
        ({"first": 2, "last": 3}, ["2", "3"]),
        ({"first": 4}, ["4", "5"]),
        ({"last": 2}, ["1", "2"]),
        ({"last": 0}, []),
        ({"first": 3, "last": 2}, []),
        ({"last": -1}, []),
        ({"first": 0, "last": 1}, ["1"]),
        ({"first": "x", "last": "y"}, ["1", "2", "3", "4", "5"]),
        ({"first": 5, "last": 10_000}, ["5"]),
        ({"first": 20_000}, []),
    ],
)
def test_the_window_is_counted_from_one(
    five: Http, window: dict[str, Any], expected: list[str]
) -> None:
    answer = five.query(orderby="name", **window)

    assert names(answer) == expected
    assert answer["count"] == 5


@pytest.mark.parametrize("window", [{"last": 10_001}, {"first": 10_000, "last": 10_001}])
def test_beyond_ten_thousand_is_a_500(five: Http, window: dict[str, int]) -> None:
    response = five("PUT", "/api/job", data=window)

    assert response.status_code == 500
    assert response.json()["message"].startswith("unexpected exception querying: ")
    assert response.json()["message"].endswith(
        "First and last must be less than or equal to 10'000. "
        "Use filter to limit the number of returned resources."
    )


def test_order_by_several_attributes_in_both_directions(admin: Http) -> None:
    for name, progress, description in (("a", 1, "x"), ("b", 2, "x"), ("c", 1, "y"), ("d", 9, "x")):
        admin.add(name=name, progress=progress, description=description)

    assert names(admin.query(orderby="progress,name:desc")) == ["c", "a", "b", "d"]
    assert names(admin.query(orderby="description:desc , progress:asc")) == ["c", "a", "b", "d"]
    assert names(admin.query(orderby="progress:desc", last=1)) == ["d"]
    assert names(admin.query(orderby="created:desc"))[0] == "d"


@pytest.mark.parametrize("direction", ["asc", "desc"])
@pytest.mark.parametrize(
    ("attribute", "value"),
    [
        ("target-resource.href", {"target_resource": {"href": "a/1"}}),
        ("priority", {"priority": 3}),
        ("expiry", {"expiry": "2026-11-23T10Z"}),
        ("tags", {"tags": ["t"]}),
    ],
)
def test_jobs_without_the_attribute_come_last_in_both_directions(
    admin: Http, direction: str, attribute: str, value: dict[str, Any]
) -> None:
    admin.add(name="without")
    admin.add(name="with", **value)

    assert names(admin.query(orderby=f"{attribute}:{direction}")) == ["with", "without"]


def test_keywords_sort_by_code_point_and_dates_by_time(admin: Http) -> None:
    for name, expiry in (("a", "2026-01-01T10:00Z"), ("B", "2026-01-01T10:00+02:00"), ("é", None)):
        admin.add(name=name, **({"expiry": expiry} if expiry else {}))

    assert names(admin.query(orderby="name")) == ["B", "a", "é"]
    assert names(admin.query(orderby="expiry")) == ["B", "a", "é"]


@pytest.mark.parametrize("key", ["target-resource/href", "nosuch", "created:down", "a:b:c"])
def test_what_cannot_be_sorted_by_is_a_500(admin: Http, key: str) -> None:
    response = admin("PUT", "/api/job", data={"orderby": key})

    assert response.status_code == 500
    assert response.json()["message"].startswith("unexpected exception querying: ")


@pytest.mark.parametrize(
    ("select", "keys"),
    [
        ("state", {"id", "state"}),
        ("state, name", {"id", "state", "name"}),
        (["state", "name"], {"id", "state", "name"}),
        ("operations", {"id", "operations"}),
        ("*", {"id"}),
        ("nosuch", {"id"}),
        ("target-resource/href", {"id"}),
    ],
)
def test_select_names_the_attributes_of_each_entry(
    admin: Http, select: Any, keys: set[str]
) -> None:
    admin.add(name="n", target_resource={"href": "a/1"})

    assert set(admin.query(select=select)["resources"][0]) == keys


def test_users_list_what_they_may_see_and_nothing_else(
    server: ApiServer, admin: Http, jane: Http
) -> None:
    admin.add(name="none")
    admin.add(name="meta", acl={"owners": [ADMIN], "view-meta": ["user/jane"]})
    admin.add(name="data", acl={"owners": [ADMIN], "view-data": ["user/jane"]})
    admin.add(name="own", acl={"owners": ["user/jane"]})
    admin.add(name="group", acl={"owners": [ADMIN], "view-acl": ["group/nuvla-user"]})
    answer = jane.query(orderby="created", aggregation="terms:name,value_count:id")

    assert names(answer) == ["meta", "data", "own", "group"]
    assert answer["count"] == 4
    assert answer["aggregations"]["value_count:id"] == {"value": 4}
    assert "operations" not in answer
    meta, data, own, _ = answer["resources"]
    assert "state" not in meta
    assert "state" in data and "acl" not in data
    assert "acl" in own and "operations" in own
    assert jane.query(filter="name='none' or name='own'")["count"] == 1


def test_the_count_stops_at_ten_thousand_and_the_total_does_not(
    server: ApiServer, admin: Http
) -> None:
    def work(connection: sqlite3.Connection) -> None:
        for number in range(10_050):
            body = {"action": "many", "execution-mode": "pull"}
            job = jobs.new_job(body, job_id=f"job/a-{number}", caller=INTERNAL, now=number)
            job_table.insert(connection, job)

    server.database.write(work).result(60)
    answer = admin.query(last=0, aggregation="value_count:id,terms:action")
    assert answer["count"] == 10_000
    assert answer["aggregations"]["value_count:id"] == {"value": 10_050}
    assert answer["aggregations"]["terms:action"]["buckets"] == [
        {"key": "many", "doc_count": 10_050}
    ]
    deleted = admin("DELETE", "/api/job", data={"filter": "action='many'"}, headers={"bulk": ""})
    assert deleted.json()["deleted"] == 10_050
