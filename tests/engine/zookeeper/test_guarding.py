"""A lock or an entry that somebody takes away from a running job is noticed by its executor."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, cast

import pytest
from kazoo.exceptions import NoNodeError

from engine.errors import ZooKeeperUnavailable
from engine.zookeeper import guarding, wire
from engine.zookeeper.claims import Claim
from engine.zookeeper.connection import ZooKeeper
from engine.zookeeper.guarding import Guarding
from engine.zookeeper.paths import ENTRIES, entry_path, lock_path
from engine.zookeeper.queue import Settled
from tests.engine.zookeeper.conftest import LONG_SESSION, Connect, MakeQueue, Tree
from tests.engine.zookeeper.test_queue import claim_of
from tests.faults.proxy import Proxy
from tests.support import eventually


def test_a_lock_that_another_of_ours_has_now_is_noticed_and_left_alone(
    make_queue: MakeQueue, tree: Tree
) -> None:
    lost: list[Claim] = []
    name = tree.put()
    first = make_queue(instance="first", on_lost=lost.append)
    old = claim_of(first)
    second = make_queue(instance="second")
    tree.kazoo.delete(lock_path(name))
    new = claim_of(second)
    assert new.entry == name
    # Both locks have the same version, and the first executor lists nothing: it has no idle worker.
    eventually(lambda: not old.is_live(), "the first owner notices")
    eventually(lambda: lost == [old], "it tells its worker")
    assert first.consume(old) is Settled.LOST
    assert (tree.entries(), tree.locks()) == ([name], [name])
    assert new.is_live()
    assert second.consume(new) is Settled.CONSUMED
    assert (tree.entries(), tree.locks()) == ([], [])


def test_releasing_what_another_of_ours_has_now_frees_nothing(
    make_queue: MakeQueue, tree: Tree
) -> None:
    name = tree.put()
    first, second = make_queue(instance="first"), make_queue(instance="second")
    first_claim = claim_of(first)
    tree.kazoo.delete(lock_path(name))
    second_claim = claim_of(second)
    eventually(lambda: not first_claim.is_live(), "the first owner notices")
    assert first.release(first_claim) is Settled.LOST
    assert tree.locks() == [name]
    assert second.release(second_claim) is Settled.RELEASED


def test_an_entry_of_the_same_name_in_a_new_queue_is_left_alone(
    make_queue: MakeQueue, tree: Tree
) -> None:
    queue = make_queue()
    tree.put()
    old = claim_of(queue)
    tree.kazoo.delete(ENTRIES, recursive=True)
    tree.kazoo.create(ENTRIES)
    new = tree.put()
    assert new == old.entry
    eventually(lambda: old.is_entry_gone, "the owner notices")
    assert queue.consume(old) is Settled.GONE
    assert tree.entries() == [new]
    claim = claim_of(queue)
    assert (claim.entry, claim.job_id) == (new, tree.job(new))


def test_an_entry_that_was_dropped_is_noticed_before_its_job_ends(
    make_queue: MakeQueue, tree: Tree
) -> None:
    name = tree.put()
    queue = make_queue()
    claim = claim_of(queue)
    tree.kazoo.delete(entry_path(name))
    eventually(lambda: claim.is_entry_gone, "the owner notices")
    assert claim.is_live()  # the lock is still ours, so the job's document is
    assert queue.consume(claim) is Settled.GONE
    eventually(lambda: tree.locks() == [], "our lock goes")


def test_the_watches_survive_a_broken_connection(
    make_queue: MakeQueue, connect: Connect, tree: Tree, proxy: Proxy, proxy_hosts: str
) -> None:
    zk = connect(proxy_hosts, timeout=LONG_SESSION)
    queue = make_queue(zk)
    name = tree.put()
    claim = claim_of(queue)
    guards = queue._keeper._guarding._guards
    eventually(lambda: name in guards and not guards[name].has_fired, "it is watched")
    proxy.cut()
    eventually(lambda: zk.is_connected, "it is connected again")
    assert claim.is_live()
    tree.kazoo.delete(lock_path(name))
    eventually(lambda: not claim.is_live(), "the owner notices")


def test_many_claims_are_watched_and_the_right_one_is_lost(
    make_queue: MakeQueue, tree: Tree
) -> None:
    lost: list[Claim] = []
    names = tree.fill(70)
    queue = make_queue(on_lost=lost.append)
    claims = {claim.entry: claim for claim in (claim_of(queue) for _ in names)}
    guards = queue._keeper._guarding._guards
    eventually(lambda: len(guards) == 70, "all are watched", within=30)
    tree.kazoo.delete(lock_path(names[33]))
    eventually(lambda: lost, "one is lost", within=30)
    assert lost == [claims[names[33]]]
    for name, claim in claims.items():
        assert queue.consume(claim) is (Settled.LOST if name == names[33] else Settled.CONSUMED)
    assert tree.entries() == [names[33]]


class FakeZooKeeper:
    """Answers reads of one claim's nodes from a list, and notes them."""

    session_id = 7

    def __init__(self) -> None:
        self.reads: list[str] = []
        self.answers: list[Any] = []

    def exchange(self, requests: Sequence[Any], *, epoch: int) -> list[Any]:
        self.reads += [request.path for request in requests]
        return [self.answers.pop(0) for _ in requests]


def stat(*, owner: int = 7, czxid: int = 5) -> wire.ZnodeStat:
    return wire.ZnodeStat(czxid, 0, 0, 0, 1, 0, 0, owner, 0, 0, 0)


@pytest.fixture
def zk() -> FakeZooKeeper:
    return FakeZooKeeper()


def long_claim(zk: FakeZooKeeper) -> Claim:
    """A claim that has lasted long enough to be watched."""
    return Claim(
        entry="entry-999-0000000000",
        job_id="job/1",
        priority=999,
        enqueued_at=wire.NO_TIME,
        worker="w",
        epoch=1,
        token="c0ffee",
        czxid=5,
        zk=cast(ZooKeeper, zk),
        claimed_at=-guarding.AFTER,
    )


def make_guarding(zk: FakeZooKeeper, *claims: Claim) -> Guarding:
    return Guarding(cast(ZooKeeper, zk), {c.entry: c for c in claims}, lambda: None)


OURS = (b'{"claim": "c0ffee"}', stat())


def test_a_watched_claim_costs_nothing_more_until_something_happens(zk: FakeZooKeeper) -> None:
    claim = long_claim(zk)
    watched = make_guarding(zk, claim)
    zk.answers = [OURS, stat(czxid=5)]
    assert watched.look(1) == []
    assert len(zk.reads) == 2
    assert watched.look(1) == []
    assert len(zk.reads) == 2
    assert make_guarding(zk).due_at() == float("inf")


def test_a_young_claim_is_not_looked_at(zk: FakeZooKeeper) -> None:
    claim = long_claim(zk)
    claim.claimed_at = float("inf")
    assert make_guarding(zk, claim).look(1) == []
    assert zk.reads == []


@pytest.mark.parametrize(
    ("lock", "entry", "is_lost", "is_gone"),
    [
        (OURS, stat(czxid=5), False, False),
        (NoNodeError(), stat(czxid=5), True, False),
        ((b'{"claim": "another"}', stat()), stat(czxid=5), True, False),
        ((b'{"claim": "c0ffee"}', stat(owner=8)), stat(czxid=5), True, False),
        (OURS, None, False, True),
        (OURS, stat(czxid=6), False, True),
    ],
)
def test_what_the_two_nodes_tell(
    zk: FakeZooKeeper, lock: Any, entry: Any, is_lost: bool, is_gone: bool
) -> None:
    claim = long_claim(zk)
    zk.answers = [lock, entry]
    assert make_guarding(zk, claim).look(1) == ([claim] if is_lost else [])
    assert claim.is_entry_gone is is_gone


def test_an_answer_that_did_not_come_is_asked_for_again(zk: FakeZooKeeper) -> None:
    claim = long_claim(zk)
    watched = make_guarding(zk, claim)
    zk.answers = [ZooKeeperUnavailable("lost"), stat(czxid=5)]
    with pytest.raises(ZooKeeperUnavailable):
        watched.look(1)
    zk.answers = [OURS, stat(czxid=5)]
    assert watched.look(1) == []
    assert len(zk.reads) == 4
