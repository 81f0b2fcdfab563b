"""Tests of engine.view.members."""

from __future__ import annotations

from datetime import UTC, datetime

from kazoo.client import KazooClient

from engine.models import Member, MemberKind
from engine.view.members import read_members
from engine.zookeeper.connection import ZooKeeper
from engine.zookeeper.paths import OwnPaths

OWN = OwnPaths()


def announce(kazoo: KazooClient, instance: str, kind: MemberKind = MemberKind.EXECUTOR) -> None:
    """Make a presence node."""
    member = Member(
        instance=instance,
        kind=kind,
        name=instance.partition("@")[0],
        host="node1",
        pid=4121,
        version="0.1.0",
        started=datetime(2026, 11, 24, tzinfo=UTC),
    )
    kazoo.create(OWN.member(instance), member.to_node(), ephemeral=True, makepath=True)


def test_nobody_is_there(zk: ZooKeeper) -> None:
    snapshot = read_members(zk, OWN)
    assert (snapshot.members, snapshot.unreadable, snapshot.paused) == ((), (), None)


def test_members_come_by_kind_and_name_with_their_sessions(
    zk: ZooKeeper, kazoo: KazooClient
) -> None:
    announce(kazoo, "b@1")
    announce(kazoo, "a@1", MemberKind.EXECUTOR)
    announce(kazoo, "c@1", MemberKind.DISTRIBUTOR)
    members = read_members(zk, OWN).members
    assert [member.name for member in members] == ["c", "a", "b"]
    assert kazoo.client_id is not None
    assert {member.session for member in members} == {kazoo.client_id[0]}


def test_a_node_that_holds_no_member_is_named(zk: ZooKeeper, kazoo: KazooClient) -> None:
    announce(kazoo, "a@1")
    kazoo.create(OWN.member("x\u202ey"), b"\xff{")
    snapshot = read_members(zk, OWN)
    assert [member.instance for member in snapshot.members] == ["a@1"]
    assert snapshot.unreadable == ("x<U+202E>y",)


def test_a_pause_says_why(zk: ZooKeeper, kazoo: KazooClient) -> None:
    kazoo.create(OWN.pause, b"upgrade of the API", makepath=True)
    assert read_members(zk, OWN).paused == "upgrade of the API"
