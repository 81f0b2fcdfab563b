"""Filters: what goes in comes out of the API's own grammar, or is refused."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.local.api.filters import Comparison, parse
from engine.nuvla import filters

MOMENT = datetime(2026, 11, 23, 10, 0, tzinfo=UTC)


@pytest.mark.parametrize(
    ("built", "text"),
    [
        (filters.equals("state", "QUEUED"), "state='QUEUED'"),
        (filters.equals("progress", 50), "progress=50"),
        (filters.equals("parent-job", None), "parent-job=null"),
        (filters.equals("a/b", True), "a/b=true"),
        (filters.differs("name", "it's"), 'name!="it\'s"'),
        (filters.any_of("state", ["A", "B"]), "state=['A','B']"),
        (filters.starts_with("action", "bulk"), "action^='bulk'"),
        (filters.before("created", MOMENT), "created<'2026-11-23T10:00:00.000Z'"),
        (filters.since("created", MOMENT), "created>='2026-11-23T10:00:00.000Z'"),
        (filters.all_of("a=1", "b=2"), "(a=1) and (b=2)"),
        (filters.either("a=1", "b=2"), "(a=1) or (b=2)"),
    ],
)
def test_each_builder_writes_the_language(built: str, text: str) -> None:
    assert built == text
    parse(built)


@pytest.mark.parametrize("value", ["both ' and \"", "ends in \\", "nul \0", "half \ud800"])
def test_a_value_that_the_language_cannot_hold_is_refused(value: str) -> None:
    with pytest.raises(ValueError, match="a filter cannot hold"):
        filters.equals("name", value)


@pytest.mark.parametrize("number", [-1, 2**31])
def test_a_number_that_the_language_has_no_form_for_is_refused(number: int) -> None:
    with pytest.raises(ValueError, match="cannot hold the number"):
        filters.equals("progress", number)


@pytest.mark.parametrize("name", ["", "a b", "a=1 or b", "a.b", "1a", "a-", "property['x']"])
def test_a_name_that_is_none_is_refused(name: str) -> None:
    with pytest.raises(ValueError, match="is not the name of an attribute"):
        filters.equals(name, "x")


@given(st.text(max_size=40))
def test_no_value_can_be_more_than_a_value(text: str) -> None:
    try:
        built = filters.equals("name", text)
    except ValueError:
        return
    node = parse(built)
    assert isinstance(node, Comparison)
    assert (node.attribute, node.value) == ("name", text)
