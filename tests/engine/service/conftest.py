"""The service over real parts: ZooKeeper, the local API, the queue and the client."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Mapping
from typing import Any

import pytest

from engine.nuvla.client import NuvlaClient
from engine.nuvla.credentials import Header
from engine.service.executor import Executor
from engine.service.registry import ActionPlugin
from engine.settings import Secret
from engine.zookeeper.connection import ZooKeeper
from engine.zookeeper.queue import JobQueue
from tests.local_api import LocalApi


@pytest.fixture
def zk(zk_hosts: str) -> Iterator[ZooKeeper]:
    """A connection of ours."""
    zookeeper = ZooKeeper(zk_hosts, session_timeout=4.0)
    zookeeper.start()
    assert zookeeper.wait_connected(15)
    yield zookeeper
    zookeeper.close()


@pytest.fixture
def client(local_api: LocalApi) -> Iterator[NuvlaClient]:
    """A client with the rights of an administrator."""
    with NuvlaClient(local_api.url, credentials=Header(Secret("group/nuvla-admin"))) as made:
        yield made


class Running:
    """An executor over real parts, in a thread of its own."""

    def __init__(
        self,
        queue: JobQueue,
        client: NuvlaClient,
        actions: Mapping[str, ActionPlugin],
        **options: Any,
    ) -> None:
        self.queue = queue
        self.client = client
        self.executor = Executor(queue, client, actions, **options)
        self.code: int | None = None
        self._thread = threading.Thread(target=self._run)
        queue.start()
        self._thread.start()

    def _run(self) -> None:
        self.code = self.executor.run()

    def state(self, job_id: str) -> str:
        return str(self.client.get_job(job_id)["state"])

    def stop(self) -> int | None:
        self.executor.stop()
        self._thread.join(20)
        assert not self._thread.is_alive()
        return self.code


RunExecutor = Callable[..., Running]


@pytest.fixture
def run_executor(zk: ZooKeeper, client: NuvlaClient) -> Iterator[RunExecutor]:
    """Start executors, and stop them after the test."""
    running: list[Running] = []

    def run(actions: Mapping[str, ActionPlugin], **options: Any) -> Running:
        queue = JobQueue(zk, instance=f"executor-{len(running)}")
        running.append(Running(queue, client, actions, **{"threads": 4, **options}))
        return running[-1]

    yield run
    for each in running:
        each.executor.stop()
        each.stop()
