"""Waits grow, are capped, and never leave their bounds."""

from __future__ import annotations

import random

from hypothesis import given
from hypothesis import strategies as st

from engine.backoff import exponential, jittered


def test_the_wait_doubles_up_to_its_cap() -> None:
    waits = [exponential(n, first=1.0, cap=5.0) for n in range(5)]

    assert waits == [1.0, 2.0, 4.0, 5.0, 5.0]


@given(st.integers(0, 10_000), st.integers())
def test_a_jittered_wait_lies_between_half_and_the_whole(attempt: int, seed: int) -> None:
    whole = exponential(attempt, first=0.1, cap=60.0)

    wait = jittered(attempt, first=0.1, cap=60.0, chance=random.Random(seed))

    assert whole / 2 <= wait <= whole
