"""Builds filters of the API's query language from typed values, so that no value can escape.

A backslash does not do it: the server keeps it as part of the value (contract, Q16), so that a
value with both kinds of quotes cannot be asked for at all.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from datetime import datetime

from engine.models import format_time

_ATTRIBUTE = re.compile(r"[A-Za-z@]([\w-]*\w)?(/[A-Za-z@]([\w-]*\w)?)*", re.ASCII)
MAX_INTEGER = 2**31 - 1

Value = str | int | bool | datetime | None


def equals(attribute: str, value: Value) -> str:
    """Return ``attribute=value``; None asks for documents without the attribute.

    Raises:
        ValueError: as `quoted`, and for a number that the language has no form for.
    """
    return f"{_name(attribute)}={_literal(value)}"


def differs(attribute: str, value: Value) -> str:
    """Return ``attribute!=value``; it also finds documents without the attribute."""
    return f"{_name(attribute)}!={_literal(value)}"


def any_of(attribute: str, values: Iterable[str]) -> str:
    """Return ``attribute=[...]``: equal to one of the values."""
    return f"{_name(attribute)}=[{','.join(quoted(value) for value in values)}]"


def starts_with(attribute: str, prefix: str) -> str:
    """Return ``attribute^=prefix``, case-sensitive."""
    return f"{_name(attribute)}^={quoted(prefix)}"


def before(attribute: str, moment: datetime) -> str:
    """Return ``attribute<moment``. Source: dates must be quoted (contract, Q18)."""
    return f"{_name(attribute)}<{quoted(format_time(moment))}"


def since(attribute: str, moment: datetime) -> str:
    """Return ``attribute>=moment``."""
    return f"{_name(attribute)}>={quoted(format_time(moment))}"


def all_of(*filters: str) -> str:
    """Return a filter that asks for all of these filters; each keeps its own meaning."""
    return " and ".join(f"({one})" for one in filters)


def either(*filters: str) -> str:
    """Return a filter that asks for one of these filters at least."""
    return " or ".join(f"({one})" for one in filters)


def quoted(text: str) -> str:
    """Return a text as a literal, in the kind of quotes that it does not hold.

    Raises:
        ValueError: it holds both kinds, ends in a backslash, or cannot be sent.
    """
    if "'" in text and '"' in text:
        raise ValueError("a filter cannot hold a value with both kinds of quotes")
    if text.endswith("\\"):
        raise ValueError("a filter cannot hold a value that ends in a backslash")
    if "\0" in text or any("\ud800" <= char <= "\udfff" for char in text):
        raise ValueError("a filter cannot hold NUL or half a character")
    quote = '"' if "'" in text else "'"
    return f"{quote}{text}{quote}"


def _name(attribute: str) -> str:
    if not _ATTRIBUTE.fullmatch(attribute):
        raise ValueError(f"{attribute!r} is not the name of an attribute")
    return attribute


def _literal(value: Value) -> str:
    if value is None:
        return "null"
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, datetime):
        return quoted(format_time(value))
    if isinstance(value, int):
        if not 0 <= value <= MAX_INTEGER:
            raise ValueError(f"a filter cannot hold the number {value}")
        return str(value)
    return quoted(value)
