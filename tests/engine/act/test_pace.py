"""Tests of the pace of acts in bulk, on a clock of its own."""

from __future__ import annotations

import random

from engine.act.pace import LONGEST_PAUSE, PATIENCE, WIDEST, Pace


class Clock:
    """A clock that is set by hand."""

    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


def make() -> tuple[Pace, Clock]:
    clock = Clock()
    return Pace(clock=clock, chance=random.Random(1)), clock


def test_quick_answers_widen_it_up_to_its_bound() -> None:
    pace, _ = make()
    widths = []
    for _ in range(100):
        pace.answered(0.02)
        widths.append(pace.width)
    assert widths == sorted(widths)
    assert (widths[0], widths[-1]) == (2, WIDEST)


def test_slow_answers_halve_it_and_quick_ones_widen_it_again() -> None:
    pace, _ = make()
    for _ in range(100):
        pace.answered(0.1)
    pace.answered(1.0)
    assert pace.width == WIDEST // 2
    for _ in range(10):
        pace.answered(1.0)
    assert pace.width == 1
    for _ in range(100):
        pace.answered(0.1)
    assert pace.width == WIDEST


def test_answers_that_nobody_waits_for_are_not_slow() -> None:
    pace, _ = make()
    for seconds in [0.001] * 100 + [0.2] * 20:
        pace.answered(seconds)
    assert pace.width == WIDEST


def test_servers_that_were_always_slow_are_asked_all_the_same() -> None:
    pace, _ = make()
    for _ in range(50):
        pace.answered(3.0)
    assert pace.width == WIDEST


def test_failures_pause_it_longer_and_longer_and_an_answer_ends_that() -> None:
    pace, clock = make()
    pauses = []
    for _ in range(10):
        pace.failed(None)
        pauses.append(pace.pause)
        clock.now += pace.pause
        assert pace.pause == 0
    assert pace.width == 1
    assert 0.5 <= pauses[0] <= 1.0 and pauses[1] > pauses[0]
    assert LONGEST_PAUSE / 2 <= pauses[-1] <= LONGEST_PAUSE
    pace.answered(0.1)
    pace.failed(None)
    assert pace.pause <= 1.0


def test_the_wait_that_a_server_asks_for_is_kept() -> None:
    pace, _ = make()
    pace.failed(42.0)
    assert pace.pause == 42.0


def test_it_is_spent_after_minutes_without_an_answer_only() -> None:
    pace, clock = make()
    clock.now += PATIENCE * 2
    assert not pace.is_spent
    pace.failed(None)
    assert pace.is_spent
    pace.answered(1.0)
    pace.failed(None)
    clock.now += PATIENCE - 1
    assert not pace.is_spent
    clock.now += 2
    assert pace.is_spent
