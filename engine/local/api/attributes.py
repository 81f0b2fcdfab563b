"""Where each attribute of a job is stored, and how it compares.

Scalars are columns of the table `job`, or read out of its JSON when they are long and seldom
searched. Everything inside lists and maps is a row of the table `leaf`.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from enum import Enum
from typing import Any

from engine.local.api import instants

SqlValue = str | int | float | None


class Kind(Enum):
    """How the values of an attribute compare."""

    KEYWORD = "keyword"
    INTEGER = "integer"
    DATE = "date"


@dataclass(frozen=True, slots=True)
class Column:
    """A scalar attribute of a job."""

    name: str
    """As documents and filters name it."""
    kind: Kind
    sql: str
    """The SQL expression on the table `job`."""
    always: bool = False
    """Whether every job has it."""


def _column(name: str, kind: Kind = Kind.KEYWORD, *, always: bool = False) -> Column:
    return Column(name, kind, name.replace("-", "_").replace("/", "_"), always)


STORED = (
    _column("id", always=True),
    _column("state", always=True),
    _column("action", always=True),
    _column("created", Kind.DATE, always=True),
    _column("updated", Kind.DATE, always=True),
    _column("target-resource/href"),
    _column("parent-job"),
    _column("execution-mode", always=True),
    _column("priority", Kind.INTEGER),
    _column("progress", Kind.INTEGER, always=True),
    _column("version", Kind.INTEGER, always=True),
    _column("return-code", Kind.INTEGER),
    _column("duration", Kind.INTEGER),
    _column("started", Kind.DATE),
    _column("expiry", Kind.DATE),
    _column("time-of-status-change", Kind.DATE),
    _column("created-by"),
    _column("updated-by"),
    _column("name"),
    _column("parent"),
    _column("resource-metadata"),
)
"""The columns of the table `job`, beside its document."""

_IN_DOCUMENT = tuple(
    Column(name, Kind.KEYWORD, f"""json_extract(document, '$."{name}"')""")
    for name in ("resource-type", "description", "payload", "output")
)

COLUMNS: Mapping[str, Column] = {column.name: column for column in (*STORED, *_IN_DOCUMENT)}

_NESTED = ("tags", "nested-jobs", "target-resource", "affected-resources", "acl")
FULLTEXT = "fulltext"
"""The combined field of id, name, description and tags."""
_FULLTEXT_OF = ("id", "name", "description")


def is_nested(path: str) -> bool:
    """Whether the values at a path are rows of `leaf`."""
    return path.partition("/")[0] in _NESTED


def column_values(job: Mapping[str, Any]) -> dict[str, SqlValue]:
    """Return what the columns of the table `job` hold for a document."""
    return {column.sql: _converted(column, job) for column in STORED}


def _converted(column: Column, job: Mapping[str, Any]) -> SqlValue:
    value: Any = job
    for key in column.name.split("/"):
        value = value.get(key) if isinstance(value, dict) else None
    if value is not None and column.kind is Kind.DATE:
        return instants.parse(value)
    return value  # type: ignore[no-any-return]  # the schema makes it a string or an integer


def leaves(job: Mapping[str, Any]) -> set[tuple[str, str | int | float]]:
    """Return the path and value of everything inside a document's lists and maps."""
    return {leaf for name in _NESTED if name in job for leaf in _leaves(name, job[name])}


def _leaves(path: str, value: Any) -> Iterator[tuple[str, str | int | float]]:
    if isinstance(value, dict):
        for key, item in value.items():
            yield from _leaves(f"{path}/{key}", item)
    elif isinstance(value, list):
        for item in value:
            yield from _leaves(path, item)
    elif isinstance(value, bool):
        yield path, "true" if value else "false"
    elif value is not None:
        yield path, value


def words(job: Mapping[str, Any]) -> str:
    """Return the text that full-text search finds a job by."""
    return "\n".join([*(job[key] for key in _FULLTEXT_OF if key in job), *job.get("tags", ())])
