"""The closed schema of a job document (contract, section 3.1)."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from engine.local.api import instants
from engine.local.api.acl import RIGHTS
from engine.states import ExecutionMode, JobState

Check = Callable[[Any], str | None]
"""Returns what is wrong with a value, or None."""

_PRINCIPAL = re.compile(r"[a-z-]+/[a-z0-9-]+", re.ASCII)
_JOB_ID = re.compile(r"job/[a-z0-9]+(-[a-z0-9]+)*", re.ASCII)
_HREF = re.compile(r"[a-z]([a-z-]*[a-z])?(/[a-zA-Z0-9]([a-zA-Z0-9_-]*[a-zA-Z0-9])?)?", re.ASCII)

REQUIRED = (
    "id",
    "resource-type",
    "created",
    "updated",
    "acl",
    "action",
    "state",
    "progress",
    "execution-mode",
    "version",
)


def _text(value: Any) -> str | None:
    if not isinstance(value, str):
        return "is not a string"
    try:
        value.encode()
    except UnicodeEncodeError:
        return "holds half a surrogate pair"
    return None


def _filled(value: Any) -> str | None:
    return _text(value) or (None if value.strip() else "is blank")


def _timestamp(value: Any) -> str | None:
    if isinstance(value, str):
        try:
            instants.parse(value)
        except (ValueError, OverflowError):
            pass
        else:
            return None
    return "is no timestamp such as 2026-11-23T17:52:06.047Z"


def _integer(low: int, high: int = 2**63 - 1) -> Check:
    def check(value: Any) -> str | None:
        if isinstance(value, bool) or not isinstance(value, int):
            return "is not an integer"
        return None if low <= value <= high else f"is not within {low} and {high}"

    return check


def _one_of(*names: str) -> Check:
    def check(value: Any) -> str | None:
        return None if value in names else f"is none of {', '.join(names)}"

    return check


def _like(pattern: re.Pattern[str], noun: str) -> Check:
    def check(value: Any) -> str | None:
        return None if isinstance(value, str) and pattern.fullmatch(value) else f"is no {noun}"

    return check


def _list_of(check_item: Check, *, least: int = 0, distinct: bool = False) -> Check:
    def check(value: Any) -> str | None:
        if not isinstance(value, list):
            return "is not a list"
        if len(value) < least:
            return f"has fewer than {least} elements"
        for item in value:
            if problem := check_item(item):
                return f"has an element that {problem}"
        return "repeats an element" if distinct and len(set(value)) < len(value) else None

    return check


def _link(value: Any) -> str | None:
    if not isinstance(value, dict):
        return "is not a map"
    if not isinstance(value.get("href"), str) or not _HREF.fullmatch(value["href"]):
        return "has no href such as deployment/<uuid>"
    return _storable(value)


def _storable(value: Any) -> str | None:
    """Refuse text and numbers that no database can keep, at any depth."""
    if isinstance(value, str):
        return _text(value)
    if isinstance(value, int | float) and not abs(value) < 2**63:
        return "holds a number beyond 64 bits"
    if isinstance(value, dict):
        value = [*value.keys(), *value.values()]
    if isinstance(value, list):
        return next((problem for item in value if (problem := _storable(item))), None)
    return None


_PRINCIPALS = _list_of(_like(_PRINCIPAL, "principal"), distinct=True)
_OWNERS = _list_of(_like(_PRINCIPAL, "principal"), least=1, distinct=True)


def _acl(value: Any) -> str | None:
    if not isinstance(value, dict):
        return "is not a map"
    if problem := _OWNERS(value.get("owners")):
        return f"owners {problem}"
    for right, principals in value.items():
        if right not in RIGHTS and right != "owners":
            return f"has an unknown right {right!r}"
        if problem := _PRINCIPALS(principals):
            return f"{right} {problem}"
    return None


_JOB_REFERENCE = _like(_JOB_ID, "job id")

ATTRIBUTES: Mapping[str, Check] = {
    "id": _JOB_REFERENCE,
    "resource-type": _one_of("job"),
    "created": _timestamp,
    "updated": _timestamp,
    "created-by": _filled,
    "updated-by": _filled,
    "acl": _acl,
    "name": _text,
    "description": _text,
    "parent": _like(_HREF, "resource id"),
    "resource-metadata": _like(_HREF, "resource id"),
    "tags": _list_of(_text, distinct=True),
    "action": _filled,
    "state": _one_of(*JobState),
    "progress": _integer(0, 100),
    "execution-mode": _one_of(*ExecutionMode),
    "version": _integer(0),
    "priority": _integer(0, 999),
    "target-resource": _link,
    "affected-resources": _list_of(_link, least=1),
    "return-code": _integer(0),
    "status-message": _text,
    "time-of-status-change": _timestamp,
    "started": _timestamp,
    "duration": _integer(0),
    "expiry": _timestamp,
    "parent-job": _JOB_REFERENCE,
    "nested-jobs": _list_of(_JOB_REFERENCE),
    "payload": _filled,
    "output": _filled,
}


def problems(document: Mapping[str, Any]) -> list[str]:
    """Return what is wrong with a whole job document; an empty list when nothing is."""
    return list(_problems(document))


def _problems(document: Mapping[str, Any]) -> Iterator[str]:
    for attribute in REQUIRED:
        if attribute not in document:
            yield f"{attribute} is missing"
    for attribute, value in document.items():
        check = ATTRIBUTES.get(attribute)
        problem = check(value) if check else "is not an attribute of a job"
        if problem:
            yield f"{attribute} {problem}"
