"""Users and their API keys (contract, section 2.2). Called within a caller's transaction."""

from __future__ import annotations

import json
import secrets
import sqlite3
import uuid
from collections.abc import Sequence
from dataclasses import dataclass

from engine.local.api import passwords

_NOBODY = passwords.digest(secrets.token_hex())


@dataclass(frozen=True, slots=True)
class User:
    """One who may log in."""

    id: str
    groups: tuple[str, ...]
    """The groups that a session of the user may switch to."""


def ensure_user(
    connection: sqlite3.Connection, name: str, password: str, *, groups: Sequence[str] = ()
) -> str:
    """Make the user, or give an existing one this password and these groups; return the id."""
    row = connection.execute("SELECT id, password FROM user WHERE name = ?", (name,)).fetchone()
    listed = json.dumps(list(groups))
    if row is None:
        user_id = f"user/{uuid.uuid4()}"
        connection.execute(
            "INSERT INTO user VALUES (?, ?, ?, ?, ?)",
            (user_id, name, f"{name}@localhost", passwords.digest(password), listed),
        )
        return user_id
    user_id, stored = row
    kept = stored if passwords.matches(password, stored) else passwords.digest(password)
    connection.execute(
        "UPDATE user SET password = ?, groups = ? WHERE id = ?", (kept, listed, user_id)
    )
    return str(user_id)


def user_by_id(connection: sqlite3.Connection, user_id: str) -> User | None:
    """Return a user, or None."""
    row = connection.execute("SELECT id, groups FROM user WHERE id = ?", (user_id,)).fetchone()
    return _user(row)


def user_by_password(connection: sqlite3.Connection, name: str, password: str) -> User | None:
    """Return the user of this name or e-mail whose password this is, or None."""
    row = connection.execute(
        "SELECT id, groups, password FROM user WHERE name = ? OR email = ?", (name, name)
    ).fetchone()
    # An unknown name costs as much time as a wrong password.
    matches = passwords.matches(password, row[2] if row else _NOBODY)
    return _user(row[:2]) if row and matches else None


def _user(row: tuple[str, str] | None) -> User | None:
    return User(row[0], tuple(json.loads(row[1]))) if row else None


def create_api_key(
    connection: sqlite3.Connection,
    user_id: str,
    claims: Sequence[str],
    *,
    expiry: int | None = None,
) -> tuple[str, str]:
    """Make an API key and return its id and its secret, which is not kept.

    Args:
        connection: within a transaction.
        user_id: whose key it is.
        claims: what a session made with it may do.
        expiry: epoch milliseconds; None: never.
    """
    key, secret = f"credential/{uuid.uuid4()}", secrets.token_urlsafe(32)
    connection.execute(
        "INSERT INTO api_key VALUES (?, ?, ?, ?, ?)",
        (key, user_id, passwords.secret_digest(secret), json.dumps(list(claims)), expiry),
    )
    return key, secret


def claims_by_api_key(
    connection: sqlite3.Connection, key: str, secret: str, *, now: int
) -> tuple[str, tuple[str, ...]] | None:
    """Return the user id and the claims of a valid key and secret, or None."""
    row = connection.execute(
        "SELECT user, claims, secret, expiry FROM api_key WHERE id = ?", (key,)
    ).fetchone()
    if row is None or not secrets.compare_digest(row[2], passwords.secret_digest(secret)):
        return None
    if row[3] is not None and row[3] <= now:
        return None
    return row[0], tuple(json.loads(row[1]))
