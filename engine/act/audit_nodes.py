"""The record of acts in ZooKeeper, where all operators share it: bounded, the oldest go first."""

from __future__ import annotations

from contextlib import suppress
from typing import NamedTuple

from engine.errors import NodeConflict, ZooKeeperError
from engine.zookeeper.connection import ZooKeeper
from engine.zookeeper.paths import OwnPaths

PREFIX = "act-"
LARGEST = 256_000
"""Bytes of a node; the server takes no more than a million in one request."""
SWEEP_EVERY = 20
"""Acts between two sweeps; so many more than `keep` there may be."""


class AuditNode(NamedTuple):
    """One act in ZooKeeper."""

    path: str
    data: bytes


class AuditNodes:
    """The newest acts, one persistent sequential node each."""

    def __init__(self, zk: ZooKeeper, own: OwnPaths, *, keep: int) -> None:
        """Args: keep: how many acts stay."""
        self._zk, self._root, self._keep = zk, own.audit, keep

    def add(self, line: bytes) -> AuditNode:
        """Make the node of an act.

        Raises:
            ZooKeeperError: it was not made, or nobody knows.
        """
        path = self._zk.create(f"{self._root}/{PREFIX}", line, sequential=True)
        if _sequence(path) % SWEEP_EVERY == 0:
            # Whoever comes by next does it where this one cannot.
            with suppress(ZooKeeperError):
                self._sweep()
        return AuditNode(path, line)

    def end(self, node: AuditNode, line: bytes) -> None:
        """Add the end of an act to its node; nothing where it was swept meanwhile.

        Raises:
            ZooKeeperError: it was not written, or nobody knows.
        """
        with suppress(NodeConflict):  # written before, its answer was lost
            self._zk.set(node.path, node.data + b"\n" + line, version=0)

    def _sweep(self) -> None:
        found = self._zk.children(self._root)
        names = sorted(
            (n for n in found[0] if n.startswith(PREFIX)) if found else (), key=_sequence
        )
        for name in names[: max(0, len(names) - self._keep)]:
            self._zk.delete(f"{self._root}/{name}")


def _sequence(path: str) -> int:
    digits = path.rpartition(PREFIX)[2]
    return int(digits) if digits.lstrip("-").isdecimal() else 0
