"""When to distribute."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from engine.service.rhythm import first_wait, next_due

NOW = datetime(2026, 11, 24, tzinfo=UTC)


@pytest.mark.parametrize(
    ("ago", "wait"), [(None, 0.0), (0, 60.0), (45, 15.0), (60, 0.0), (9999, 0.0), (-9999, 60.0)]
)
def test_a_new_leader_goes_on_in_the_rhythm_of_the_last(ago: float | None, wait: float) -> None:
    last = None if ago is None else NOW - timedelta(seconds=ago)
    assert first_wait(last, 60.0, NOW) == wait


@pytest.mark.parametrize(("now", "due"), [(100.0, 160.0), (159.0, 160.0), (170.0, 230.0)])
def test_a_late_distribution_is_not_made_up_for(now: float, due: float) -> None:
    assert next_due(100.0, 60.0, now) == due
