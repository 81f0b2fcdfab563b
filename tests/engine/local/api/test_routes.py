"""Paths, methods and bodies (contract, section 0)."""

from __future__ import annotations

import gzip
import http.client
import json

import pytest

from tests.engine.local.api.conftest import Http

UNKNOWN = "/api/job/00000000-0000-4000-8000-000000000000"


@pytest.mark.parametrize("method", ["GET", "PUT", "POST", "DELETE"])
@pytest.mark.parametrize("path", ["/api/deployment", "/api/deployment/x"])
def test_an_unknown_type_is_an_invalid_method_not_an_unknown_resource(
    admin: Http, method: str, path: str
) -> None:
    response = admin(method, path)

    assert response.status_code == 405
    assert response.json() == {
        "status": 405,
        "message": f"invalid method ({method.lower()}) for {path}",
        "resource-id": path,
    }


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("PATCH", "/api/job"),
        ("POST", "/api/job/x"),
        ("DELETE", "/api/session"),
        ("PATCH", "/api/session"),
        ("PUT", "/api/session/x"),
        ("POST", "/api/session/x"),
        ("PATCH", "/api/deployment"),
        ("POST", "/api/cloud-entry-point"),
        ("DELETE", "/api/cloud-entry-point"),
        ("PATCH", "/api/cloud-entry-point"),
        ("POST", "/api/session-template"),
    ],
)
def test_methods_that_a_path_does_not_have(admin: Http, method: str, path: str) -> None:
    assert admin(method, path).status_code == 405


@pytest.mark.parametrize("kind", ["job", "session", "deployment"])
def test_a_patch_of_a_resource_reads_as_an_unknown_bulk_action(admin: Http, kind: str) -> None:
    response = admin("PATCH", f"/api/{kind}/x", json={"filter": "id!=null"})

    assert response.status_code == 404


@pytest.mark.parametrize("method", ["GET", "PUT", "POST", "DELETE", "PATCH"])
def test_paths_of_more_than_three_segments_are_unknown(admin: Http, method: str) -> None:
    response = admin(method, "/api/job/a/b/c")

    assert response.status_code == 404
    assert response.json() == {
        "status": 404,
        "message": "unknown resource",
        "resource-id": "/api/job/a/b/c",
    }


@pytest.mark.parametrize("method", ["GET", "PUT", "POST", "DELETE"])
def test_an_unknown_action_is_a_404_that_names_it(admin: Http, method: str) -> None:
    path = f"/api/{admin.add()}/fly"
    response = admin(method, path)

    assert response.status_code == 404
    assert response.json() == {
        "status": 404,
        "message": f'undefined action ({method.lower()}, ["job" "fly"]) for {path}',
        "resource-id": path,
    }


@pytest.mark.parametrize("method", ["GET", "PUT", "POST", "DELETE", "PATCH"])
def test_any_method_runs_an_action(admin: Http, method: str) -> None:
    response = admin(method, f"/api/{admin.add()}/cancel")

    assert response.status_code == 200
    assert response.json()["state"] == "CANCELED"


@pytest.mark.parametrize("path", ["/", "/api", "/api/", "/ui/welcome", "/robots.txt"])
def test_everything_else_leads_to_the_entry_point(stranger: Http, path: str) -> None:
    response = stranger("GET", path)

    assert response.status_code == 302
    assert response.headers["location"] == "/api/cloud-entry-point"


@pytest.mark.parametrize("path", ["/", "/api/job", "/api/nosuch/a/b/c"])
def test_options_are_answered_without_a_body(stranger: Http, path: str) -> None:
    response = stranger("OPTIONS", path)

    assert response.status_code == 204
    assert response.content == b""


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", "/api/cloud-entry-point"),
        ("GET", "/api/job"),
        ("POST", "/api/job"),
        ("DELETE", "/api/job"),
        ("GET", UNKNOWN),
        ("GET", "/api/deployment"),
        ("POST", "/api/a/b/c/d"),
    ],
)
def test_a_bad_filter_is_a_400_on_every_route(stranger: Http, method: str, path: str) -> None:
    response = stranger(method, f"{path}?filter=not a=1")

    assert response.status_code == 400
    assert response.json()["message"].startswith("Invalid CIMI filter. ")
    assert set(response.json()) == {"status", "message"}


@pytest.mark.parametrize("body", ["{", '{"action": NaN}', "[" * 100_000, "\udcff"])
def test_malformed_json_is_a_400_in_plain_text(admin: Http, body: str) -> None:
    response = admin("POST", "/api/job", data=body.encode("utf-8", "surrogateescape"))

    assert response.status_code == 400
    assert response.text == "Malformed JSON in request body."
    assert response.headers["content-type"].startswith("text/plain")


@pytest.mark.parametrize("body", [[1], "text", 3, True])
def test_json_that_is_no_object_breaks_the_schema(admin: Http, body: object) -> None:
    response = admin("POST", "/api/job", json=body)

    assert response.status_code == 400
    assert "does not satisfy defined schema" in response.json()["message"]


def test_a_body_without_content_type_is_json(admin: Http) -> None:
    response = admin("POST", "/api/job", data=b'{"action": "x"}')

    assert response.status_code == 201


def test_a_body_may_be_compressed(admin: Http) -> None:
    body = gzip.compress(json.dumps({"action": "compressed", "output": "x" * 50_000}).encode())
    headers = {"content-encoding": "gzip", "content-type": "application/json"}
    response = admin("POST", "/api/job", data=body, headers=headers)

    assert response.status_code == 201
    assert admin.job(response.json()["resource-id"])["action"] == "compressed"


@pytest.mark.parametrize(
    "body", [b"plain", gzip.compress(b'{"action": "x"}', mtime=0)[:-9]], ids=["plain", "cut"]
)
def test_a_body_that_is_not_the_gzip_it_claims_is_a_400(admin: Http, body: bytes) -> None:
    response = admin("POST", "/api/job", data=body, headers={"content-encoding": "gzip"})

    assert response.status_code == 400


def test_a_compressed_body_cannot_fill_the_memory(admin: Http) -> None:
    body = gzip.compress(b" " * (65 * 2**20), compresslevel=1)
    response = admin("POST", "/api/job", data=body, headers={"content-encoding": "gzip"})

    assert response.status_code == 413


def test_answers_are_indented_ascii_json(admin: Http) -> None:
    job_id = admin.add(name="schöne Grüße 🙂")
    text = admin("GET", f"/api/{job_id}").content

    assert text.isascii()
    assert text.startswith(b'{\n  "id": "job/')
    assert json.loads(text)["name"] == "schöne Grüße 🙂"


def test_the_charset_is_named_on_what_was_created_and_on_the_entry_point(admin: Http) -> None:
    created = admin("POST", "/api/job", json={"action": "x"})
    entry = admin("GET", "/api/cloud-entry-point")
    read = admin("GET", f"/api/{created.json()['resource-id']}")

    assert created.headers["content-type"] == "application/json; charset=utf-8"
    assert entry.headers["content-type"] == "application/json; charset=utf-8"
    assert read.headers["content-type"] == "application/json"


def test_a_head_has_the_headers_of_a_get_and_no_body(admin: Http) -> None:
    response = admin("HEAD", f"/api/{admin.add()}")

    assert response.status_code == 200
    assert int(response.headers["content-length"]) > 100
    assert response.content == b""


def test_a_path_with_escapes_is_one_id_not_another_path(admin: Http) -> None:
    address = admin.url.removeprefix("http://")
    connection = http.client.HTTPConnection(address, timeout=30)
    connection.request("GET", "/api/job/a%3Ffilter=x%23", headers={"nuvla-authn-info": "a"})
    response = connection.getresponse()

    assert response.status == 404
    assert json.loads(response.read())["message"] == "job/a?filter=x# not found"
    connection.close()
