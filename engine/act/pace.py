"""How fast an act in bulk goes: as fast as the servers bear, and no faster."""

from __future__ import annotations

import random
import time
from collections.abc import Callable

from engine.backoff import jittered

WIDEST = 8
"""Acts under way at once, at most."""
SLOW = 3.0
"""An act that takes so many times as long as a usual one says that the servers have enough."""
UNNOTICED = 0.25
"""Seconds within which no act counts as slow."""
FIRST_PAUSE, LONGEST_PAUSE = 1.0, 30.0
PATIENCE = 300.0
"""Seconds without an answer after which a bulk stops; it can be continued."""


class Pace:
    """Widens while answers come as quickly as before; halves when they slow down or fail."""

    def __init__(
        self,
        *,
        clock: Callable[[], float] = time.monotonic,
        chance: random.Random | None = None,
    ) -> None:
        """Args: clock: monotonic seconds. chance: spreads the pauses of several bulks."""
        self._clock, self._chance = clock, chance
        self._width = 2.0
        self._usual: float | None = None
        self._failures = 0
        self._resume_at = 0.0
        self._answered_at = clock()

    @property
    def width(self) -> int:
        """How many acts may be under way."""
        return int(self._width)

    @property
    def pause(self) -> float:
        """Seconds until the next act may start."""
        return max(0.0, self._resume_at - self._clock())

    @property
    def answered_at(self) -> float:
        """When an act was last answered, by the clock; at first, when this was made."""
        return self._answered_at

    @property
    def is_spent(self) -> bool:
        """Whether the servers have not answered for so long that there is no point in waiting."""
        return self._failures > 0 and self._clock() - self._answered_at > PATIENCE

    def answered(self, seconds: float) -> None:
        """Learn from an act that was answered."""
        self._failures, self._answered_at = 0, self._clock()
        usual = seconds if self._usual is None else self._usual
        if seconds > max(UNNOTICED, SLOW * usual):
            self._width = max(1.0, self._width / 2)
        else:
            self._width = min(float(WIDEST), self._width + 1 / self._width)
        # It falls quickly and rises slowly: else slow would soon be usual.
        self._usual = usual * 1.001 if seconds > usual else usual + (seconds - usual) / 10

    def failed(self, retry_after: float | None) -> None:
        """Learn from an act that no server answered. Args: retry_after: seconds it asked for."""
        wait = jittered(self._failures, first=FIRST_PAUSE, cap=LONGEST_PAUSE, chance=self._chance)
        self._failures += 1
        self._width = 1.0
        self._resume_at = self._clock() + max(wait, retry_after or 0.0)
