"""Where the samples come from: functions that read one part of the process each."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator
from typing import TYPE_CHECKING

from engine.errors import EngineError
from engine.models import Member, MemberState
from engine.nuvla.client import NuvlaClient
from engine.service.metrics import catalogue as m
from engine.service.metrics.catalogue import Sample
from engine.zookeeper.connection import ZooKeeper
from engine.zookeeper.paths import ENTRIES, TAKEN

if TYPE_CHECKING:
    from engine.service.distributor import Distributor
    from engine.service.executor import Executor

Source = Callable[[], Iterable[Sample]]
"""Reads samples; may be called by any thread, and takes a second or two at most."""

DEPTH_SECONDS = 1.5
"""For one question of the queue's depth; where ZooKeeper is slower the sample is left out."""


def of_member(member: Member) -> Source:
    """Return what this process is."""
    labels = (member.kind.value, member.name, member.version)
    return lambda: [Sample(m.INFO, 1, labels)]


def of_executor(executor: Executor, threads: int, unusable: Callable[[], int]) -> Source:
    """Return an executor's source.

    Args:
        threads: that it has.
        unusable: entries without a job id that its queue has removed.
    """

    def read() -> Iterator[Sample]:
        works = executor.works()
        lost = sum(work.is_settled for work in works)
        busy = len(works) - lost
        yield Sample(m.THREADS, busy, ("busy",))
        yield Sample(m.THREADS, lost, ("lost",))
        yield Sample(m.THREADS, max(0, threads - len(works)), ("idle",))
        now = time.monotonic()
        yield Sample(m.LONGEST, max((now - work.since for work in works), default=0.0))
        yield Sample(m.PAUSED, executor.state is not MemberState.RUNNING)
        yield Sample(m.UNUSABLE, unusable())
        yield Sample(m.API_UP, executor.health.is_up)
        jobs = executor.measures
        yield Sample(m.CLAIMED, jobs.claimed.read().get((), 0))
        yield Sample(m.WAIT_SECONDS, jobs.waits.read())
        for labels, count in sorted(jobs.ended.read().items()):
            yield Sample(m.ENDED, count, labels)
        for action, spread in sorted(jobs.runs.read().items()):
            yield Sample(m.RUN_SECONDS, spread, (action,))

    return read


def of_distributor(distributor: Distributor) -> Source:
    """Return a distributor's source."""

    def read() -> Iterator[Sample]:
        for name, leader in sorted(distributor.leaders.items()):
            yield Sample(m.LEADING, leader.is_leading, (name,))
            yield Sample(m.DISTRIBUTED, leader.added.read().get((), 0), (name,))
            for (outcome,), count in sorted(leader.rounds_done.read().items()):
                yield Sample(m.DISTRIBUTIONS, count, (name, outcome))

    return read


def of_client(client: NuvlaClient) -> Source:
    """Return the API client's source."""

    def read() -> Iterator[Sample]:
        for method, spread in sorted(client.times.read().items()):
            yield Sample(m.API_SECONDS, spread, (method,))
        for (error,), count in sorted(client.failures.read().items()):
            yield Sample(m.API_ERRORS, count, (error,))

    return read


def of_session(zk: ZooKeeper) -> Source:
    """Return the source of the session, and of the queue's depth behind it."""

    def read() -> Iterator[Sample]:
        yield Sample(m.ZK_CONNECTED, zk.is_connected)
        yield Sample(m.ZK_CONNECTIONS, zk.connections)
        yield Sample(m.ZK_LOST, zk.epoch)
        yield Sample(m.ZK_SECONDS, zk.latency.read())
        if not zk.is_connected:
            return
        for metric, path in ((m.ENTRIES, ENTRIES), (m.TAKEN, TAKEN)):
            try:
                stat = zk.exists(path, timeout=DEPTH_SECONDS)
            except EngineError:
                return  # no value is better than a wrong one
            yield Sample(metric, stat.numChildren if stat else 0)

    return read
