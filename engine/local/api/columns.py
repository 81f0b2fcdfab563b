"""Comparisons with one column: conversion of values, dates, ranges, prefixes (contract, 4.3)."""

from __future__ import annotations

from engine.local.api import dates, faults, instants
from engine.local.api.attributes import Column, Kind
from engine.local.api.filters import ORDERS, Comparison, Instant, Operator, Scalar, Value
from engine.local.api.predicates import (
    NEVER,
    Condition,
    Param,
    as_number,
    as_text,
    joined,
    keyword_search,
    negated,
    one_of,
    prefixed,
)


class ColumnTest:
    """Comparisons with one column."""

    def __init__(self, column: Column, now: int) -> None:
        self._column = column
        self._sql = column.sql
        self._now = now

    def compare(self, node: Comparison) -> Condition:
        """Return the condition of a comparison."""
        if node.operator is Operator.UNEQUAL:
            return negated(self._equal(node.value))
        if node.operator is Operator.EQUAL:
            return self._equal(node.value)
        if isinstance(node.value, tuple):
            return NEVER
        if node.operator in ORDERS:
            return self._ordered(node.operator, node.value)
        if node.operator is Operator.PREFIX:
            return self._prefixed(str(node.value))
        return self._searched(str(node.value))

    def _equal(self, value: Value) -> Condition:
        if value is None:
            return f"{self._sql} IS NULL", ()
        values = value if isinstance(value, tuple) else (value,)
        present = [item for item in values if item is not None]
        if self._column.kind is Kind.DATE:
            spans = [self._span(item) for item in present]
            return joined([self._between(*span) for span in spans], " OR ") if spans else NEVER
        return one_of(self._sql, [self._converted(item) for item in present])

    def _between(self, low: int, high: int) -> Condition:
        return f"{self._sql} BETWEEN ? AND ?", (low, high)

    def _span(self, value: Scalar) -> tuple[int, int]:
        return self._moment(value, upwards=False), self._moment(value, upwards=True)

    def _ordered(self, operator: Operator, value: Scalar) -> Condition:
        if value is None:
            # An unquoted short date has turned into null: no bound, so only presence is left.
            return f"{self._sql} IS NOT NULL", ()
        if self._column.kind is Kind.DATE:
            upwards = operator in (Operator.GREATER, Operator.AT_MOST)
            return f"{self._sql} {operator} ?", (self._moment(value, upwards=upwards),)
        return f"{self._sql} {operator} ?", (self._converted(value),)

    def _moment(self, value: Scalar, *, upwards: bool) -> int:
        if isinstance(value, Instant):
            return instants.parse(value.text)
        if isinstance(value, str):
            try:
                return dates.resolve(value, now=self._now, upwards=upwards)
            except ValueError as error:
                raise faults.query_failed(f"{self._column.name}: {error}") from error
        if isinstance(value, bool) or not isinstance(value, int):
            raise faults.query_failed(f"{self._column.name} is a date, not {value}")
        return value

    def _converted(self, value: Scalar) -> Param:
        if self._column.kind is Kind.KEYWORD:
            return as_text(value)
        if isinstance(value, int) and not isinstance(value, bool):
            return value
        number = as_number(str(value))
        if number is None:
            raise faults.query_failed(f"{self._column.name} is a number, not {value!r}")
        return number

    def _prefixed(self, prefix: str) -> Condition:
        if self._column.kind is not Kind.KEYWORD:
            raise faults.query_failed(f"{self._column.name} is no keyword, so it has no prefix")
        return prefixed(self._sql, prefix)

    def _searched(self, query: str) -> Condition:
        if self._column.kind is not Kind.KEYWORD:
            return self._equal(query)
        return keyword_search(self._sql, query)
