"""A filter's tree as a condition of SQL on the table `job` (contract, section 4.3)."""

from __future__ import annotations

from collections import defaultdict

from engine.local.api import faults, fulltext
from engine.local.api.attributes import COLUMNS, FULLTEXT, is_nested
from engine.local.api.columns import ColumnTest
from engine.local.api.filters import (
    ORDERS,
    SHAPES,
    AllOf,
    AnyOf,
    Comparison,
    Instant,
    Node,
    Operator,
    Scalar,
)
from engine.local.api.predicates import (
    ALWAYS,
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

_MAX_DEPTH = 100
"""Levels of and/or: SQLite takes 1,000 levels of expression, Elasticsearch 30 levels of query."""

_MAX_INTEGER = 2**31 - 1


def to_sql(tree: Node, *, now: int) -> Condition:
    """Return the condition of a filter; `now` is epoch milliseconds, for date math.

    Raises:
        Fault: 500, a value cannot be compared with its attribute.
    """
    return _node(tree, now, 0)


def _node(node: Node, now: int, depth: int) -> Condition:
    if isinstance(node, Comparison):
        return _comparison(node, now)
    if depth > _MAX_DEPTH:
        raise faults.query_failed(f"the filter nests deeper than {_MAX_DEPTH} levels")
    parts = [_node(term, now, depth + 1) for term in _gathered(node)]
    return joined(parts, " AND " if isinstance(node, AllOf) else " OR ")


def _gathered(node: AllOf | AnyOf) -> list[Node]:
    """Return the terms, with the (un)equalities of one attribute gathered into one array.

    A console asks for thousands of ids this way; an array is one look-up each in the index.
    """
    operator = Operator.EQUAL if isinstance(node, AnyOf) else Operator.UNEQUAL
    values: dict[str, list[Scalar]] = defaultdict(list)
    others: list[Node] = []
    for term in node.terms:
        if not isinstance(term, Comparison) or term.operator is not operator or term.value is None:
            others.append(term)
        elif isinstance(term.value, tuple):
            values[term.attribute] += term.value
        else:
            values[term.attribute].append(term.value)
    return [*(Comparison(name, operator, tuple(all_)) for name, all_ in values.items()), *others]


def _comparison(node: Comparison, now: int) -> Condition:
    for item in node.value if isinstance(node.value, tuple) else (node.value,):
        if isinstance(item, int) and item > _MAX_INTEGER:
            raise faults.query_failed(f"integer {item} is out of range")
    if node.operator in SHAPES:
        return NEVER
    if node.attribute == FULLTEXT:
        return _fulltext(node)
    if column := COLUMNS.get(node.attribute):
        return ColumnTest(column, now).compare(node)
    if is_nested(node.attribute):
        return _nested(node)
    absent = node.value is None
    if node.operator is Operator.EQUAL and not isinstance(node.value, tuple):
        return ALWAYS if absent else NEVER
    return ALWAYS if node.operator is Operator.UNEQUAL and not absent else NEVER


def _nested(node: Comparison) -> Condition:
    """Compare with the values at a path inside lists and maps: any of them may match."""
    path, value = node.attribute, node.value
    if node.operator is Operator.UNEQUAL:
        return negated(_nested(Comparison(path, Operator.EQUAL, value)))
    if value is None:
        # A map is there when anything in it is: 0 is the character after the slash.
        present = "SELECT job FROM leaf WHERE path = ? OR (path > ? AND path < ?)"
        word = "NOT IN" if node.operator is Operator.EQUAL else "IN"
        return f"rowid {word} ({present})", (path, f"{path}/", f"{path}0")
    if node.operator is Operator.EQUAL:
        values = value if isinstance(value, tuple) else (value,)
        test = one_of("value", [same for item in values for same in _alike(item)])
    elif isinstance(value, tuple):
        return NEVER
    elif node.operator is Operator.PREFIX:
        test = prefixed("value", str(value))
    elif node.operator is Operator.FULLTEXT:
        test = keyword_search("value", str(value))
    else:
        test = _ordered_leaf(node.operator, value)
    return f"rowid IN (SELECT job FROM leaf WHERE path = ? AND {test[0]})", (path, *test[1])


def _ordered_leaf(operator: Operator, value: Scalar) -> Condition:
    numbers = [item for item in _alike(value) if not isinstance(item, str)]
    text = f"(typeof(value) = 'text' AND value {operator} ?)", (as_text(value),)
    if not numbers:
        return text
    number = f"(typeof(value) <> 'text' AND value {operator} ?)", (numbers[0],)
    return joined([text, number], " OR ")


def _alike(value: Scalar) -> list[Param]:
    """Return the stored forms that equal a value: '3' equals 3."""
    if value is None:
        return []
    text = as_text(value)
    if isinstance(value, bool | Instant):
        return [text]
    number = as_number(text)
    return [text] if number is None else [text, number]


def _fulltext(node: Comparison) -> Condition:
    """Search the combined field, which every job has."""
    if node.operator is Operator.UNEQUAL:
        if node.value is None:
            return ALWAYS
        return negated(_fulltext(Comparison(node.attribute, Operator.EQUAL, node.value)))
    if node.operator in ORDERS or node.value is None:
        return NEVER
    if node.operator is Operator.FULLTEXT:
        return _matching(fulltext.to_match(str(node.value)))
    is_prefix = node.operator is Operator.PREFIX
    values = node.value if isinstance(node.value, tuple) else (node.value,)
    parts = [_matching(fulltext.phrase(as_text(item), is_prefix=is_prefix)) for item in values]
    return joined(parts, " OR ") if parts else NEVER


def _matching(match: fulltext.Match | None) -> Condition:
    if match is None:
        return NEVER
    found = "rowid {} (SELECT rowid FROM words WHERE words MATCH ?)"
    parts: list[Condition] = []
    if match.wanted:
        parts.append((found.format("IN"), (match.wanted,)))
    if match.unwanted:
        parts.append((found.format("NOT IN"), (match.unwanted,)))
    return joined(parts, " AND ")
