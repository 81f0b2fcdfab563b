"""Generated filters over generated jobs: text, tree and SQL agree with the naive meaning."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from engine.local.api import conditions, instants, job_table, jobs, query, tables
from engine.local.api.caller import INTERNAL
from engine.local.api.filters import (
    AllOf,
    AnyOf,
    Comparison,
    Instant,
    Node,
    Operator,
    Scalar,
    Value,
    parse,
)
from tests.engine.local.api.naive import holds

NOW = instants.parse("2026-11-23T17:52:06.047Z")
HOUR = 3_600_000

WORDS = ["a", "ab", "B", "job/a", "deployment/1", "deployment/2", "é", "z\U0010ffff", "50", "true"]
KEYWORDS = ["id", "action", "state", "name", "description", "payload", "created-by", "parent-job"]
NESTED = [
    "tags",
    "nested-jobs",
    "target-resource/href",
    "target-resource/note",
    "target-resource/deep/x",
    "affected-resources/href",
    "acl/owners",
    "acl/view-meta",
    "target-resource",
    "affected-resources",
]
UNKNOWN = ["nosuch", "nosuch/a", "status-message", "action/x", "location"]
INTEGERS = ["progress", "priority", "return-code", "version"]
DATES = ["created", "updated", "expiry"]
EQUALITIES = [Operator.EQUAL, Operator.UNEQUAL]
ORDERS = [Operator.LESS, Operator.AT_MOST, Operator.AT_LEAST, Operator.GREATER]

moments = st.integers(-3, 3).map(lambda hours: instants.to_text(NOW + hours * HOUR))
date_texts = st.sampled_from(
    ["now", "now-1h", "now+1h/h", "now/d", "2026-11-23", "2026-11", "2026-11-23||+18h"]
)
words = st.sampled_from(WORDS) | st.text(
    st.characters(exclude_categories=["Cs"], exclude_characters="\\\0"), max_size=3
)
hrefs = st.sampled_from(["deployment/1", "deployment/2", "job/a"])
links = st.fixed_dictionaries(
    {"href": hrefs},
    optional={"note": words, "deep": st.fixed_dictionaries({}, optional={"x": words})},
)
bodies = st.fixed_dictionaries(
    {"action": st.sampled_from(["a", "ab", "B", "50"]), "execution-mode": st.just("pull")},
    optional={
        "name": words,
        "description": words,
        "tags": st.lists(words, max_size=3, unique=True),
        "nested-jobs": st.lists(st.just("job/a"), max_size=2),
        "target-resource": links,
        "affected-resources": st.lists(links, min_size=1, max_size=2),
        "progress": st.integers(0, 100),
        "priority": st.sampled_from([0, 50, 999]),
        "return-code": st.integers(0, 3),
        "expiry": moments,
        "status-message": words,
        "acl": st.just({"owners": ["user/jane"]}),
    },
)


def comparisons(
    attributes: list[str], scalars: st.SearchStrategy[Any], operators: list[Operator]
) -> st.SearchStrategy[Node]:
    """Generate comparisons of some attributes with some values."""
    names = st.sampled_from(attributes)
    arrays = st.lists(scalars.filter(lambda item: not isinstance(item, bool)), max_size=3)
    equal = st.builds(
        Comparison,
        names,
        st.sampled_from(EQUALITIES),
        st.none() | scalars | arrays.map(tuple),
    )
    ordinals = scalars.filter(lambda item: not isinstance(item, bool))
    other = st.builds(Comparison, names, st.sampled_from(operators), ordinals)
    return equal | other


texts_only = comparisons(KEYWORDS + NESTED + UNKNOWN, words, [*ORDERS, Operator.PREFIX])
leaves = (
    texts_only
    | comparisons(KEYWORDS + NESTED, st.integers(0, 99) | st.booleans(), ORDERS)
    | comparisons(INTEGERS, st.integers(0, 1000) | st.sampled_from(["0", "50", "2.5"]), ORDERS)
    | comparisons(DATES, date_texts | moments | moments.map(Instant), ORDERS)
)
trees = st.recursive(
    leaves,
    lambda inner: st.builds(
        lambda kind, terms: kind(tuple(terms)),
        st.sampled_from([AllOf, AnyOf]),
        st.lists(inner, min_size=2, max_size=4),
    ),
    max_leaves=8,
)


def written(node: Node) -> str:
    """Return a tree as the text of a filter."""
    if isinstance(node, Comparison):
        return f"{node.attribute}{node.operator}{literal(node.value)}"
    word = " and " if isinstance(node, AllOf) else "or"
    return word.join(f"({written(term)})" for term in node.terms)


def literal(value: Value) -> str:
    """Return a value as a filter spells it."""
    if isinstance(value, tuple):
        return f"[{' '.join(scalar(item) for item in value)}]"
    return scalar(value)


def scalar(value: Scalar) -> str:
    """Return a scalar as a filter spells it."""
    if value is None:
        return "null"
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, Instant):
        return value.text
    if isinstance(value, int):
        return str(value)
    return f'"{value}"' if "'" in value else f"'{value}'"


@pytest.fixture(scope="module")
def database() -> Iterator[sqlite3.Connection]:
    """An empty database in memory."""
    connection = sqlite3.connect(":memory:", isolation_level=None)
    tables.create(connection)
    yield connection
    connection.close()


def spelt_without_both_quotes(node: Node) -> bool:
    """Whether the text of a tree can say its values: one with both quotes cannot be written."""
    if isinstance(node, Comparison):
        parts = node.value if isinstance(node.value, tuple) else (node.value,)
        return not any(isinstance(part, str) and "'" in part and '"' in part for part in parts)
    return all(spelt_without_both_quotes(term) for term in node.terms)


@given(tree=trees.filter(spelt_without_both_quotes))
def test_a_tree_survives_being_written_and_parsed(tree: Node) -> None:
    assert parse(written(tree)) == tree


@settings(
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow], deadline=None
)
@given(
    tree=trees,
    sent=st.lists(bodies, min_size=1, max_size=6),
)
def test_the_database_agrees_with_the_naive_meaning(
    database: sqlite3.Connection, tree: Node, sent: list[dict[str, Any]]
) -> None:
    made = [
        jobs.new_job(body, job_id=f"job/a-{number}", caller=INTERNAL, now=NOW - number * HOUR)
        for number, body in enumerate(sent)
    ]
    database.execute("BEGIN")
    try:
        for job in made:
            job_table.insert(database, job)
        rows = query.matching_rows(database, conditions.to_sql(tree, now=NOW))
        found = {
            database.execute("SELECT id FROM job WHERE rowid = ?", (row,)).fetchone()[0]
            for row in rows
        }
    finally:
        database.execute("ROLLBACK")

    assert found == {job["id"] for job in made if holds(tree, job, NOW)}


@settings(
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow], deadline=None
)
@given(before=bodies, after=bodies, tree=trees)
def test_an_edited_job_is_found_as_what_it_has_become(
    database: sqlite3.Connection, before: dict[str, Any], after: dict[str, Any], tree: Node
) -> None:
    old = jobs.new_job(before, job_id="job/a-1", caller=INTERNAL, now=NOW)
    dropped = set(before) - set(after) - {"execution-mode", "progress"}
    new = jobs.edited(old, after, dropped=dropped, caller=INTERNAL, now=NOW + HOUR)
    database.execute("BEGIN")
    try:
        job_table.insert(database, old)
        job_table.replace(database, old, new)
        found = query.matching_rows(database, conditions.to_sql(tree, now=NOW))
        stored = job_table.find(database, "job/a-1")
    finally:
        database.execute("ROLLBACK")

    assert stored == new
    assert bool(found) is holds(tree, new, NOW)
