"""The parameters of a query, from the URL and from a form (contract, section 4.1)."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from engine.local.api import filters
from engine.local.api.filters import AllOf, Node


@dataclass(frozen=True, slots=True, kw_only=True)
class Params:
    """What a request asks of a collection or a resource."""

    filter: Node | None = None
    first: int = 1
    last: int | None = None
    orderby: tuple[str, ...] = ()
    select: tuple[str, ...] = ()
    aggregation: tuple[str, ...] = ()


def decode(pairs: Iterable[tuple[str, str]]) -> Params:
    """Return the parameters of name-value pairs; unknown names are ignored.

    Raises:
        Fault: 400, a filter is no filter.
    """
    given: dict[str, list[str]] = {}
    for name, value in pairs:
        given.setdefault(name, []).append(value)
    nodes = tuple(filters.parse(text) for text in given.get("filter", ()))
    return Params(
        filter=(nodes[0] if len(nodes) == 1 else AllOf(nodes)) if nodes else None,
        first=max(1, _number(given.get("first"), 1) or 1),
        last=_number(given.get("last"), None),
        orderby=_listed(given.get("orderby")),
        select=_listed(given.get("select")),
        aggregation=_listed(given.get("aggregation")),
    )


def _number(values: list[str] | None, default: int | None) -> int | None:
    try:
        return int(values[0][:18]) if values else default
    except ValueError:
        return default


def _listed(values: list[str] | None) -> tuple[str, ...]:
    parts = (part.strip() for value in values or () for part in value.split(","))
    return tuple(part for part in parts if part)
