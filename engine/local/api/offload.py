"""Where blocking work goes, so that the event loop never waits for it."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

from engine.local.api.database import Database, Work

T = TypeVar("T")

_READERS = 4
_WAITERS = 16


class Offload:
    """The threads behind the event loop: one writes, some read, some wait for the queue. While
    ZooKeeper is away, adds wait for it, and queries must not wait for adds."""

    def __init__(self, database: Database) -> None:
        """Args: database: its own thread writes."""
        self._database = database
        self._readers = ThreadPoolExecutor(_READERS, thread_name_prefix="api-read")
        self._waiters = ThreadPoolExecutor(_WAITERS, thread_name_prefix="api-wait")

    def close(self) -> None:
        """Wait for what is under way and end the threads."""
        self._readers.shutdown()
        self._waiters.shutdown()

    async def write(self, work: Work[T]) -> T:
        """Run the work in the writing thread; returns after the commit."""
        return await asyncio.wrap_future(self._database.write(work))

    async def read(self, work: Work[T]) -> T:
        """Run a slow read in a thread of its own, on one snapshot of the data."""
        loop = asyncio.get_running_loop()
        return await loop.run_in_executor(self._readers, self.read_here, work)

    def read_here(self, work: Work[T]) -> T:
        """Run a quick read in the calling thread: by id it takes some 30 µs, less than the way to
        another thread and back."""
        with self._database.reading() as connection:
            return work(connection)

    async def wait(self, work: Callable[[], T]) -> T:
        """Run what waits for others."""
        return await asyncio.get_running_loop().run_in_executor(self._waiters, work)
