"""Fixtures of the coordination side: clients and queues that end with their test."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from kazoo.client import KazooClient

from engine.local.zookeeper import ZooKeeperServer
from engine.zookeeper.claims import Claim
from engine.zookeeper.connection import ZooKeeper
from engine.zookeeper.paths import ENTRIES, TAKEN, entry_prefix
from engine.zookeeper.queue import JobQueue
from tests.faults.ports import steady_port
from tests.faults.proxy import Proxy

SESSION = 1.0
"""Seconds: with ticks of 200 ms a session expires after 0.9 to 1.1 s."""
LONG_SESSION = 4.0
"""Seconds: for tests in which the session must survive a loaded machine."""

Connect = Callable[..., ZooKeeper]
MakeQueue = Callable[..., JobQueue]


@pytest.fixture
def connect(zk_hosts: str) -> Iterator[Connect]:
    """A function that returns started and connected clients, closed after the test."""
    clients: list[ZooKeeper] = []

    def make(hosts: str = zk_hosts, *, timeout: float = SESSION, wait: bool = True) -> ZooKeeper:
        client = ZooKeeper(hosts, session_timeout=timeout)
        clients.append(client)
        client.start()
        assert not wait or client.wait_connected(15)
        return client

    yield make
    for client in clients:
        client.close()


@pytest.fixture
def make_queue(connect: Connect) -> Iterator[MakeQueue]:
    """A function that returns started queues, stopped after the test."""
    queues: list[JobQueue] = []

    def make(
        zk: ZooKeeper | None = None,
        *,
        instance: str = "executor-1",
        on_lost: Callable[[Claim], None] | None = None,
    ) -> JobQueue:
        client = zk if zk is not None else connect(timeout=LONG_SESSION)
        queue = JobQueue(client, instance=instance, on_lost=on_lost)
        queue.start()
        queues.append(queue)
        return queue

    yield make
    for queue in queues:
        queue.stop()


@pytest.fixture
def proxy(zookeeper_server: ZooKeeperServer) -> Iterator[Proxy]:
    """A proxy before the shared server."""
    with Proxy(zookeeper_server.port) as link:
        yield link


@pytest.fixture
def proxy_hosts(zk_hosts: str, proxy: Proxy) -> str:
    """This test's chroot, through the proxy."""
    return f"{proxy.hosts}/{zk_hosts.partition('/')[2]}"


@pytest.fixture
def own_server(tmp_path: Path) -> Iterator[ZooKeeperServer]:
    """A server for this test alone, to be killed and started again."""
    server = ZooKeeperServer(tmp_path / "zookeeper", port=steady_port(), tick=200, durable=False)
    server.start()
    yield server
    server.kill()


class Tree:
    """The queue as a stranger sees and fills it."""

    def __init__(self, kazoo: KazooClient) -> None:
        """Args: kazoo: a plain client."""
        self.kazoo = kazoo
        kazoo.ensure_path(ENTRIES)
        kazoo.ensure_path(TAKEN)

    def put(self, data: bytes | None = None, priority: int = 999) -> str:
        """Queue data, or a new job, and return the entry's name."""
        value = f"job/{uuid.uuid4()}".encode() if data is None else data
        path: str = self.kazoo.create(entry_prefix(priority), value, sequence=True)
        return path.rpartition("/")[2]

    def fill(self, count: int, priority: int = 999) -> list[str]:
        """Queue many new jobs and return the entries' names."""
        names: list[str] = []
        while len(names) < count:
            transaction = self.kazoo.transaction()
            for _ in range(min(500, count - len(names))):
                job = f"job/{uuid.uuid4()}".encode()
                transaction.create(entry_prefix(priority), job, sequence=True)
            names += [path.rpartition("/")[2] for path in transaction.commit()]
        return names

    def entries(self) -> list[str]:
        """Return the names of the entries, in order."""
        return sorted(self.kazoo.get_children(ENTRIES))

    def locks(self) -> list[str]:
        """Return the names of the locked entries, in order."""
        return sorted(self.kazoo.get_children(TAKEN))

    def job(self, name: str) -> str:
        """Return the job in an entry."""
        data: bytes = self.kazoo.get(f"{ENTRIES}/{name}")[0]
        return data.decode()


@pytest.fixture
def tree(kazoo: KazooClient) -> Tree:
    """The queue of this test, empty."""
    return Tree(kazoo)
