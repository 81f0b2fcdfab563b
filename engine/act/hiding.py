"""What a record must not hold: secrets, and the data of jobs, which may hold some."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable, Mapping
from typing import Any

from engine.settings import MASK

DATA = frozenset({"payload", "output", "status-message"})
"""Fields of a document that hold whatever a job was given or has said."""
RETOLD = frozenset({"words"})
"""Sentences that say again what the fields beside them say, a job's data included."""
_SECRET = re.compile(r"passw|secret|token|cookie|authn|private.?key", re.IGNORECASE)


def hide(value: Any, redact: Callable[[str], str]) -> Any:
    """Return JSON values without secrets.

    A job's data become their length and a digest, by which they can be recognised.

    Args:
        value: anything that JSON can hold; what it cannot becomes text.
        redact: takes the secrets that are known out of a text.
    """
    if isinstance(value, str):
        return redact(value)
    if isinstance(value, Mapping):
        told = ((str(key), one) for key, one in value.items() if key not in RETOLD)
        return {key: _field(key, one, redact) for key, one in told}
    if isinstance(value, (list, tuple)):
        return [hide(one, redact) for one in value]
    if value is None or isinstance(value, (bool, int, float)):
        return value
    return redact(str(value))


def _field(name: str, value: Any, redact: Callable[[str], str]) -> Any:
    if isinstance(value, str) and value:
        if name in DATA:
            return digest(value)
        if _SECRET.search(name):
            return MASK
    return hide(value, redact)


def digest(text: str) -> str:
    """Return a text's length and the beginning of its digest."""
    data = text.encode("utf-8", "surrogatepass")
    return f"({len(text)} characters, sha256 {hashlib.sha256(data).hexdigest()[:16]})"
