"""Logging in: opens a session, and takes the administrators' rights in it.

Source: password log-in never carries the rights of a group, not even for `super`; they are taken
with switch-group, which gives a new cookie (contract, sections 2.2 and 2.4).
"""

from __future__ import annotations

import json
import logging
import re
import time
from collections.abc import Mapping
from dataclasses import dataclass, field

from engine.errors import ApiRefused, LoginRefused, NotFound
from engine.nuvla.answers import check, json_object, malformed
from engine.nuvla.connection import Answer
from engine.nuvla.credentials import ApiKey, Cookies, Credentials, Header, Password
from engine.nuvla.deadline import Deadline
from engine.nuvla.transport import Request, Transport
from engine.text import clean

log = logging.getLogger(__name__)

ADMIN = "group/nuvla-admin"
_JSON = {"Content-Type": "application/json"}
_SESSION_ID = re.compile(r"session/[a-zA-Z0-9-]+", re.ASCII)


@dataclass(eq=False, slots=True, kw_only=True)
class Identity:
    """What one log-in gave, and what experience has told of it since."""

    headers: Mapping[str, str] = field(repr=False)
    """What a request carries to be ours."""
    is_admin: bool = False
    """Whether the administrators' rights were taken in this session."""
    since: float = field(default_factory=time.monotonic)
    is_proven: bool = False
    """Whether the API has done something for it."""
    confirmed: float = 0.0
    """When the API last said that the session exists; monotonic seconds."""


def ready_identity(credentials: Credentials) -> Identity | None:
    """Return the identity that needs no log-in; None where one is needed."""
    if isinstance(credentials, Header):
        return Identity(headers={"nuvla-authn-info": credentials.value.reveal()})
    if isinstance(credentials, Cookies):
        return Identity(headers=_cookie_header({n: v.reveal() for n, v in credentials.values}))
    return None


def log_in(transport: Transport, credentials: Password | ApiKey, deadline: Deadline) -> Identity:
    """Open a session, with the administrators' rights where the account may have them.

    Raises:
        LoginRefused: the credentials are refused.
        ApiUnavailable, MalformedAnswer: as any call.
    """
    document = {"template": credentials.template()}
    request = _post("session", document)
    answer = transport.exchange(request, {}, deadline)
    if 400 <= answer.status < 500 and answer.status not in (408, 429):
        raise LoginRefused(
            f"the API refused to log in {credentials} ({answer.status}): check the credentials",
            status=answer.status,
        )
    check(request, answer)
    if answer.status != 201:
        raise LoginRefused(
            f"the API did not log in {credentials} ({answer.status}): an account with a second "
            "factor cannot be used here; use an API key",
            status=answer.status,
        )
    session_id = json_object(request, answer).get("resource-id")
    cookies = _cookies(answer)
    if not isinstance(session_id, str) or not _SESSION_ID.fullmatch(session_id) or not cookies:
        malformed(request, "to a log-in names no session or sets no cookie")
    return _take_rights(transport, credentials, session_id, cookies, deadline)


def session_exists(transport: Transport, identity: Identity, deadline: Deadline) -> bool:
    """Whether the session of an identity still exists, with the rights that were taken.

    The API answers 403 alike to an ended session and to one that lacks a right; only the caller's
    own session tells them apart (contract, section 2.3).

    Raises:
        ApiError: as any call.
    """
    request = Request(method="GET", path="session", is_safe=True)
    answer = transport.exchange(request, identity.headers, deadline)
    if answer.status in (401, 403):
        return False
    check(request, answer)
    own = json_object(request, answer).get("resources")
    if not isinstance(own, list) or not own:
        return False
    claim = own[0].get("active-claim") if isinstance(own[0], dict) else None
    return not identity.is_admin or claim in (None, ADMIN)


def _take_rights(
    transport: Transport,
    credentials: Credentials,
    session_id: str,
    cookies: dict[str, str],
    deadline: Deadline,
) -> Identity:
    request = _post(f"{session_id}/switch-group", {"claim": ADMIN})
    answer = transport.exchange(request, _cookie_header(cookies), deadline)
    try:
        check(request, answer)
    except (ApiRefused, NotFound) as error:
        log.debug("the account may not take the rights of %s: %s", ADMIN, error)
        return Identity(headers=_cookie_header(cookies))
    return Identity(headers=_cookie_header({**cookies, **_cookies(answer)}), is_admin=True)


def _post(path: str, document: object) -> Request:
    body = json.dumps(document).encode()
    return Request(method="POST", path=path, body=body, headers=_JSON, is_safe=True)


def _cookies(answer: Answer) -> dict[str, str]:
    """Return the cookies that an answer sets; their attributes say nothing to us.

    The real cookie is `Secure`, also where a test platform serves plain HTTP.
    """
    pairs = (
        line.partition(";")[0].partition("=") for line in answer.headers.get_all("Set-Cookie") or []
    )
    return {name.strip(): value.strip() for name, _, value in pairs if name.strip()}


def _cookie_header(cookies: Mapping[str, str]) -> dict[str, str]:
    text = "; ".join(f"{name}={value}" for name, value in cookies.items())
    # What the server sets cannot add a header: its own headers end at line breaks.
    return {"Cookie": clean(text, limit=16_384)}
