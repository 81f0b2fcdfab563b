"""Log in, switch group, log out (contract, sections 2.2 to 2.4)."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from typing import Any

import pytest
import requests

from engine.local.api_server import ApiServer
from tests.engine.local.api.conftest import PASSWORDS, Http

COOKIE = "com.com.sixsq.nuvla.cookie"


def by_password(user: str, password: str | None = None, **further: Any) -> dict[str, Any]:
    return {
        "template": {
            "href": "session-template/password",
            "username": user,
            "password": password or PASSWORDS[user],
        },
        **further,
    }


def logged_in(server: ApiServer, name: str) -> tuple[Http, str]:
    caller = Http(server.url)
    response = caller("POST", "/api/session", json=by_password(name))
    assert response.status_code == 201, response.text
    return caller, response.json()["resource-id"]


def test_a_password_opens_a_session(server: ApiServer, stranger: Http) -> None:
    response = stranger("POST", "/api/session", json=by_password("jane"))
    session_id = response.json()["resource-id"]

    assert response.status_code == 201
    assert response.headers["location"] == session_id
    assert response.json() == {
        "status": 201,
        "message": f"{session_id} created",
        "resource-id": session_id,
    }
    session = stranger("GET", f"/api/{session_id}").json()
    user = server.user_id("jane")
    assert session["user"] == user
    assert session["identifier"] == "jane"
    assert session["method"] == "password"
    assert session["template"] == {"href": "session-template/password"}
    assert set(session["roles"].split()) == {
        user,
        session_id,
        "group/nuvla-user",
        "group/nuvla-anon",
    }
    assert session["created-by"] == "group/nuvla-anon"
    assert session["acl"]["owners"] == [session_id]
    assert session["acl"]["edit-acl"] == ["group/nuvla-admin"]
    assert [operation["rel"] for operation in session["operations"]] == [
        "delete",
        "get-peers",
        "get-groups",
        "switch-group",
    ]
    assert "active-claim" not in session


def test_the_cookie_lasts_a_week_and_travels_over_plain_http(stranger: Http) -> None:
    response = stranger("POST", "/api/session", json=by_password("jane"))
    header = response.headers["set-cookie"]
    expires = parsedate_to_datetime(header.split("Expires=")[1])

    assert header.startswith(f"{COOKIE}=")
    assert "; Path=/;" in header and "HttpOnly" in header
    assert "Secure" not in header
    assert abs(expires - datetime.now(UTC) - timedelta(days=7)) < timedelta(minutes=5)


def test_behind_tls_the_cookie_is_secure(stranger: Http) -> None:
    response = stranger(
        "POST",
        "/api/session",
        json=by_password("jane"),
        headers={"x-forwarded-proto": "https"},
    )

    assert "; Secure;" in response.headers["set-cookie"]


def test_an_e_mail_address_serves_as_user_name(stranger: Http) -> None:
    body = by_password("jane@localhost", PASSWORDS["jane"])

    assert stranger("POST", "/api/session", json=body).status_code == 201


def test_name_description_and_tags_are_copied(stranger: Http) -> None:
    body = by_password("jane", name="n", description="d", tags=["t"])
    session_id = stranger("POST", "/api/session", json=body).json()["resource-id"]
    session = stranger("GET", f"/api/{session_id}").json()

    assert (session["name"], session["description"], session["tags"]) == ("n", "d", ["t"])


def test_a_form_is_taken_as_the_template(stranger: Http) -> None:
    response = stranger("POST", "/api/session", data=by_password("jane")["template"])

    assert response.status_code == 201


@pytest.mark.parametrize(("name", "password"), [("jane", "wrong"), ("nobody", "x"), ("jane", "ü")])
def test_wrong_credentials_are_refused_without_saying_why(
    stranger: Http, name: str, password: str
) -> None:
    response = stranger("POST", "/api/session", json=by_password(name, password))

    assert response.status_code == 403
    assert response.json() == {
        "status": 403,
        "message": f"invalid credentials for '{name}'",
        "resource-id": name,
    }
    assert "set-cookie" not in response.headers


@pytest.mark.parametrize(
    ("template", "status"),
    [
        ({"href": "session-template/nosuch", "username": "a", "password": "b"}, 404),
        ({"href": "session-template/password", "username": "jane"}, 400),
        ({"href": "session-template/password", "username": "jane", "password": ""}, 400),
        ({"href": "session-template/password", "username": "a", "password": "b", "c": 1}, 400),
        ({"href": "session-template/api-key", "key": 1, "secret": "b"}, 400),
        ({"username": "jane", "password": "b"}, 400),
        (None, 400),
    ],
)
def test_templates_that_are_none(stranger: Http, template: Any, status: int) -> None:
    assert stranger("POST", "/api/session", json={"template": template}).status_code == status


def key_session(caller: Http, key: str, secret: str) -> requests.Response:
    template = {"href": "session-template/api-key", "key": key, "secret": secret}
    return caller("POST", "/api/session", json={"template": template})


@pytest.mark.parametrize("short", [False, True])
def test_an_api_key_carries_its_claims(server: ApiServer, stranger: Http, short: bool) -> None:
    key, secret = server.create_api_key()
    response = key_session(stranger, key.removeprefix("credential/") if short else key, secret)

    assert response.status_code == 201
    assert stranger("POST", "/api/job", json={"action": "x"}).status_code == 201
    session = stranger("GET", f"/api/{response.json()['resource-id']}").json()
    assert session["method"] == "api-key"
    assert "group/nuvla-admin" in session["roles"].split()


def test_an_api_key_of_an_ordinary_user_gives_no_more(server: ApiServer, stranger: Http) -> None:
    key_session(stranger, *server.create_api_key("jane"))

    assert stranger("GET", "/api/job").status_code == 200
    assert stranger("POST", "/api/job", json={"action": "x"}).status_code == 403


def test_a_wrong_secret_names_the_credential(server: ApiServer, stranger: Http) -> None:
    key, _ = server.create_api_key()
    response = key_session(stranger, key.removeprefix("credential/"), "wrong")

    assert response.status_code == 403
    assert response.json()["message"] == f"invalid credentials for '{key}'"
    assert response.json()["resource-id"] == key


def test_a_password_alone_never_makes_an_administrator(server: ApiServer) -> None:
    caller, _ = logged_in(server, "super")

    assert caller("POST", "/api/job", json={"action": "x"}).status_code == 403
    assert "operations" not in caller("GET", "/api/job").json()


def test_a_member_switches_to_the_administrators_and_back(server: ApiServer) -> None:
    caller, session_id = logged_in(server, "super")
    user = server.user_id("super")
    path = f"/api/{session_id}/switch-group"

    switched = caller("POST", path, json={"claim": "group/nuvla-admin"})
    assert switched.status_code == 200
    assert switched.json()["active-claim"] == "group/nuvla-admin"
    assert set(switched.json()["roles"].split()) == {
        "group/nuvla-admin",
        "group/nuvla-user",
        "group/nuvla-anon",
        session_id,
    }
    job = caller("POST", "/api/job", json={"action": "x"})
    assert job.status_code == 201
    stored = caller("GET", f"/api/{job.json()['resource-id']}").json()
    assert stored["created-by"] == user
    assert stored["acl"]["owners"] == ["group/nuvla-admin"]

    back = caller("POST", path, json={"claim": user, "extended": True})
    assert back.status_code == 200
    assert caller("POST", "/api/job", json={"action": "x"}).status_code == 403


@pytest.mark.parametrize("claim", ["group/nuvla-admin", "group/x", "user/other", None, 3])
def test_nobody_switches_to_what_they_are_no_member_of(server: ApiServer, claim: Any) -> None:
    caller, session_id = logged_in(server, "jane")
    response = caller("POST", f"/api/{session_id}/switch-group", json={"claim": claim})

    assert response.status_code == 403
    message = "Switch group cannot be done to requested group: "
    assert response.json()["message"].startswith(message)
    assert "set-cookie" not in response.headers


def test_a_session_is_its_holders_and_the_administrators_own(
    server: ApiServer, stranger: Http, admin: Http
) -> None:
    _, session_id = logged_in(server, "jane")

    assert stranger("GET", f"/api/{session_id}").status_code == 403
    assert stranger("DELETE", f"/api/{session_id}").status_code == 403
    assert stranger("POST", f"/api/{session_id}/switch-group", json={}).status_code == 403
    assert admin("GET", f"/api/{session_id}").status_code == 200
    assert stranger("GET", "/api/session/nosuch").status_code == 404


@pytest.mark.parametrize("method", ["GET", "PUT"])
def test_the_list_of_sessions_is_the_callers_own_one(
    server: ApiServer, stranger: Http, admin: Http, method: str
) -> None:
    caller, session_id = logged_in(server, "jane")
    own = caller(method, "/api/session?filter=id='session/other'").json()

    assert [session["id"] for session in own["resources"]] == [session_id]
    assert own["count"] == 1
    assert own["id"] == "session"
    assert own["resource-type"] == "session-collection"
    for other in (stranger, admin):
        response = other(method, "/api/session")
        assert response.status_code == 200
        assert (response.json()["count"], response.json()["resources"]) == (0, [])


def test_logging_out_takes_the_cookie_back(server: ApiServer) -> None:
    caller, session_id = logged_in(server, "jane")
    copied = caller.session.cookies.get(COOKIE)
    response = caller("DELETE", f"/api/{session_id}")

    assert response.json() == {
        "status": 200,
        "message": f"{session_id} deleted",
        "resource-id": session_id,
    }
    assert response.headers["set-cookie"].startswith(f"{COOKIE}=INVALID; Path=/; Max-Age=0; Exp")
    assert COOKIE not in caller.session.cookies
    assert caller("GET", "/api/job").status_code == 403
    kept = caller("GET", "/api/job", headers={"cookie": f"{COOKIE}={copied}"})
    assert kept.status_code == 403


def test_the_header_wins_over_the_cookie(server: ApiServer) -> None:
    caller, _ = logged_in(server, "jane")
    headers = {"nuvla-authn-info": "group/nuvla-admin"}

    assert caller("POST", "/api/job", json={"action": "x"}, headers=headers).status_code == 201


def test_the_ways_to_log_in_are_public(stranger: Http) -> None:
    listed = stranger("GET", "/api/session-template").json()

    assert {template["id"] for template in listed["resources"]} == {
        "session-template/password",
        "session-template/api-key",
    }
    assert stranger("GET", "/api/session-template/password").json()["method"] == "password"
    assert stranger("GET", "/api/session-template/nosuch").status_code == 404


def test_a_session_lists_its_groups_and_peers(server: ApiServer) -> None:
    caller, session_id = logged_in(server, "super")

    groups = caller("GET", f"/api/{session_id}/get-groups").json()
    assert [group["id"] for group in groups] == ["group/nuvla-admin"]
    assert caller("GET", f"/api/{session_id}/get-peers").json() == {}
