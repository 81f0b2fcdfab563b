"""Fixtures of the fleet tests: a local platform of one's own, and a world for elections."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.faults.audit import audit
from tests.faults.world import World
from tests.fleet.installation import Fleet


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark all tests of this folder."""
    for item in items:
        if Path(__file__).parent in item.path.parents:
            item.add_marker(pytest.mark.fleet)


@pytest.fixture
def fleet(tmp_path: Path) -> Iterator[Fleet]:
    """The local platform, as `nuvla-engine local` starts it."""
    fleet = Fleet(tmp_path)
    try:
        yield fleet
    finally:
        fleet.close()


@pytest.fixture
def world(zk_hosts: str, tmp_path: Path) -> Iterator[World]:
    """A root of its own of the shared ZooKeeper, whose sessions are short."""
    world = World(zk_hosts, tmp_path)
    try:
        yield world
        audit(world)
    finally:
        world.close()
