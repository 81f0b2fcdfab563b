"""Who is calling: the header and the cookie (contract, section 2.1)."""

from __future__ import annotations

import pytest

from engine.local.api.caller import Caller, caller_from_header
from engine.local.api.tokens import TokenSigner
from engine.local.api_server import ApiServer
from tests.engine.local.api.conftest import Http

CALLER = Caller(
    user_id="user/a",
    active_claim="group/b",
    claims=frozenset({"group/b", "session/c"}),
    session="session/c",
)


def test_the_first_term_is_the_user_and_a_claim() -> None:
    caller = caller_from_header("user/jane")

    assert caller is not None
    assert (caller.user_id, caller.active_claim) == ("user/jane", "user/jane")
    assert caller.claims == {"user/jane", "group/nuvla-anon"}


def test_the_second_term_is_the_active_claim_and_gives_no_rights() -> None:
    caller = caller_from_header("internal group/nuvla-admin")

    assert caller is not None
    assert caller.active_claim == "group/nuvla-admin"
    assert not caller.is_admin


@pytest.mark.parametrize(
    "header", ["group/nuvla-admin", "internal group/nuvla-admin group/nuvla-admin"]
)
def test_administrators_by_header(header: str) -> None:
    caller = caller_from_header(header)

    assert caller is not None
    assert caller.is_admin


def test_a_session_among_the_terms_is_the_current_one() -> None:
    caller = caller_from_header("user/jane user/jane group/nuvla-user session/abc")

    assert caller is not None
    assert caller.session == "session/abc"


def test_the_first_term_is_no_session() -> None:
    caller = caller_from_header("session/abc")

    assert caller is not None
    assert caller.session is None


@pytest.mark.parametrize("header", ["", " \t "])
def test_a_blank_header_is_none(header: str) -> None:
    assert caller_from_header(header) is None


def test_a_signed_cookie_is_read_until_it_expires() -> None:
    signer = TokenSigner(b"key")
    token = signer.sign(CALLER, expiry=1000)

    assert signer.read(token, now=999) == CALLER
    assert signer.read(token, now=1000) is None


def test_a_changed_cookie_or_one_of_another_server_is_none() -> None:
    token = TokenSigner(b"key").sign(CALLER, expiry=1000)
    body, _, signature = token.partition(".")

    assert TokenSigner(b"other").read(token, now=0) is None
    assert TokenSigner(b"key").read(f"{body}x.{signature}", now=0) is None


@pytest.mark.parametrize("token", ["", ".", "INVALID", "a.b", "ü.ü", "e30.e30"])
def test_nonsense_is_no_cookie(token: str) -> None:
    assert TokenSigner(b"key").read(token, now=0) is None


@pytest.mark.parametrize("cookie", ["INVALID", "eyJhbGciOiJSUzI1NiJ9.e30.c2ln"])
def test_a_bad_cookie_makes_the_caller_anonymous_not_refused(stranger: Http, cookie: str) -> None:
    headers = {"cookie": f"com.com.sixsq.nuvla.cookie={cookie}"}

    assert stranger("GET", "/api/session", headers=headers).status_code == 200
    refused = stranger("GET", "/api/job", headers=headers)
    assert refused.status_code == 403
    assert refused.json() == {"status": 403, "message": "credentials required"}


def test_a_user_without_the_users_group_may_not_query(server: ApiServer, admin: Http) -> None:
    alone = Http(server.url, "user/jane")

    assert alone("GET", "/api/job").status_code == 403


def test_existence_is_checked_before_rights(stranger: Http, admin: Http) -> None:
    job_id = admin.add()
    refused = stranger("GET", f"/api/{job_id}")

    assert stranger("GET", "/api/job/nosuch").status_code == 404
    assert refused.status_code == 403
    assert refused.json() == {
        "status": 403,
        "message": f"invalid credentials for '{job_id}'",
        "resource-id": job_id,
    }
