"""Fixtures of the acts' tests: a real ZooKeeper, the local API, and an audit that only notes."""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from kazoo.client import KazooClient

from engine.act.acts import ACTS
from engine.act.apply import apply
from engine.act.plan import Options, Plan
from engine.act.sources import Sources
from engine.local.zookeeper import ZooKeeperServer
from engine.models import Ending, LockNote, Outcome, Who
from engine.nuvla.client import NuvlaClient
from engine.nuvla.credentials import Header
from engine.settings import Secret
from engine.zookeeper.connection import ZooKeeper
from engine.zookeeper.paths import ENTRIES, TAKEN, OwnPaths, entry_path, lock_path
from tests.local_api import ADMIN_HEADER, LocalApi

SESSION_SECONDS = 30.0
"""None of these tests is about sessions that are lost by themselves: a busy machine has time."""
ANN = Who(user="ann", host="desk", pid=1)


@dataclass
class Noted:
    """An audit that keeps what it is told."""

    attempts: list[Plan] = field(default_factory=list)
    endings: list[tuple[Ending, str]] = field(default_factory=list)

    def attempt(self, plan: Plan, *, by: Who, reason: str | None) -> Noted:
        """Note an attempt."""
        self.attempts.append(plan)
        return self

    def outcome(self, ending: Ending, detail: str = "") -> str | None:
        """Note how it ended."""
        self.endings.append((ending, detail))
        return None


class Desk:
    """An operator: plans and applies."""

    def __init__(self, sources: Sources, audit: Noted, kazoo: KazooClient) -> None:
        self.sources = sources
        self.audit = audit
        self.kazoo = kazoo

    def plan(self, name: str, subject: str = "", **options: object) -> Plan:
        """Return the plan of an act."""
        wanted = Options(**options)  # type: ignore[arg-type]  # as the test names them
        return ACTS[name].plan(self.sources, subject, wanted)

    def apply(self, plan: Plan, reason: str = "a test") -> Outcome:
        """Apply a plan."""
        return apply(plan, self.sources, by=ANN, reason=reason, audit=self.audit)

    def act(self, name: str, subject: str = "", **options: object) -> Outcome:
        """Plan and apply at once."""
        return self.apply(self.plan(name, subject, **options), str(options.get("reason", "")))

    # What is in ZooKeeper, and what a person or a stranger does there.

    def entries(self) -> dict[str, str]:
        """Return the job id by the entry's name, in queue order."""
        names = sorted(self.kazoo.get_children(ENTRIES)) if self.kazoo.exists(ENTRIES) else []
        return {name: self.kazoo.get(entry_path(name))[0].decode() for name in names}

    def entry_of(self, job_id: str) -> str:
        """Return the name of a job's only entry."""
        (name,) = [name for name, held in self.entries().items() if held == job_id]
        return name

    def locks(self) -> list[str]:
        """Return the names of the entries that are locked."""
        return sorted(self.kazoo.get_children(TAKEN)) if self.kazoo.exists(TAKEN) else []

    def lock(self, entry: str, instance: str | None = None, *, by: KazooClient = None) -> None:
        """Lock an entry, as an executor of another kind, or as one of ours with this instance."""
        client = by or self.kazoo
        data = b"0" * 32
        if instance is not None:
            data = LockNote(instance=instance, thread="worker-1", claim="x").to_node()
        client.create(lock_path(entry), data, ephemeral=True, makepath=True)


@pytest.fixture(scope="session")
def zookeeper_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ZooKeeperServer]:
    """A server whose sessions last for as long as they ask."""
    jar = os.environ.get("NUVLA_ZOOKEEPER_JAR")
    folder = tmp_path_factory.mktemp("lasting")
    server = ZooKeeperServer(folder, durable=False, jar=Path(jar) if jar else None)
    server.start()
    yield server
    server.stop()


@pytest.fixture
def zk(zk_hosts: str) -> Iterator[ZooKeeper]:
    """The operator's session."""
    zookeeper = ZooKeeper(zk_hosts, session_timeout=SESSION_SECONDS)
    zookeeper.start()
    assert zookeeper.wait_connected(60)
    yield zookeeper
    zookeeper.close()


@pytest.fixture
def client(local_api: LocalApi) -> Iterator[NuvlaClient]:
    """A client with the rights of an administrator."""
    with NuvlaClient(local_api.url, credentials=Header(Secret(ADMIN_HEADER))) as made:
        yield made


@pytest.fixture
def desk(zk: ZooKeeper, client: NuvlaClient, kazoo: KazooClient) -> Desk:
    """An operator with both sources."""
    return Desk(Sources(zk=zk, client=client, own=OwnPaths()), Noted(), kazoo)
