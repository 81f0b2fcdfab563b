"""How long to wait before the next attempt: pure functions of the attempt's number."""

from __future__ import annotations

import random


def exponential(attempt: int, *, first: float, cap: float) -> float:
    """Return ``first * 2**attempt`` seconds, never over cap. Attempt numbers start at 0."""
    return min(cap, first * 2.0 ** min(attempt, 62))


def jittered(
    attempt: int, *, first: float, cap: float, chance: random.Random | None = None
) -> float:
    """Return a wait between half and the whole of `exponential`, so that callers spread out."""
    whole = exponential(attempt, first=first, cap=cap)
    return whole * (chance or random).uniform(0.5, 1.0)
