"""Aggregations of the API, and answers that are none."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from engine.models import JobPage
from engine.states import JobState
from engine.view import counts


def page(**aggregations: Any) -> JobPage:
    """Return an answer with these aggregations."""
    found = {f"terms:{name}": answer for name, answer in aggregations.items()}
    return JobPage(taken_at=datetime.now(UTC), aggregations=found)


def test_states_and_actions_are_counted() -> None:
    states = {"buckets": [{"key": "FAILED", "doc_count": 2}, {"key": "WEIRD", "doc_count": 9}]}
    actions = {"buckets": [{"key": "a\x1b", "doc_count": 5}], "sum_other_doc_count": 7}
    answer = page(state=states, action=actions)
    assert counts.by_state(answer) == {JobState.FAILED: 2}
    assert counts.by_action(answer) == (("a\u241b", 5),)
    assert counts.of_other_actions(answer) == 7


@pytest.mark.parametrize("answer", [None, 3, [], {}, {"buckets": None}, {"buckets": [3, {}]}])
def test_what_follows_no_contract_counts_as_none(answer: Any) -> None:
    assert counts.by_state(page(state=answer)) == {}
    assert counts.by_action(page(action=answer)) == ()
    assert counts.of_other_actions(page(action=answer)) == 0
