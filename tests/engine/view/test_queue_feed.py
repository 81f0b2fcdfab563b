"""The oldest waiting entry, found without looking at all of them."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from engine.models import Lock, Owner, QueueEntry
from engine.view.queue_feed import oldest_waiting

NOW = datetime(2026, 11, 24, tzinfo=UTC)
LOCK = Lock(entry="x", owner=Owner(session=1), since=NOW)


@given(st.lists(st.tuples(st.integers(0, 999), st.booleans()), max_size=50))
def test_it_is_the_oldest_of_those_that_nobody_holds(made: list[tuple[int, bool]]) -> None:
    entries = sorted(
        QueueEntry(
            f"entry-{priority:03d}-{number:010d}",
            priority,
            number,
            created=NOW + timedelta(seconds=number),
            lock=LOCK if held else None,
        )
        for number, (priority, held) in enumerate(made)
    )
    free = [entry.created for entry in entries if entry.lock is None and entry.created]
    assert oldest_waiting(entries) == min(free, default=None)
