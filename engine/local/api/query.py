"""Queries of the jobs: which ones a caller sees and asks for, in order, page by page, counted
(contract, sections 4.1 and 4.2)."""

from __future__ import annotations

import json
import re
import sqlite3
from collections.abc import Sequence
from typing import Any

from engine.local.api import aggregations, faults
from engine.local.api.attributes import COLUMNS, is_nested
from engine.local.api.caller import Caller
from engine.local.api.conditions import to_sql
from engine.local.api.jobs import Document
from engine.local.api.params import Params
from engine.local.api.predicates import ALWAYS, Condition
from engine.local.api.presentation import shown

WINDOW = 10_000
"""The last index that a page may reach, and where the count stops (Elasticsearch 8)."""

_ORDER = re.compile(r"([^:]+)(?::(asc|desc))?")


def run(
    connection: sqlite3.Connection, params: Params, *, caller: Caller, now: int
) -> dict[str, Any]:
    """Return count, aggregations if asked for, and the page of jobs as the caller sees them.

    Raises:
        Fault: 500, what the real server's database refuses: the window, a sort key, a comparison.
    """
    offset, size = _window(params)
    order = _order(params.orderby)
    where = selected(params, ("view-meta",), caller=caller, now=now)
    answer: dict[str, Any] = {"count": _count(connection, where)}
    if params.aggregation:
        answer["aggregations"] = aggregations.run(connection, where, params.aggregation)
    jobs = _page(connection, where, order, offset, size) if size else []
    answer["resources"] = [shown(job, caller, select=params.select, listed=True) for job in jobs]
    return answer


def selected(params: Params, rights: tuple[str, ...], *, caller: Caller, now: int) -> Condition:
    """Return the condition of a filter on the jobs for which the caller has one of the rights.

    Raises:
        Fault: 500, a value cannot be compared with its attribute.
    """
    sql, values = to_sql(params.filter, now=now) if params.filter else ALWAYS
    if caller.is_admin:
        return sql, values
    paths = json.dumps(["acl/owners", *(f"acl/{right}" for right in rights)])
    permitted = (
        "rowid IN (SELECT job FROM leaf WHERE path IN (SELECT value FROM json_each(?))"
        " AND value IN (SELECT value FROM json_each(?)))"
    )
    return f"({sql}) AND {permitted}", (*values, paths, json.dumps(sorted(caller.claims)))


def matching_rows(
    connection: sqlite3.Connection, where: Condition, *, among: Sequence[int] | None = None
) -> list[int]:
    """Return the row numbers of all jobs that a condition selects, or of those among some."""
    sql, values = where
    if among is not None:
        sql = f"({sql}) AND rowid IN (SELECT value FROM json_each(?))"
        values = (*values, json.dumps(among))
    return [row for (row,) in connection.execute(f"SELECT rowid FROM job WHERE {sql}", values)]


def _window(params: Params) -> tuple[int, int]:
    """Return the offset and the size of the page."""
    offset = params.first - 1
    last = max(WINDOW, offset) if params.last is None else params.last
    size = max(0, last - offset)
    if size and offset + size > WINDOW:
        raise faults.query_failed(
            "First and last must be less than or equal to 10'000. "
            "Use filter to limit the number of returned resources."
        )
    return offset, size


def _order(keys: tuple[str, ...]) -> str:
    """Return the ORDER BY clause, blank without keys; jobs without the attribute come last."""
    terms = []
    for key in keys:
        match = _ORDER.fullmatch(key)
        attribute = match[1] if match else ""
        if match is None or "/" in attribute:
            raise faults.query_failed(f"cannot sort by {key!r}")
        path = attribute.replace(".", "/")
        if column := COLUMNS.get(path):
            sql, always = column.sql, column.always
        elif is_nested(path):
            extreme = "max" if match[2] == "desc" else "min"
            quoted = path.replace("'", "''")
            sql = f"(SELECT {extreme}(value) FROM leaf WHERE job = job.rowid AND path = '{quoted}')"
            always = False
        else:
            raise faults.query_failed(f"cannot sort by {key!r}: no such attribute")
        terms.append(f"{sql} {match[2] or 'asc'}{'' if always else ' NULLS LAST'}")
    return f" ORDER BY {', '.join(terms)}" if terms else ""


def _count(connection: sqlite3.Connection, where: Condition) -> int:
    counted = f"SELECT count(*) FROM (SELECT 1 FROM job WHERE {where[0]} LIMIT {WINDOW})"
    return int(connection.execute(counted, where[1]).fetchone()[0])


def _page(
    connection: sqlite3.Connection, where: Condition, order: str, offset: int, size: int
) -> list[Document]:
    """Return the documents of a page. The rows are found first, mostly in an index alone: a sort
    that carried the documents along would read all of them."""
    found = connection.execute(
        f"SELECT rowid FROM job WHERE {where[0]}{order} LIMIT ? OFFSET ?",
        (*where[1], size, offset),
    )
    rows = [row for (row,) in found]
    documents = dict(
        connection.execute(
            "SELECT rowid, document FROM job WHERE rowid IN (SELECT value FROM json_each(?))",
            (json.dumps(rows),),
        ).fetchall()
    )
    return [json.loads(documents[row]) for row in rows]
