"""Sessions: log in, switch group, end (contract, sections 2.2 to 2.4)."""

from __future__ import annotations

import json
import secrets
import sqlite3
import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from engine.local.api import accounts, acl, faults, instants, schema
from engine.local.api.caller import ADMIN, ANONYMOUS_GROUP, USER, Caller
from engine.local.api.jobs import Document
from engine.local.api.tokens import TokenSigner

LIFETIME_MS = 7 * 24 * 3600 * 1000
PASSWORD = "session-template/password"
API_KEY = "session-template/api-key"

_CREDENTIALS = {PASSWORD: ("username", "password"), API_KEY: ("key", "secret")}
_COPIED = ("name", "description", "tags")


def load_signer(connection: sqlite3.Connection) -> TokenSigner:
    """Return the signer of cookies; its key is made with the database."""
    connection.execute(
        "INSERT OR IGNORE INTO setting VALUES ('cookie-key', ?)", (secrets.token_hex(32),)
    )
    key = connection.execute("SELECT value FROM setting WHERE name = 'cookie-key'").fetchone()[0]
    return TokenSigner(bytes.fromhex(key))


@dataclass(frozen=True, slots=True, kw_only=True)
class Identity:
    """Who has shown valid credentials, and which."""

    user_id: str
    claims: tuple[str, ...]
    method: str
    """The id of the template."""
    identifier: str
    """The user name, or the id of the API key."""


def authenticate(connection: sqlite3.Connection, body: Mapping[str, Any], *, now: int) -> Identity:
    """Check the credentials of a log-in; slow on purpose, so keep it off the writing thread.

    Raises:
        Fault: 400 the body breaks its schema, 404 no such template, 403 wrong credentials.
    """
    template = _template(body)
    method = template["href"]
    subject, secret = (template[name] for name in _CREDENTIALS[method])
    found: tuple[str, tuple[str, ...]] | None
    if method == PASSWORD:
        user = accounts.user_by_password(connection, subject, secret)
        found = (user.id, (user.id, USER)) if user else None
    else:
        subject = f"credential/{subject.removeprefix('credential/')}"
        found = accounts.claims_by_api_key(connection, subject, secret, now=now)
    if found is None:
        raise faults.forbidden(subject)
    return Identity(user_id=found[0], claims=found[1], method=method, identifier=subject)


def begin(
    connection: sqlite3.Connection, identity: Identity, body: Mapping[str, Any], *, now: int
) -> Caller:
    """Make a session and return the caller that it stands for."""
    session_id = f"session/{uuid.uuid4()}"
    caller = Caller(
        user_id=identity.user_id,
        active_claim=identity.user_id,
        claims=frozenset({*identity.claims, ANONYMOUS_GROUP, session_id}),
        session=session_id,
    )
    session = _new_session(caller, session_id, identity, now)
    session |= {name: body[name] for name in _COPIED if name in body}
    save(connection, session, expiry=now + LIFETIME_MS)
    connection.execute("DELETE FROM session WHERE expiry <= ?", (now,))
    return caller


def _template(body: Mapping[str, Any]) -> dict[str, str]:
    template = body.get("template")
    if not isinstance(template, dict) or not isinstance(template.get("href"), str):
        raise faults.invalid_schema("session", ["template has no href"])
    names = _CREDENTIALS.get(template["href"])
    if names is None:
        raise faults.not_found(template["href"])
    problems = [
        f"{key} is not an attribute of {template['href']}"
        for key in template
        if key not in (*names, "href")
    ]
    problems += [
        f"{key} is missing or blank"
        for key in names
        if not isinstance(template.get(key), str) or not template[key].strip()
    ]
    problems += [
        f"{name} {problem}"
        for name in _COPIED
        if name in body and (problem := schema.ATTRIBUTES[name](body[name]))
    ]
    if problems:
        raise faults.invalid_schema("session", problems)
    return template


def _new_session(caller: Caller, session_id: str, identity: Identity, now: int) -> Document:
    moment = instants.to_text(now)
    return {
        "id": session_id,
        "resource-type": "session",
        "method": identity.method.partition("/")[2],
        "template": {"href": identity.method},
        "user": identity.user_id,
        "identifier": identity.identifier,
        "roles": roles(caller),
        # Whole seconds, like the cookie that carries it.
        "expiry": instants.to_text((now + LIFETIME_MS) // 1000 * 1000),
        "created": moment,
        "updated": moment,
        "created-by": ANONYMOUS_GROUP,
        "acl": acl.normalize({"owners": [session_id], "edit-acl": [ADMIN]}),
    }


def roles(caller: Caller) -> str:
    """Return the claims as a session shows them: its own id last."""
    return " ".join(sorted(caller.claims, key=lambda claim: (claim == caller.session, claim)))


def switch_group(
    connection: sqlite3.Connection, session: Document, claim: Any, *, now: int
) -> tuple[Document, Caller]:
    """Return the session with another active claim, and the caller it then stands for.

    Raises:
        Fault: 403, the user is not in the group.
    """
    user = accounts.user_by_id(connection, session["user"])
    if claim != session["user"] and (user is None or claim not in user.groups):
        wanted = claim if isinstance(claim, str) else json.dumps(claim)
        raise faults.Fault(403, f"Switch group cannot be done to requested group: {wanted}!")
    caller = Caller(
        user_id=session["user"],
        active_claim=claim,
        claims=frozenset({session["id"], claim, USER, ANONYMOUS_GROUP}),
        session=session["id"],
    )
    switched = {
        **session,
        "active-claim": claim,
        "roles": roles(caller),
        "updated": instants.to_text(now),
        "expiry": instants.to_text((now + LIFETIME_MS) // 1000 * 1000),
    }
    save(connection, switched, expiry=now + LIFETIME_MS)
    return switched, caller


def find(connection: sqlite3.Connection, session_id: str) -> Document | None:
    """Return a session's document, or None where there is none."""
    row = connection.execute("SELECT document FROM session WHERE id = ?", (session_id,)).fetchone()
    return None if row is None else json.loads(row[0])


def save(connection: sqlite3.Connection, session: Document, *, expiry: int) -> None:
    """Store a session, until its expiry in epoch milliseconds."""
    connection.execute(
        "INSERT OR REPLACE INTO session VALUES (?, ?, ?)",
        (session["id"], expiry, json.dumps(session)),
    )


def delete(connection: sqlite3.Connection, session_id: str) -> None:
    """End a session."""
    connection.execute("DELETE FROM session WHERE id = ?", (session_id,))


def shown(session: Document, caller: Caller) -> Document:
    """Return a session as its holder, or an administrator, reads it."""
    href = session["id"]
    operations = [{"rel": "delete", "href": href}]
    operations += [
        {"rel": action, "href": f"{href}/{action}"}
        for action in ("get-peers", "get-groups", "switch-group")
    ]
    seen = acl.visible(session, acl.rights(session["acl"], caller))
    return {**seen, "operations": operations}
