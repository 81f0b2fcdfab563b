"""The SQLite database: one thread that writes, connections that read.

Writes of one moment share a transaction, and so one sync of the disk; each has a savepoint of its
own, and is answered only after the commit.
"""

from __future__ import annotations

import contextlib
import os
import queue
import sqlite3
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import Future
from pathlib import Path
from typing import Any, TypeVar

from engine.errors import LocalPlatformError
from engine.local.api import tables

T = TypeVar("T")
Work = Callable[[sqlite3.Connection], T]
"""What the writing thread does within a transaction."""

_BATCH = 128
_CACHE_KIB = 16_384
_BUSY_SECONDS = 10.0


class Database:
    """One database file; opened by `open`, ended by `close`."""

    def __init__(self, path: Path, *, durable: bool = True) -> None:
        """Args:
        path: where the file is or will be.
        durable: sync the disk at each commit. Without it a killed process still loses nothing,
            a power cut may.
        """
        self.path = path
        self._durable = durable
        self._tasks: queue.SimpleQueue[tuple[Work[Any], Future[Any]] | None] = queue.SimpleQueue()
        self._thread = threading.Thread(target=self._write_all, name="database", daemon=True)
        self._readers: list[sqlite3.Connection] = []
        self._local = threading.local()
        self._lock = threading.Lock()

    def open(self) -> None:
        """Make or check the tables and start the writing thread.

        Raises:
            LocalPlatformError: the file is no database of ours, or cannot be written.
        """
        try:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            # It holds what signs the cookies: for its owner's eyes only. SQLite gives its other
            # files the mode of this one.
            os.close(os.open(self.path, os.O_RDWR | os.O_CREAT, 0o600))
            with contextlib.closing(self._connect()) as connection:
                self._prepare(connection)
        except (sqlite3.Error, OSError) as error:
            raise LocalPlatformError(f"cannot open the database {self.path}: {error}") from error
        self._thread.start()

    def close(self) -> None:
        """Finish what waits to be written and close the file. Reads must have ended."""
        if self._thread.ident is None:
            return
        self._tasks.put(None)
        self._thread.join()
        with self._lock:
            for connection in self._readers:
                connection.close()
            self._readers.clear()

    def write(self, work: Work[T]) -> Future[T]:
        """Run the work in the writing thread; the future is done after the commit."""
        future: Future[T] = Future()
        self._tasks.put((work, future))
        return future

    @contextlib.contextmanager
    def reading(self) -> Iterator[sqlite3.Connection]:
        """Give the calling thread's own connection, within one snapshot of the data."""
        connection = self._reader()
        connection.execute("BEGIN")
        try:
            yield connection
        finally:
            connection.execute("COMMIT")

    def _reader(self) -> sqlite3.Connection:
        connection: sqlite3.Connection | None = getattr(self._local, "connection", None)
        if connection is None:
            connection = self._connect()
            connection.execute("PRAGMA query_only = ON")
            self._local.connection = connection
            with self._lock:
                self._readers.append(connection)
        return connection

    def _connect(self) -> sqlite3.Connection:
        # Readers are closed by another thread than the one that uses them, once that has ended.
        connection = sqlite3.connect(
            self.path, isolation_level=None, timeout=_BUSY_SECONDS, check_same_thread=False
        )
        connection.execute(f"PRAGMA cache_size = -{_CACHE_KIB}")
        connection.execute("PRAGMA temp_store = MEMORY")
        connection.execute(f"PRAGMA synchronous = {'FULL' if self._durable else 'OFF'}")
        return connection

    def _prepare(self, connection: sqlite3.Connection) -> None:
        connection.execute("PRAGMA journal_mode = WAL")
        version = connection.execute("PRAGMA user_version").fetchone()[0]
        if version == 0:
            connection.execute("BEGIN IMMEDIATE")
            tables.create(connection)
            connection.execute("COMMIT")
        elif version != tables.VERSION:
            raise LocalPlatformError(
                f"the database {self.path} has layout {version}, this release reads "
                f"{tables.VERSION}: use another folder, or the release that wrote it"
            )

    def _write_all(self) -> None:
        with contextlib.closing(self._connect()) as connection:
            connection.execute("PRAGMA wal_autocheckpoint = 4000")
            while (task := self._tasks.get()) is not None:
                batch = [task]
                ended = self._fill(batch)
                _commit(connection, batch)
                if ended:
                    return

    def _fill(self, batch: list[tuple[Work[Any], Future[Any]]]) -> bool:
        """Add what waits already; return whether the end was among it."""
        while len(batch) < _BATCH:
            try:
                task = self._tasks.get_nowait()
            except queue.Empty:
                return False
            if task is None:
                return True
            batch.append(task)
        return False


def _commit(connection: sqlite3.Connection, batch: list[tuple[Work[Any], Future[Any]]]) -> None:
    done: list[tuple[Future[Any], Any]] = []
    try:
        connection.execute("BEGIN IMMEDIATE")
        for work, future in batch:
            try:
                done.append((future, _within_savepoint(connection, work)))
            except Exception as error:
                future.set_exception(error)
        connection.execute("COMMIT")
    except sqlite3.Error as error:
        # The disk is full or the file is gone: nothing of the batch is stored, all hear of it.
        if connection.in_transaction:
            connection.execute("ROLLBACK")
        for _, future in batch:
            if not future.done():
                future.set_exception(error)
        return
    for future, result in done:
        future.set_result(result)


def _within_savepoint(connection: sqlite3.Connection, work: Work[T]) -> T:
    connection.execute("SAVEPOINT work")
    try:
        return work(connection)
    except BaseException:
        connection.execute("ROLLBACK TO work")
        raise
    finally:
        connection.execute("RELEASE work")
