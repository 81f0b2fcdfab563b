"""Conditions of SQL on one value, and how conditions are joined."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Sequence

from engine.local.api import fulltext
from engine.local.api.filters import Instant, Scalar

Param = str | int | float
Condition = tuple[str, tuple[Param, ...]]
"""An SQL expression and its parameters. It may be NULL, which counts as no match."""

ALWAYS: Condition = ("1", ())
NEVER: Condition = ("0", ())

_LAST_CODE_POINT = 0x10FFFF
_NUMBER = re.compile(r"[+-]?\d+(\.\d*)?([eE][+-]?\d+)?", re.ASCII)


def joined(parts: Sequence[Condition], operator: str) -> Condition:
    """Join conditions as a balanced tree: SQLite refuses a chain of 1,000 levels."""
    if len(parts) == 1:
        return parts[0]
    half = len(parts) // 2
    left, left_values = joined(parts[:half], operator)
    right, right_values = joined(parts[half:], operator)
    return f"({left}{operator}{right})", left_values + right_values


def negated(condition: Condition) -> Condition:
    """Return the complement of a condition that may be NULL."""
    return f"NOT ifnull({condition[0]}, 0)", condition[1]


def keyword_search(sql: str, query: str) -> Condition:
    """Return a full-text query on a keyword: the whole value is one case-sensitive word."""
    parts = [
        prefixed(sql, term) if is_prefix else (f"{sql} = ?", (term,))
        for term, is_prefix in fulltext.keyword_terms(query)
    ]
    return joined(parts, " OR ") if parts else NEVER


def one_of(sql: str, values: Sequence[Param]) -> Condition:
    """Return whether a value equals one of several."""
    if not values:
        return NEVER
    if len(values) == 1:
        return f"{sql} = ?", (values[0],)
    return f"{sql} IN (SELECT value FROM json_each(?))", (json.dumps(values),)


def prefixed(sql: str, prefix: str) -> Condition:
    """Return a range of code points, so that an index serves it."""
    if not prefix:
        return f"{sql} IS NOT NULL", ()
    kept = prefix.rstrip(chr(_LAST_CODE_POINT))
    if not kept:
        return f"{sql} >= ?", (prefix,)
    following = ord(kept[-1]) + 1
    if 0xD800 <= following <= 0xDFFF:
        following = 0xE000
    return f"({sql} >= ? AND {sql} < ?)", (prefix, kept[:-1] + chr(following))


def as_text(value: Scalar) -> str:
    """Return a value as a keyword attribute stores it."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int):
        return str(value)
    return value.text if isinstance(value, Instant) else str(value)


def as_number(text: str) -> int | float | None:
    """Return the number that a text is, or None."""
    if not _NUMBER.fullmatch(text):
        return None
    number = float(text)
    if not math.isfinite(number):
        return None
    return int(number) if number.is_integer() and abs(number) < 2**53 else number
