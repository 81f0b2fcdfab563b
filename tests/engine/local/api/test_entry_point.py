"""The cloud entry point (contract, section 1)."""

from __future__ import annotations

from tests.engine.local.api.conftest import Http

PATH = "/api/cloud-entry-point"


def test_anybody_reads_what_there_is_and_where(stranger: Http) -> None:
    body = stranger("GET", PATH).json()

    assert body["id"] == body["resource-type"] == "cloud-entry-point"
    assert body["base-uri"] == f"{stranger.url}/api/"
    assert body["acl"] == {
        "owners": ["group/nuvla-admin"],
        "view-acl": ["group/nuvla-anon"],
        "view-data": ["group/nuvla-anon"],
        "view-meta": ["group/nuvla-anon"],
    }
    for name in ("job", "session", "session-template", "cloud-entry-point"):
        assert body["collections"][name] == {"href": name}
    assert "operations" not in body


def test_behind_a_proxy_the_addresses_are_the_proxys(stranger: Http) -> None:
    headers = {"x-forwarded-host": "nuvla.example", "x-forwarded-proto": "https"}

    assert stranger("GET", PATH, headers=headers).json()["base-uri"] == "https://nuvla.example/api/"


def test_only_an_administrator_may_edit_it(admin: Http, jane: Http, stranger: Http) -> None:
    assert admin("GET", PATH).json()["operations"] == [{"rel": "edit", "href": "cloud-entry-point"}]
    assert admin("PUT", PATH, json={}).status_code == 200
    assert jane("PUT", PATH, json={}).status_code == 403
    assert stranger("PUT", PATH, json={}).status_code == 403
