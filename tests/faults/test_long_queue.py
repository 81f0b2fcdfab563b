"""A queue of 300,000 entries costs an executor no more than a short one: row 36."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from engine.local.zookeeper import ZooKeeperServer
from engine.zookeeper.paths import ENTRIES
from tests.faults.ports import steady_port
from tests.faults.proxy import Proxy
from tests.faults.world import World
from tests.support import eventually

ENTRIES_QUEUED = 300_000
LIST_BYTES = 24 * ENTRIES_QUEUED
JOBS = 1_000


@pytest.fixture
def server(tmp_path: Path) -> Iterator[ZooKeeperServer]:
    """A ZooKeeper with room for so many nodes."""
    server = ZooKeeperServer(
        tmp_path / "zk", port=steady_port(), tick=500, durable=False, heap="768m"
    )
    server.start()
    yield server
    server.kill()


@pytest.mark.row(36)
@pytest.mark.timeout(240)
def test_a_long_queue_is_not_listed_for_each_job_and_fits_in_memory(
    lone_world: World, server: ZooKeeperServer
) -> None:
    """The bytes that come from ZooKeeper are counted: a list of this queue has 7 MB."""
    world = lone_world
    world.fill(ENTRIES_QUEUED)
    received = 0

    def count(data: bytes) -> None:
        nonlocal received
        received += len(data)

    with Proxy(server.port) as proxy:
        proxy.on_down = count
        executor = world.executor(threads=4, hosts=proxy.hosts, session_timeout=10.0)
        eventually(lambda: len(world.journal.starts()) >= JOBS, "the jobs run", within=90)
        memory = executor.memory()
        stat = world.kazoo.exists(ENTRIES)
        executor.terminate()
        assert executor.wait() == 0
    assert stat.numChildren > ENTRIES_QUEUED / 2, "the queue was long all the time"
    assert LIST_BYTES <= received < 12 * LIST_BYTES
    assert memory < 300_000_000
