"""Put a job into the queue, as the real server does (contract, section 9)."""

from __future__ import annotations

import logging
import threading
from typing import Protocol

from engine.errors import ZooKeeperError
from engine.zookeeper.connection import ZooKeeper
from engine.zookeeper.paths import ENTRIES, entry_prefix

logger = logging.getLogger(__name__)

_LOOK_SECONDS = 0.2
_CALL_SECONDS = 5.0
"""How long an add waits for ZooKeeper before it fails with a 500."""


class Enqueuer(Protocol):
    """Where jobs are queued."""

    def start(self) -> None:
        """Begin to connect; returns at once."""

    def put(self, job_id: str, priority: int) -> str:
        """Queue a job and return the path of its entry; blocks.

        Raises:
            ZooKeeperError: it is not queued, as far as is known.
        """

    def close(self) -> None:
        """End the connection."""


class ZooKeeperEnqueuer:
    """The queue in ZooKeeper."""

    def __init__(self, hosts: str) -> None:
        """Args: hosts: connection string, with an optional chroot."""
        self._zookeeper = ZooKeeper(hosts, call_timeout=_CALL_SECONDS)
        self._closing = threading.Event()
        self._preparation = threading.Thread(target=self._prepare, name="queue", daemon=True)

    def start(self) -> None:
        """Begin to connect, and make the queue's node once connected; returns at once."""
        self._zookeeper.start()
        self._preparation.start()

    def _prepare(self) -> None:
        while not self._closing.is_set():
            if self._zookeeper.wait_connected(_LOOK_SECONDS):
                try:
                    self._zookeeper.ensure(ENTRIES)
                except ZooKeeperError as error:
                    logger.info("cannot make %s yet: %s", ENTRIES, error)
                else:
                    return

    def put(self, job_id: str, priority: int) -> str:
        """Create the entry and return its path.

        Raises:
            ZooKeeperError: not connected, or the node cannot be made.
        """
        return self._zookeeper.create(
            entry_prefix(priority), job_id.encode("ascii"), sequential=True
        )

    def close(self) -> None:
        """End the session."""
        self._closing.set()
        if self._preparation.ident is not None:
            self._preparation.join()
        self._zookeeper.close()
