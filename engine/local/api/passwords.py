"""Hashes of passwords and secrets."""

from __future__ import annotations

import hashlib
import hmac
import secrets

_COST = 2**13
"""Scrypt's N: some 20 ms and 8 MB for a guess."""


def digest(password: str) -> str:
    """Return a salted, slow hash of a password."""
    salt = secrets.token_bytes(16)
    return f"{salt.hex()}:{_scrypt(password, salt).hex()}"


def matches(password: str, stored: str) -> bool:
    """Whether the password is the one that was hashed."""
    salt, _, expected = stored.partition(":")
    found = _scrypt(password, bytes.fromhex(salt)).hex()
    return hmac.compare_digest(found, expected)


def secret_digest(secret: str) -> str:
    """Return a hash of a long random secret: no salt and no cost are needed for such."""
    return hashlib.sha256(secret.encode("utf-8", "replace")).hexdigest()


def _scrypt(password: str, salt: bytes) -> bytes:
    return hashlib.scrypt(password.encode("utf-8", "replace"), salt=salt, n=_COST, r=8, p=1)
