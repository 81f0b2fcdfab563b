"""Requests that are sent together, and their answers as they come."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any

from engine.errors import ZooKeeperUnavailable

_NO_ANSWER = object()


class Flight:
    """Requests that were sent together."""

    __slots__ = ("_done", "_landed", "_left", "answers")

    def __init__(self, count: int, landed: Callable[[int], None]) -> None:
        """Args:
        count: of requests.
        landed: called, in the connection's thread, once all of them are answered or given up.
        """
        self.answers: list[Any] = [_NO_ANSWER] * count
        self._left = count
        self._landed = landed
        self._done = threading.Lock()
        self._done.acquire()

    def settle(self, index: int, answer: Any) -> None:
        """Take an answer, or the exception that came instead. Called in one thread only."""
        if self.answers[index] is _NO_ANSWER:
            self.answers[index] = answer
            self._left -= 1
            if not self._left:
                self._done.release()
                self._landed(len(self.answers))

    def wait(self, timeout: float) -> list[Any]:
        """Return each answer, or the exception that came instead; ZooKeeperUnavailable, as a
        value, where no answer came within the timeout (seconds, for all of them)."""
        if self._done.acquire(timeout=max(0.0, timeout)):
            return self.answers
        late = ZooKeeperUnavailable(f"no answer within {timeout:g} s")
        return [late if answer is _NO_ANSWER else answer for answer in self.answers]


class Place:
    """Where kazoo puts the answer to one request of a flight."""

    __slots__ = ("_flight", "_index")

    def __init__(self, flight: Flight, index: int) -> None:
        """Args: index: of the request in the flight."""
        self._flight = flight
        self._index = index

    def set(self, value: Any = None) -> None:
        """Take the answer."""
        self._flight.settle(self._index, value)

    def set_exception(self, error: Exception) -> None:
        """Take the exception that came instead."""
        self._flight.settle(self._index, error)
