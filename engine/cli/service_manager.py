"""What a service tells the service manager (systemd): the loops it lives by, and its state."""

from __future__ import annotations

import faulthandler
import os
from collections.abc import Callable, Mapping

from engine.service.distributor import Distributor
from engine.service.executor import Executor
from engine.service.notify import STUCK_SECONDS, Manager, Notifier
from engine.wording import counted
from engine.zookeeper.connection import ZooKeeper
from engine.zookeeper.members import Presence
from engine.zookeeper.queue import JobQueue

_UNANSWERED = 4.0
"""Session timeouts that a loop may wait for answers in one turn: each question takes a third, at
most, until the connection is given up."""
_STOP_MARGIN = 30.0
"""Seconds that a stop may take beyond the grace of the running jobs: to put back what is left."""


def executor_notifier(
    executor: Executor,
    queue: JobQueue,
    zk: ZooKeeper,
    presence: Presence,
    *,
    threads: int,
    grace: float,
) -> Notifier:
    """Return what tells the service manager of an executor."""

    def status() -> str:
        words = f"{executor.state}: {len(executor.works())} of {counted(threads, 'thread')} busy"
        return "; ".join([words, *_pauses(queue)])

    loops = {
        "the claiming thread": lambda: queue.turned_at,
        "the executor's main loop": lambda: executor.turned_at,
    }
    return _notifier(zk, presence, loops, status, stop_within=grace + _STOP_MARGIN)


def distributor_notifier(
    distributor: Distributor, zk: ZooKeeper, presence: Presence, *, count: int
) -> Notifier:
    """Return what tells the service manager of a process with some distributors."""
    loops = {"the distributor's main loop": lambda: distributor.turned_at}
    words = f"running: {counted(count, 'distributor')}"
    return _notifier(zk, presence, loops, lambda: words, stop_within=_STOP_MARGIN)


def _pauses(queue: JobQueue) -> list[str]:
    reasons = [reason for reason in queue.pauses if reason not in ("paused", "draining")]
    return [f"claiming is paused, {', '.join(reasons)}"] if reasons else []


def _notifier(
    zk: ZooKeeper,
    presence: Presence,
    loops: Mapping[str, Callable[[], float]],
    status: Callable[[], str],
    *,
    stop_within: float,
) -> Notifier:
    def words() -> str:
        return status() if zk.is_connected else f"waits for ZooKeeper: {zk.trouble}"

    manager = Manager.from_environment(os.environ)
    if manager is not None and manager.watchdog is not None:
        faulthandler.enable()  # a watchdog that bites sends SIGABRT: the journal gets the stacks
    return Notifier(
        manager,
        loops={**loops, "the supervision of the ZooKeeper session": lambda: zk.turned_at},
        status=words,
        is_ready=lambda: presence.is_there,
        stop_within=stop_within,
        stuck_after=max(STUCK_SECONDS, _UNANSWERED * zk.session_timeout),
    )
