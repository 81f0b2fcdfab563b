"""The pulse: a link that is mute is known to be so soon, and the session outlives it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from engine.local.zookeeper import ZooKeeperServer
from engine.zookeeper.connection import ZooKeeper
from tests.faults.ports import steady_port
from tests.faults.proxy import Proxy
from tests.support import eventually

ROUNDS = 300


@contextmanager
def session(hosts: str, *, pulse: float | None) -> Iterator[ZooKeeper]:
    """Hold a connected session."""
    zk = ZooKeeper(hosts, session_timeout=20.0, call_timeout=10.0, pulse=pulse)
    zk.start()
    try:
        assert zk.wait_connected(30)
        yield zk
    finally:
        zk.close()


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ZooKeeperServer]:
    """A ZooKeeper that can be frozen; its sessions last, however long a busy machine takes."""
    folder = tmp_path_factory.mktemp("zk")
    server = ZooKeeperServer(folder, port=steady_port(), tick=4000, durable=False)
    server.start()
    yield server
    server.kill()


def test_a_server_that_freezes_is_known_to_be_silent_and_the_session_goes_on(
    server: ZooKeeperServer,
) -> None:
    with session(server.hosts, pulse=0.1) as zk:
        before, epoch = zk.session_id, zk.epoch
        server.pause()
        try:
            eventually(lambda: zk.silent_for > 0.5, "it is silent")
            assert zk.is_connected
            grown = zk.silent_for
            eventually(lambda: zk.silent_for > grown + 0.3, "the first pulse counts, not the last")
        finally:
            server.resume()
        eventually(lambda: zk.silent_for == 0.0, "it answers again")
        assert zk.exists("/")
        assert (zk.session_id, zk.epoch) == (before, epoch)


def test_without_a_pulse_nothing_is_owed(server: ZooKeeperServer) -> None:
    with session(server.hosts, pulse=None) as zk, session(server.hosts, pulse=0.1) as other:
        server.pause()
        try:
            eventually(lambda: other.silent_for > 0.5, "it is silent")
            assert zk.silent_for == 0.0
        finally:
            server.resume()


def test_pulses_between_requests_disturb_none_of_them(server: ZooKeeperServer) -> None:
    with session(server.hosts, pulse=0.001) as zk:
        paths = [f"/a/{number}" for number in range(ROUNDS)]
        for path in paths:
            zk.create(path, path.encode())
        for _ in range(5):
            found = zk.get_many(paths)
            assert [one[0] for one in found if one] == [path.encode() for path in paths]
            for path in paths[:100]:
                assert zk.exists(path)
        assert zk.epoch == 0


def test_a_link_that_breaks_owes_nothing_and_the_next_one_starts_anew(
    server: ZooKeeperServer,
) -> None:
    with Proxy(server.port) as link, session(link.hosts, pulse=0.1) as zk:
        link.pause()
        eventually(lambda: zk.silent_for > 0.5, "it is silent")
        link.resume()
        link.cut()
        eventually(lambda: zk.is_connected and zk.silent_for == 0.0, "it is back", within=30)
        assert zk.exists("/")
