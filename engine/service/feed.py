"""Take what a distributor's generator yields, whatever it does: raise, never end, or never begin.

The generator runs in a thread of its own, one item ahead at most. Where it blocks, the thread is
left alone: no new one is started for that distributor before it is done.
"""

from __future__ import annotations

import logging
import queue
import threading
import time
from collections.abc import Callable, Iterable
from typing import NamedTuple

log = logging.getLogger(__name__)

_SLICE = 0.2
"""Seconds between two looks at whether to go on."""


class Item(NamedTuple):
    """One thing that came out of the generator."""

    value: object = None
    error: BaseException | None = None
    is_end: bool = False


class Feed:
    """The generator of one round."""

    def __init__(self, generate: Callable[[], Iterable[object]], name: str) -> None:
        """Args: name: of the thread."""
        self._generate = generate
        self._items: queue.Queue[Item] = queue.Queue(maxsize=1)
        self._closed = threading.Event()
        self._thread = threading.Thread(target=self._run, name=name, daemon=True)
        self._thread.start()

    @property
    def is_running(self) -> bool:
        """Whether the generator still has the thread."""
        return self._thread.is_alive()

    def next(self, go_on: Callable[[], bool], deadline: float) -> Item | None:
        """Return the next item, or None where go_on says no or the deadline (monotonic) passes."""
        while go_on() and (left := deadline - time.monotonic()) > 0:
            try:
                return self._items.get(timeout=min(_SLICE, left))
            except queue.Empty:
                continue
        return None

    def close(self) -> None:
        """Take no more; the thread ends with the item it is at."""
        self._closed.set()

    def _run(self) -> None:
        try:
            for value in self._generate():
                if not self._put(Item(value)):
                    return
            self._put(Item(is_end=True))
        except BaseException as error:  # a generator may raise SystemExit; it is reported too
            self._put(Item(error=error))

    def _put(self, item: Item) -> bool:
        while not self._closed.is_set():
            try:
                self._items.put(item, timeout=_SLICE)
            except queue.Full:
                continue
            return True
        return False
