"""A process's presence node: there while it runs, and never more than a second old."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime

import pytest
from kazoo.client import KazooClient
from kazoo.exceptions import NoNodeError

from engine.local.zookeeper import ZooKeeperServer
from engine.models import Member, MemberKind, MemberState, RunningJob
from engine.zookeeper.connection import ZooKeeper
from engine.zookeeper.members import Presence
from engine.zookeeper.paths import OwnPaths
from tests.engine.zookeeper.conftest import LONG_SESSION, Connect
from tests.faults.sessions import expire
from tests.support import eventually

OWN = OwnPaths()
NODE = OWN.member("exec-1-x")
NOW = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)
JOB = RunningJob(job_id="job/1", entry="entry-999-0000000000", action="a", thread="t", since=NOW)

Announce = Callable[..., Presence]


def member() -> Member:
    return Member(
        instance="exec-1-x",
        kind=MemberKind.EXECUTOR,
        name="exec-1",
        host="node",
        pid=7,
        version="1",
        started=NOW,
    )


@pytest.fixture
def announce() -> Iterator[Announce]:
    """A function that publishes a running member, closed after the test."""
    made: list[Presence] = []

    def make(zk: ZooKeeper) -> Presence:
        presence = Presence(zk, OWN, member())
        made.append(presence)
        presence.publish(MemberState.RUNNING, ())
        return presence

    yield make
    for presence in made:
        presence.close()


def read(kazoo: KazooClient) -> Member | None:
    try:
        data, stat = kazoo.get(NODE)
    except NoNodeError:
        return None
    return Member.from_node("exec-1-x", data, session=stat.ephemeralOwner)


def test_the_node_says_who_is_there_and_goes_with_the_session(
    announce: Announce, connect: Connect, kazoo: KazooClient
) -> None:
    zk = connect(timeout=LONG_SESSION)
    announce(zk)
    found = eventually(lambda: read(kazoo), "the node")
    assert found is not None
    assert (found.name, found.state, found.session) == (
        "exec-1",
        MemberState.RUNNING,
        zk.session_id,
    )
    assert found.updated is not None
    zk.close()
    assert read(kazoo) is None


def test_it_is_there_no_sooner_than_others_can_find_it(
    announce: Announce, connect: Connect, kazoo: KazooClient
) -> None:
    zk = connect(timeout=LONG_SESSION)
    presence = announce(zk)
    eventually(lambda: presence.is_there)
    assert read(kazoo)
    zk.close()
    assert not presence.is_there


def test_changes_are_written_at_most_once_a_second_and_the_last_one_counts(
    announce: Announce, connect: Connect, kazoo: KazooClient
) -> None:
    presence = announce(connect(timeout=LONG_SESSION))
    eventually(lambda: read(kazoo), "the node")
    began = time.monotonic()
    for number in range(200):
        presence.publish(MemberState.RUNNING, (JOB,) * (number % 3))
        time.sleep(0.005)
    presence.publish(MemberState.DRAINING, (JOB,))
    eventually(
        lambda: (m := read(kazoo)) and m.state is MemberState.DRAINING and m.jobs == (JOB,),
        "the last change",
    )
    assert kazoo.exists(NODE).version <= time.monotonic() - began + 2


def test_an_unchanged_member_writes_nothing(
    announce: Announce, connect: Connect, kazoo: KazooClient
) -> None:
    presence = announce(connect(timeout=LONG_SESSION))
    eventually(lambda: read(kazoo), "the node")
    for _ in range(100):
        presence.publish(MemberState.RUNNING, ())
    time.sleep(1.2)
    assert kazoo.exists(NODE).version == 0


def test_a_new_session_makes_the_node_anew(
    announce: Announce, connect: Connect, kazoo: KazooClient, zk_hosts: str
) -> None:
    zk = connect(timeout=LONG_SESSION)
    announce(zk)
    eventually(lambda: read(kazoo), "the node")
    assert zk.session_id is not None
    expire(zk_hosts, zk.session_id)
    eventually(lambda: zk.epoch == 1 and zk.is_connected, "a new session")
    eventually(lambda: (m := read(kazoo)) and m.session == zk.session_id, "the new node")


def test_the_node_of_the_old_session_is_replaced_while_it_is_still_there(
    announce: Announce, connect: Connect, kazoo: KazooClient
) -> None:
    kazoo.create(NODE, b"of a session before", ephemeral=True, makepath=True)
    zk = connect(timeout=LONG_SESSION)
    announce(zk)
    eventually(lambda: (m := read(kazoo)) and m.session == zk.session_id, "our own node")


def test_a_node_deleted_by_hand_comes_back_with_the_next_change(
    announce: Announce, connect: Connect, kazoo: KazooClient
) -> None:
    presence = announce(connect(timeout=LONG_SESSION))
    eventually(lambda: read(kazoo), "the node")
    kazoo.delete(NODE)
    presence.publish(MemberState.PAUSED, ())
    eventually(lambda: read(kazoo), "the node again")


def test_publishing_never_waits_for_an_absent_server(
    announce: Announce, connect: Connect, own_server: ZooKeeperServer
) -> None:
    own_server.kill()
    zk = connect(own_server.hosts, wait=False)
    began = time.monotonic()
    presence = announce(zk)
    presence.publish(MemberState.DRAINING, ())
    assert time.monotonic() - began < 2
    own_server.start()
    eventually(
        lambda: zk.is_connected and zk.get(NODE), "the node, once the server is there", within=30
    )
