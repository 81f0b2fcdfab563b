"""What a filter means, spelt out over plain documents: the twin that the SQL must agree with."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from operator import ge, gt, le, lt
from typing import Any

from engine.local.api import dates, instants
from engine.local.api.filters import AllOf, AnyOf, Comparison, Instant, Node, Operator, Scalar

INTEGERS = {"progress", "priority", "version", "return-code", "duration"}
DATES = {"created", "updated", "started", "expiry", "time-of-status-change"}
UNSEARCHED = {"status-message", "operations"}

ORDERS: dict[Operator, Callable[[Any, Any], bool]] = {
    Operator.LESS: lt,
    Operator.AT_MOST: le,
    Operator.AT_LEAST: ge,
    Operator.GREATER: gt,
}


def holds(node: Node, job: dict[str, Any], now: int) -> bool:
    """Whether a filter matches a document."""
    if isinstance(node, AllOf):
        return all(holds(term, job, now) for term in node.terms)
    if isinstance(node, AnyOf):
        return any(holds(term, job, now) for term in node.terms)
    if node.operator is Operator.UNEQUAL:
        equal = Comparison(node.attribute, Operator.EQUAL, node.value)
        return not holds(equal, job, now)
    found = list(values(job, node.attribute.split("/")))
    if node.attribute.partition("/")[0] in UNSEARCHED:
        found = []
    if node.value is None:
        return bool(found) is (node.operator is not Operator.EQUAL)
    wanted = node.value if isinstance(node.value, tuple) else (node.value,)
    return any(
        item is not None and matches(node.attribute, node.operator, value, item, now)
        for value in found
        for item in wanted
    )


def values(value: Any, path: list[str]) -> Iterator[Any]:
    """Yield the scalars at a path; a map at its end counts as one value that equals nothing."""
    if isinstance(value, list):
        for item in value:
            yield from values(item, path)
    elif path:
        if isinstance(value, dict) and path[0] in value:
            yield from values(value[path[0]], path[1:])
    elif value is not None:
        yield value


def matches(attribute: str, operator: Operator, value: Any, wanted: Scalar, now: int) -> bool:
    """Whether one value of a document matches one value of a filter."""
    if isinstance(value, dict):
        return False
    if attribute in DATES:
        moment = instants.parse(value)
        low, high = (
            instants.parse(wanted.text)
            if isinstance(wanted, Instant)
            else dates.resolve(str(wanted), now=now, upwards=upwards)
            for upwards in (False, True)
        )
        if operator is Operator.EQUAL:
            return low <= moment <= high
        upper = operator in (Operator.GREATER, Operator.AT_MOST)
        return ORDERS[operator](moment, high if upper else low)
    if attribute in INTEGERS:
        number = float(str(wanted))
        return value == number if operator is Operator.EQUAL else ORDERS[operator](value, number)
    text = wanted.text if isinstance(wanted, Instant) else spelt(wanted)
    if operator is Operator.EQUAL:
        return spelt(value) == text
    if operator is Operator.PREFIX:
        return isinstance(value, str) and value.startswith(text)
    return ORDERS[operator](value, text)


def spelt(value: Any) -> str:
    """Return a scalar as text."""
    return str(value).lower() if isinstance(value, bool) else str(value)
