"""Where worker threads leave what they ask of the queue's thread."""

from __future__ import annotations

import queue
import threading

from engine.zookeeper.claims import Reclaim, Seeker, Settled, Settlement, StraySearch

Item = Seeker | Settlement | Reclaim | StraySearch


class Inbox:
    """Items for one thread. After `close` nobody can leave one that would never be answered."""

    def __init__(self) -> None:
        """Closed until `open`."""
        self._items: queue.SimpleQueue[Item | None] = queue.SimpleQueue()
        self._door = threading.Lock()
        self.is_open = False

    def __bool__(self) -> bool:
        """Whether something waits."""
        return not self._items.empty()

    def open(self) -> None:
        """Accept items."""
        self.is_open = True

    def post(self, item: Item) -> bool:
        """Leave an item; False where it is closed."""
        with self._door:
            if self.is_open:
                self._items.put(item)
            return self.is_open

    def poke(self) -> None:
        """Wake the thread. Safe in any callback."""
        self._items.put(None)

    def receive(self, nap: float) -> list[Item]:
        """Return what waits; wait for it, or for a poke, at most so many seconds."""
        found: list[Item | None] = []
        try:
            found.append(self._items.get(timeout=nap) if nap > 0 else self._items.get_nowait())
            while True:
                found.append(self._items.get_nowait())
        except queue.Empty:
            return [item for item in found if item is not None]

    def close(self) -> None:
        """Accept nothing more, and answer what still waits."""
        with self._door:
            self.is_open = False
        for item in self.receive(0.0):
            if isinstance(item, Settlement):
                item.answer(Settled.LOST)
            else:
                item.answer(None)
