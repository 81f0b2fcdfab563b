"""From what an operator types to a filter of the API: ``state=RUNNING age>10m`` and the like."""

from __future__ import annotations

import re

from engine.states import JobState

_WORD = re.compile(r"(?P<name>[a-z-]+)(?P<sign>\^=|!=|<=|>=|=|<|>)(?P<value>.+)", re.ASCII)
_SPAN = re.compile(r"\d{1,6}[smhdwMy]", re.ASCII)
_PIECE = re.compile(r"[A-Za-z0-9-]+", re.ASCII)
_NUMBERS = frozenset({"progress", "priority", "return-code", "version", "duration"})
_TIMES = {
    "age": "created",
    "ran": "started",
    "edited": "updated",
}
_NAMES = {
    "state": "state",
    "action": "action",
    "target": "target-resource/href",
    "affected": "affected-resources/href",
    "parent": "parent-job",
    "mode": "execution-mode",
    "by": "created-by",
    "tag": "tags",
    "code": "return-code",
    "progress": "progress",
    "priority": "priority",
    "version": "version",
    "duration": "duration",
    "id": "id",
    "name": "name",
}
# An age that is greater is a date that is smaller.
_FLIPPED = {"<": ">", ">": "<", "<=": ">=", ">=": "<="}
WORDS = (*(f"{name}=" for name in _NAMES), *(f"{name}>" for name in _TIMES))
"""What a word can begin with, for completion."""


class BadQuery(ValueError):
    """A word of the query means nothing; the message says which, and what would."""


def to_filter(text: str) -> str | None:
    """Return the API's filter for a query, or None for all jobs.

    Words are joined by "and". A text with quotes or parentheses, with "and" or "or" among its
    words, or that asks for null is a filter of the API already.

    Raises:
        BadQuery: a word means nothing.
    """
    text = text.strip()
    if not text:
        return None
    words = text.split()
    is_filter = any(char in text for char in "'\"(") or not {"and", "or"}.isdisjoint(words)
    if is_filter or any(word.endswith("=null") for word in words):
        return text
    return " and ".join(_condition(word) for word in words)


def _condition(word: str) -> str:
    match = _WORD.fullmatch(word)
    if match is None:
        return _id_condition(word)
    name, sign, value = match["name"], match["sign"], match["value"]
    if name in _TIMES:
        return _time_condition(name, sign, value)
    attribute = _NAMES.get(name)
    if attribute is None:
        known = ", ".join(sorted({*_NAMES, *_TIMES}))
        raise BadQuery(f"{name} is not a word of this query; it knows {known}")
    if attribute == "state":
        value = _states(value)
    if attribute in _NUMBERS:
        if not value.isdecimal():
            raise BadQuery(f"{name} takes a whole number, not {value}")
        return f"{attribute}{sign}{value}"
    if attribute.endswith("/href") and sign == "=" and "/" not in value:
        sign = "^="  # "deployment" means any deployment
    if "," in value and sign in ("=", "!="):
        listed = ",".join(_quoted(part) for part in value.split(",") if part)
        return f"{attribute}{sign}[{listed}]"
    return f"{attribute}{sign}{_quoted(value)}"


def _id_condition(word: str) -> str:
    piece = word.removeprefix("job/")
    if not _PIECE.fullmatch(piece):
        raise BadQuery(f"{word} is neither a part of an id nor name=value")
    return f"(id^={_quoted('job/' + piece)} or fulltext=={_quoted(piece + '*')})"


def _time_condition(name: str, sign: str, value: str) -> str:
    if sign not in _FLIPPED or not _SPAN.fullmatch(value):
        raise BadQuery(f"{name} is asked for as {name}>10m or {name}<2h (units s m h d w)")
    return f"{_TIMES[name]}{_FLIPPED[sign]}'now-{value}'"


def _states(value: str) -> str:
    wanted = value.upper().replace("CANCELLED", "CANCELED")
    unknown = [part for part in wanted.split(",") if part not in set(JobState)]
    if unknown:
        raise BadQuery(f"{unknown[0]} is no state; states are {', '.join(JobState)}")
    return wanted


def _quoted(value: str) -> str:
    return f"'{value}'"
