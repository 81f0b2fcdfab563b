"""Keeps a second act of the same kind away while one looks and writes."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from engine.errors import NodeConflict, QueueError
from engine.zookeeper.connection import ZooKeeper


@contextmanager
def alone(zk: ZooKeeper, path: str, name: str) -> Iterator[None]:
    """Hold an ephemeral node, which goes with our session if we die.

    Args:
        zk: the session.
        path: the node.
        name: of the act, for whoever comes second.

    Raises:
        QueueError: somebody else holds it.
        ZooKeeperError: it cannot be made.
    """
    try:
        zk.create(path, ephemeral=True)
    except NodeConflict as error:
        raise QueueError(f"another {name} runs ({path} exists): wait until it has ended") from error
    try:
        yield
    finally:
        zk.delete(path)
