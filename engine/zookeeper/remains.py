"""What members leave behind below commands and replies when they end, and how it goes."""

from __future__ import annotations

import contextlib

from engine.errors import NodeConflict
from engine.zookeeper.connection import ZooKeeper
from engine.zookeeper.paths import OwnPaths

_DEPTH = 3


def remove_tree(
    zk: ZooKeeper, path: str, *, timeout: float | None = None, depth: int = _DEPTH
) -> None:
    """Remove a node, and what somebody may have put below it.

    Raises:
        ZooKeeperUnavailable, SessionLost, AccessDenied.
    """
    with contextlib.suppress(NodeConflict):
        zk.delete(path, timeout=timeout)
        return
    if depth:
        listing = zk.children(path, timeout=timeout)
        for name in () if listing is None else listing[0]:
            remove_tree(zk, f"{path}/{name}", timeout=timeout, depth=depth - 1)
        with contextlib.suppress(NodeConflict):
            zk.delete(path, timeout=timeout)


def remove_remains(zk: ZooKeeper, own: OwnPaths, instance: str) -> None:
    """Remove the requests to a member that is gone, and its replies.

    Raises:
        ZooKeeperUnavailable, SessionLost, AccessDenied.
    """
    for parent in (own.commands_of(instance), own.replies_of(instance)):
        remove_tree(zk, parent)


def find_remains(zk: ZooKeeper, own: OwnPaths) -> frozenset[str]:
    """Return the instances that have requests or replies, but are no members (any more).

    Raises:
        ZooKeeperUnavailable, SessionLost, AccessDenied.
    """
    names: set[str] = set()
    for parent in (own.commands, own.replies):
        listing = zk.children(parent)
        names.update(() if listing is None else listing[0])
    if not names:
        return frozenset()
    members = zk.children(own.members)
    return frozenset(names.difference(() if members is None else members[0]))
