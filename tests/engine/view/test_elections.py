"""Tests of engine.view.elections."""

from __future__ import annotations

import uuid
from datetime import UTC, datetime

from kazoo.client import KazooClient

from engine.models import Distribution
from engine.view.elections import read_elections
from engine.zookeeper.connection import ZooKeeper
from engine.zookeeper.paths import OwnPaths, election_path
from tests.engine.view.test_members import announce

OWN = OwnPaths()


def contend(kazoo: KazooClient, election: str, name: bytes, uid: str = "") -> None:
    """Contend as kazoo's recipe does."""
    prefix = f"{election_path(election)}/{uid or uuid.uuid4().hex}__lock__"
    kazoo.create(prefix, name, ephemeral=True, sequence=True, makepath=True)


def test_without_a_distributor_there_is_no_election(zk: ZooKeeper) -> None:
    assert read_elections(zk, OWN).elections == ()


def test_the_lowest_sequence_leads_whatever_its_name(zk: ZooKeeper, kazoo: KazooClient) -> None:
    contend(kazoo, "cleanup_jobs", b"first", "f" * 32)
    contend(kazoo, "cleanup_jobs", b"second", "0" * 32)
    (election,) = read_elections(zk, OWN).elections
    assert [contender.name for contender in election.contenders] == ["first", "second"]
    assert election.leader is not None
    assert election.leader.name == "first"


def test_an_election_without_contenders_is_vacant(zk: ZooKeeper, kazoo: KazooClient) -> None:
    kazoo.ensure_path(election_path("cleanup_jobs"))
    (election,) = read_elections(zk, OWN).elections
    assert election.is_vacant
    assert election.distribution is None


def test_foreign_nodes_do_not_contend(zk: ZooKeeper, kazoo: KazooClient) -> None:
    contend(kazoo, "cleanup_jobs", b"a\x1b[31m")
    kazoo.create(f"{election_path('cleanup_jobs')}/zzz", b"")
    (election,) = read_elections(zk, OWN).elections
    assert [contender.name for contender in election.contenders] == ["a␛[31m"]


def test_a_contender_is_known_by_its_session(zk: ZooKeeper, kazoo: KazooClient) -> None:
    contend(kazoo, "cleanup_jobs", b"di")
    announce(kazoo, "di@1")
    (election,) = read_elections(zk, OWN).elections
    assert election.contenders[0].owner.instance == "di@1"


def test_the_last_distribution_is_shown(zk: ZooKeeper, kazoo: KazooClient) -> None:
    last = Distribution(
        last=datetime(2026, 11, 24, 1, 2, 3, tzinfo=UTC), interval=60.0, by="di@1", jobs=2
    )
    contend(kazoo, "b", b"di")
    contend(kazoo, "a", b"di")
    kazoo.create(OWN.distribution("a"), last.to_node(), makepath=True)
    kazoo.create(OWN.distribution("b"), b"rubbish")
    first, second = read_elections(zk, OWN).elections
    assert (first.name, first.distribution) == ("a", last)
    assert (second.name, second.distribution) == ("b", None)
