"""Fills the queue quickly: transactions of creates, several in flight."""

from __future__ import annotations

import uuid
from collections import deque
from typing import Any

from kazoo.client import KazooClient
from kazoo.exceptions import ZookeeperError

from engine.zookeeper.paths import ENTRIES, TAKEN, entry_prefix

BATCH = 250
IN_FLIGHT = 16
WARM_UP = 3_000
ANSWER_SECONDS = 60.0


def fill(hosts: str, count: int) -> None:
    """Make `count` entries of one priority, each with a job id of its own.

    Raises:
        ZookeeperError: the server refused.
    """
    client = KazooClient(hosts, timeout=30.0)
    client.start(timeout=30)
    try:
        for path in (ENTRIES, TAKEN):
            client.ensure_path(path)
        flight: deque[Any] = deque()
        for start in range(0, count, BATCH):
            if len(flight) == IN_FLIGHT:
                _check(flight.popleft())
            transaction = client.transaction()
            for _ in range(min(BATCH, count - start)):
                transaction.create(entry_prefix(999), f"job/{uuid.uuid4()}".encode(), sequence=True)
            flight.append(transaction.commit_async())
        for answer in flight:
            _check(answer)
    finally:
        client.stop()
        client.close()


def warm_up(hosts: str) -> None:
    """Let the server's virtual machine compile its hot paths, as those of a real one are."""
    client = KazooClient(hosts, timeout=30.0)
    client.start(timeout=30)
    try:
        client.ensure_path("/warm-up")
        for _ in range(WARM_UP // BATCH):
            creates = [client.create_async("/warm-up/n-", b"", sequence=True) for _ in range(BATCH)]
            names = [answer.get(timeout=ANSWER_SECONDS) for answer in creates]
            transaction = client.transaction()
            for name in names:
                transaction.delete(name)
            _check(transaction.commit_async())
    finally:
        client.stop()
        client.close()


def _check(answer: Any) -> None:
    for result in answer.get(timeout=ANSWER_SECONDS):
        if isinstance(result, ZookeeperError):
            raise result
