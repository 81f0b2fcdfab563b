"""Fixtures of the fault tests: a world of one's own, and the audit at its end."""

from __future__ import annotations

from collections.abc import Generator, Iterator
from pathlib import Path

import pytest

from engine.local.zookeeper import ZooKeeperServer, start_ensemble
from tests.faults.audit import audit
from tests.faults.ports import steady_port
from tests.faults.world import World


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark all tests of this folder."""
    for item in items:
        if Path(__file__).parent in item.path.parents:
            item.add_marker(pytest.mark.faults)


@pytest.fixture
def world(zk_hosts: str, tmp_path: Path) -> Iterator[World]:
    """An installation in a root of its own of the shared ZooKeeper, which must stay up."""
    yield from _audited(World(zk_hosts, tmp_path))


@pytest.fixture
def server(tmp_path: Path) -> Iterator[ZooKeeperServer]:
    """A ZooKeeper of one's own, to break; sessions of 1 to 10 s."""
    server = ZooKeeperServer(tmp_path / "zk", port=steady_port(), tick=500, durable=False)
    server.start()
    yield server
    server.kill()


@pytest.fixture
def lone_world(server: ZooKeeperServer, tmp_path: Path) -> Iterator[World]:
    """An installation on a ZooKeeper of its own (the fixture ``server``)."""
    yield from _audited(World(server.hosts, tmp_path))


@pytest.fixture
def ensemble(tmp_path: Path) -> Iterator[list[ZooKeeperServer]]:
    """Three ZooKeepers that form one service."""
    servers = start_ensemble(tmp_path / "ensemble")
    yield servers
    for server in servers:
        server.kill()


@pytest.fixture
def ensemble_world(ensemble: list[ZooKeeperServer], tmp_path: Path) -> Iterator[World]:
    """An installation on an ensemble of its own."""
    yield from _audited(World(",".join(member.hosts for member in ensemble), tmp_path))


def _audited(world: World) -> Iterator[World]:
    try:
        yield world
        audit(world)
    finally:
        world.close()


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Item, call: pytest.CallInfo[None]
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Show what the processes of a failed test wrote."""
    report = yield
    worlds = [part for part in getattr(item, "funcargs", {}).values() if isinstance(part, World)]
    if report.failed:
        for child in (child for world in worlds for child in world.children):
            report.sections.append((f"output of {child.name}", child.output()[-8000:]))
    return report
