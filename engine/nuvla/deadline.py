"""Deadline: how long one call may still take."""

from __future__ import annotations

import time


class Deadline:
    """A moment on the monotonic clock."""

    __slots__ = ("_at", "seconds")

    def __init__(self, seconds: float) -> None:
        self.seconds = seconds
        """What the whole call was given."""
        self._at = time.monotonic() + seconds

    def remaining(self) -> float:
        """Return the seconds that are left.

        Raises:
            TimeoutError: none are.
        """
        left = self._at - time.monotonic()
        if left <= 0:
            raise self.passed()
        return left

    def passed(self) -> TimeoutError:
        """Return what a wait ends with that it has cut short."""
        return TimeoutError(f"no whole answer within {self.seconds:g} s")
