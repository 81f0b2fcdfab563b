"""Fixtures that every test may use: a real ZooKeeper, each test in a root of its own."""

from __future__ import annotations

import os
import uuid
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings
from kazoo.client import KazooClient

from engine.local.zookeeper import ZooKeeperServer
from tests.local_api import LocalApi, running_api

# How fast examples are made says something of the machine, which may be busy, and nothing of us.
settings.register_profile("shared", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("shared")


@pytest.fixture(autouse=True)
def _no_settings_from_the_shell(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Tests see no setting of the person who runs them, and record no act among real ones."""
    for key in list(os.environ):
        if key.startswith(("NUVLA_", "JOB_")) and key != "NUVLA_ZOOKEEPER_JAR":
            monkeypatch.delenv(key)
    monkeypatch.setenv("NUVLA_AUDIT_FILE", str(tmp_path / "audit" / "audit.jsonl"))


@pytest.fixture(scope="session")
def zookeeper_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ZooKeeperServer]:
    """One real server for the whole run (one for each pytest-xdist worker)."""
    folder: Path = tmp_path_factory.mktemp("zookeeper")
    jar = os.environ.get("NUVLA_ZOOKEEPER_JAR")
    server = ZooKeeperServer(folder, tick=200, durable=False, jar=Path(jar) if jar else None)
    server.start()
    yield server
    server.stop()


@pytest.fixture
def zk_hosts(zookeeper_server: ZooKeeperServer) -> Iterator[str]:
    """A connection string with a chroot that is this test's own, and removed after it."""
    root = f"/test-{uuid.uuid4().hex}"
    client = KazooClient(zookeeper_server.hosts)
    client.start(timeout=15)
    client.create(root)
    try:
        yield f"{zookeeper_server.hosts}{root}"
    finally:
        client.delete(root, recursive=True)
        client.stop()
        client.close()


@pytest.fixture
def kazoo(zk_hosts: str) -> Iterator[KazooClient]:
    """A plain kazoo client in this test's root: what a foreign client would see and do."""
    client = KazooClient(zk_hosts)
    client.start(timeout=15)
    yield client
    client.stop()
    client.close()


@pytest.fixture
def local_api(tmp_path: Path, zk_hosts: str) -> Iterator[LocalApi]:
    """A local Nuvla API of this test's own; it queues into `zk_hosts`."""
    with running_api(tmp_path / "api.sqlite", zk_hosts) as api:
        yield api
