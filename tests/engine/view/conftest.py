"""Fixtures of the readers' tests: one session of ours in the test's root."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from engine.zookeeper.connection import ZooKeeper


@pytest.fixture
def zk(zk_hosts: str) -> Iterator[ZooKeeper]:
    """A connected session."""
    session = ZooKeeper(zk_hosts, session_timeout=4.0)
    session.start()
    assert session.wait_connected(15)
    yield session
    session.close()
