"""What tests of every part share: waiting for a condition, with a deadline."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import TypeVar

T = TypeVar("T")


def eventually(
    condition: Callable[[], T | None],
    what: str = "the condition",
    *,
    within: float = 15.0,
    every: float = 0.02,
) -> T:
    """Return the first true value of the condition; fail, naming it, after `within` seconds."""
    deadline = time.monotonic() + within
    while True:
        value = condition()
        if value:
            return value
        if time.monotonic() > deadline:
            raise AssertionError(f"{what} did not come true within {within:g} s: {value!r}")
        time.sleep(every)
