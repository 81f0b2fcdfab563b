"""A process whose interpreter does not run cannot say so: its guard does, by a node of its own.

The node is the guard's ephemeral one, so it goes when the process runs again and when it ends. It
outlives the presence node of a process that hangs for longer than its session.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime

from engine.errors import BadReply, NodeConflict
from engine.models.control import Outcome, Reply
from engine.models.stacks import StackReport
from engine.zookeeper.connection import ZooKeeper
from engine.zookeeper.parcels import pack, unpack
from engine.zookeeper.paths import OwnPaths

_NOT_ASKED = "0" * 32
_CALL_SECONDS = 3.0
_CLOSE_SECONDS = 2.0


class Stall:
    """Says that a process stalls, with a session that is there only while it does."""

    def __init__(self, connect: Callable[[], ZooKeeper], own: OwnPaths, instance: str) -> None:
        """Args:
        connect: returns a session that has not been started.
        own: where the node is.
        instance: the process.
        """
        self._connect = connect
        self._path = own.stall(instance)
        self._instance = instance
        self._zk: ZooKeeper | None = None

    def tell(self, report: StackReport) -> None:
        """Write the node, or write it anew.

        Raises:
            ZooKeeperError: it was not written.
        """
        if self._zk is None:
            self._zk = self._connect()
            self._zk.start()
        data = _pack(report, self._instance)
        if self._zk.set(self._path, data, timeout=_CALL_SECONDS) is None:
            try:
                self._zk.create(self._path, data, ephemeral=True, timeout=_CALL_SECONDS)
            except NodeConflict:
                self._zk.set(self._path, data, timeout=_CALL_SECONDS)

    def withdraw(self) -> None:
        """Remove the node, with the session."""
        zk, self._zk = self._zk, None
        if zk is not None:
            zk.close(_CLOSE_SECONDS)


def read_stall(zk: ZooKeeper, own: OwnPaths, instance: str) -> StackReport | None:
    """Return what the guard of a process says; None while the process runs.

    Raises:
        BadReply: the node holds no report.
        ZooKeeperError: it could not be read.
    """
    node = zk.get(own.stall(instance))
    if node is None:
        return None
    reply = unpack(node[0])
    if reply.stacks is None or reply.instance != instance:
        raise BadReply(f"what the guard of {instance} wrote is no report of it")
    return reply.stacks


def read_stalled(zk: ZooKeeper, own: OwnPaths) -> tuple[str, ...]:
    """Return the processes whose guards speak.

    Raises:
        ZooKeeperError: they could not be listed.
    """
    listing = zk.children(own.stalls)
    return () if listing is None else tuple(sorted(listing[0]))


def _pack(report: StackReport, instance: str) -> bytes:
    """Return a report as a reply that nobody asked for: it takes the same care."""
    reply = Reply(
        request_id=_NOT_ASKED,
        outcome=Outcome.DONE,
        detail=report.trouble,
        instance=instance,
        answered_at=datetime.now(UTC),
        stacks=report,
    )
    return pack(reply)
