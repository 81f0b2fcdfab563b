"""Places that do not improve while better entries come and go."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from engine.view.diagnosis import limits
from engine.view.places import PlaceCounter

NOW = datetime(2026, 11, 24, 12, 0, 0, tzinfo=UTC)
WORSE = ["entry-500-0000000001", "entry-500-0000000002"]


def after(seconds: float) -> datetime:
    """Return a later moment."""
    return NOW + timedelta(seconds=seconds)


def better(number: int) -> str:
    """Return an entry of a better priority."""
    return f"entry-100-{number:010d}"


def test_a_priority_that_is_overtaken_all_the_time_starves() -> None:
    counter = PlaceCounter()
    for step in range(30):
        counter.observe([better(10 + step), better(11 + step), *WORSE], [], after(step * 30))
        found = list(counter.starving(after(step * 30)))
        assert bool(found) == (step * 30 > limits.STARVED), step
    (starving,) = found
    assert (starving.priority, starving.entry, starving.waiting) == (500, WORSE[0], 2)
    assert (starving.since, starving.overtaken) == (NOW, 29)
    counter.observe([better(40), *WORSE[1:]], [], after(901))
    assert not list(counter.starving(after(901)))


def test_nobody_starves_where_places_improve_or_nothing_moves() -> None:
    shrinking = PlaceCounter()
    for step in range(30):
        ahead = [better(number) for number in range(step, 60)]
        shrinking.observe([*ahead, *WORSE], [], after(step * 60))
    assert not list(shrinking.starving(after(1800)))
    still = PlaceCounter()
    for step in range(30):
        still.observe([better(1), *WORSE], [], after(step * 60))
    assert not list(still.starving(after(1800)))
    growing = PlaceCounter()
    for step in range(30):
        growing.observe([*(better(n) for n in range(step)), *WORSE], [], after(step * 60))
    assert not list(growing.starving(after(1800))), "nothing was started: nobody was overtaken"


def test_an_entry_that_is_taken_makes_room_for_the_next() -> None:
    counter = PlaceCounter()
    for step in range(30):
        held = [] if step < 20 else WORSE[:1]
        counter.observe([better(step), *WORSE], held, after(step * 60))
    (starving,) = counter.starving(after(1801))
    assert (starving.entry, starving.since) == (WORSE[1], after(1200))
