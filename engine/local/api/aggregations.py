"""Aggregations over all jobs that a query matches (contract, section 4.4)."""

from __future__ import annotations

import math
import sqlite3
from collections.abc import Callable, Sequence
from typing import Any

from engine.local.api import faults, instants
from engine.local.api.attributes import COLUMNS, Kind, SqlValue, is_nested
from engine.local.api.predicates import ALWAYS, Condition

BUCKETS = 10
"""How many buckets `terms` answers; the rest is counted in `sum_other_doc_count`."""

_PERCENTS = (1.0, 5.0, 25.0, 50.0, 75.0, 95.0, 99.0)


class _Values:
    """The values of one attribute over the jobs that a query matches."""

    def __init__(self, connection: sqlite3.Connection, where: Condition, path: str) -> None:
        self._connection = connection
        self._where = where
        column = COLUMNS.get(path)
        self.kind = column.kind if column else Kind.KEYWORD
        if column:
            self._source, self._values = f"SELECT {column.sql} AS v FROM job", where[1]
            self._condition = f"WHERE {where[0]}"
        else:
            # Unknown attributes take the same way: they have no leaf, so they have no value.
            self._source = "SELECT value AS v FROM leaf"
            matched = f"SELECT rowid FROM job WHERE {where[0]}"
            self._condition = f"WHERE path = ? AND job IN ({matched})"
            self._values = (path if is_nested(path) else "", *where[1])
        self._is_total = column is not None and column.always
        self._missing = f"{column.sql} IS NULL" if column else None
        self._path = path

    def select(self, what: str, rest: str = "") -> list[tuple[Any, ...]]:
        """Return the rows of a selection over the values; each value is named v."""
        sql = f"SELECT {what} FROM ({self._source} {self._condition}) {rest}"
        return self._connection.execute(sql, self._values).fetchall()

    def count(self) -> int:
        """Return how many values there are."""
        if self._is_total and self._where == ALWAYS:
            # SQLite counts a whole table without reading its rows.
            return int(self._connection.execute("SELECT count(*) FROM job").fetchone()[0])
        return int(self.select("count(v)")[0][0])

    def missing(self) -> int:
        """Return how many jobs have no value."""
        test = self._missing or "rowid NOT IN (SELECT job FROM leaf WHERE path = ?)"
        sql = f"SELECT count(*) FROM job WHERE ({self._where[0]}) AND {test}"
        extra = () if self._missing else (self._path,)
        return int(self._connection.execute(sql, (*self._where[1], *extra)).fetchone()[0])

    def number(self, value: SqlValue) -> dict[str, Any]:
        """Return a computed number as the answer shows it; dates also as text."""
        if value is None:
            return {"value": None}
        shown: dict[str, Any] = {"value": float(value)}
        if self.kind is Kind.DATE:
            shown["value_as_string"] = instants.to_text(int(float(value)))
        return shown

    def require_numbers(self, path: str) -> None:
        """Refuse keywords, as the real server's database does."""
        if self.kind is Kind.KEYWORD:
            raise faults.query_failed(f"{path} is no number")


def _terms(values: _Values) -> dict[str, Any]:
    rows = values.select("v, count(*) AS n", "WHERE v IS NOT NULL GROUP BY v ORDER BY n DESC, v")
    buckets = [_bucket(values, key, count) for key, count in rows[:BUCKETS]]
    return {
        "doc_count_error_upper_bound": 0,
        "sum_other_doc_count": sum(count for _, count in rows[BUCKETS:]),
        "buckets": buckets,
    }


def _bucket(values: _Values, key: SqlValue, count: int) -> dict[str, Any]:
    if values.kind is Kind.DATE and isinstance(key, int):
        return {"key": key, "key_as_string": instants.to_text(key), "doc_count": count}
    return {"key": key, "doc_count": count}


def _value_count(values: _Values) -> dict[str, Any]:
    return {"value": values.count()}


def _cardinality(values: _Values) -> dict[str, Any]:
    return {"value": values.select("count(DISTINCT v)")[0][0]}


def _missing(values: _Values) -> dict[str, Any]:
    return {"doc_count": values.missing()}


def _metric(function: str) -> Callable[[_Values], dict[str, Any]]:
    def compute(values: _Values) -> dict[str, Any]:
        return values.number(values.select(f"{function}(v)")[0][0])

    return compute


def _stats(values: _Values) -> dict[str, Any]:
    count, low, high, average, total = values.select("count(v), min(v), max(v), avg(v), total(v)")[
        0
    ]
    numbers = {"min": low, "max": high, "avg": average, "sum": total}
    shown = {name: None if n is None else float(n) for name, n in numbers.items()}
    return {"count": count, **shown}


def _extended_stats(values: _Values) -> dict[str, Any]:
    basic = _stats(values)
    squares = values.select("total(CAST(v AS REAL) * v)")[0][0]
    count, average = basic["count"], basic["avg"]
    variance = max(0.0, squares / count - average**2) if count else None
    sampled = variance * count / (count - 1) if variance is not None and count > 1 else None
    deviation = None if variance is None else math.sqrt(variance)
    return {
        **basic,
        "sum_of_squares": squares if count else None,
        "variance": variance,
        "variance_population": variance,
        "variance_sampling": sampled,
        "std_deviation": deviation,
        "std_deviation_population": deviation,
        "std_deviation_sampling": None if sampled is None else math.sqrt(sampled),
    }


def _percentiles(values: _Values) -> dict[str, Any]:
    ordered = [float(v) for (v,) in values.select("v", "WHERE v IS NOT NULL ORDER BY v")]
    return {"values": {str(percent): _percentile(ordered, percent) for percent in _PERCENTS}}


def _percentile(ordered: Sequence[float], percent: float) -> float | None:
    if not ordered:
        return None
    position = percent / 100 * (len(ordered) - 1)
    low = math.floor(position)
    high = min(low + 1, len(ordered) - 1)
    return ordered[low] + (ordered[high] - ordered[low]) * (position - low)


_ANY_KIND: dict[str, Callable[[_Values], dict[str, Any]]] = {
    "terms": _terms,
    "value_count": _value_count,
    "cardinality": _cardinality,
    "missing": _missing,
}
_NUMBERS: dict[str, Callable[[_Values], dict[str, Any]]] = {
    "min": _metric("min"),
    "max": _metric("max"),
    "sum": _metric("total"),
    "avg": _metric("avg"),
    "stats": _stats,
    "extendedstats": _extended_stats,
    "percentiles": _percentiles,
}
_KEYS = {"extendedstats": "extended_stats"}


def run(connection: sqlite3.Connection, where: Condition, wanted: Sequence[str]) -> dict[str, Any]:
    """Return each aggregation of the form algorithm:attribute; others are skipped.

    Raises:
        Fault: 500, a numeric algorithm on a keyword.
    """
    answer: dict[str, Any] = {}
    for text in wanted:
        algorithm, _, path = text.partition(":")
        compute = _ANY_KIND.get(algorithm) or _NUMBERS.get(algorithm)
        if compute is None or not path:
            continue
        values = _Values(connection, where, path)
        if algorithm in _NUMBERS and (path in COLUMNS or is_nested(path)):
            values.require_numbers(path)
        answer[f"{_KEYS.get(algorithm, algorithm)}:{path}"] = compute(values)
    return answer
