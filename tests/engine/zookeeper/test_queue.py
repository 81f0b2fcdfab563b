"""What a queue gives to its workers, and what it leaves in ZooKeeper."""

from __future__ import annotations

import logging
import threading
import time
import uuid

import pytest
from kazoo.client import KazooClient
from kazoo.recipe.queue import LockingQueue
from kazoo.security import OPEN_ACL_UNSAFE, make_acl, make_digest_acl

from engine.errors import ZooKeeperUnavailable
from engine.models import LockNote
from engine.zookeeper.claims import Claim
from engine.zookeeper.paths import ENTRIES, TAKEN, entry_path, lock_path
from engine.zookeeper.queue import JobQueue, Settled
from tests.engine.zookeeper.conftest import Connect, MakeQueue, Tree
from tests.support import eventually

WAIT = 15.0


def claim_of(queue: JobQueue, worker: str = "w") -> Claim:
    claim = queue.take(worker, WAIT)
    assert claim is not None, "nothing was claimed in time"
    return claim


def test_a_claim_names_the_job_and_its_lock_names_the_owner(
    make_queue: MakeQueue, tree: Tree
) -> None:
    name = tree.put(priority=10)
    queue = make_queue(instance="exec-a")
    claim = claim_of(queue, "worker-7")
    assert (claim.entry, claim.job_id, claim.priority) == (name, tree.job(name), 10)
    assert abs(claim.enqueued_at.timestamp() - time.time()) < 60
    assert claim.is_live()
    assert queue.claims() == (claim,)
    data, stat = tree.kazoo.get(lock_path(name))
    note = LockNote.from_node(data)
    assert note == LockNote(instance="exec-a", thread="worker-7", claim=claim.token)
    assert stat.ephemeralOwner == claim.zk.session_id


def test_consuming_removes_entry_and_lock_together(make_queue: MakeQueue, tree: Tree) -> None:
    tree.put()
    queue = make_queue()
    assert queue.consume(claim_of(queue)) is Settled.CONSUMED
    assert (tree.entries(), tree.locks(), queue.claims()) == ([], [], ())


def test_what_is_consumed_without_waiting_is_gone_when_the_queue_has_ended(
    make_queue: MakeQueue, tree: Tree
) -> None:
    tree.fill(20)
    queue = make_queue()
    for _ in range(20):
        assert queue.consume(claim_of(queue), wait=False) is None
    queue.stop()
    assert queue.join(WAIT)
    assert (tree.entries(), tree.locks(), queue.claims()) == ([], [], ())


def test_a_queue_that_holds_a_claim_does_not_end(make_queue: MakeQueue, tree: Tree) -> None:
    tree.put()
    queue = make_queue()
    claim = claim_of(queue)
    queue.stop()
    assert not queue.join(0.2)
    queue.consume(claim)
    assert queue.join(WAIT)


def test_a_released_job_can_be_claimed_again_at_once(make_queue: MakeQueue, tree: Tree) -> None:
    name = tree.put()
    queue = make_queue()
    assert queue.release(claim_of(queue)) is Settled.RELEASED
    assert tree.entries() == [name]
    assert claim_of(queue).entry == name


def test_a_cooldown_keeps_only_this_process_away(make_queue: MakeQueue, tree: Tree) -> None:
    name, other = tree.put(), tree.put()
    queue = make_queue()
    claim = claim_of(queue)
    assert claim.entry == name
    before = time.monotonic()
    assert queue.release(claim, cooldown=2.0) is Settled.RELEASED
    assert claim_of(queue).entry == other
    again = claim_of(queue)
    assert (again.entry, time.monotonic() - before >= 2.0) == (name, True)
    queue.release(again, cooldown=60.0)
    assert claim_of(make_queue(instance="executor-2")).entry == name


def test_priorities_are_kept_and_the_oldest_comes_first(make_queue: MakeQueue, tree: Tree) -> None:
    late, urgent = tree.fill(3), tree.fill(2, priority=10)
    queue = make_queue()
    claims = [claim_of(queue) for _ in range(5)]
    assert [claim.entry for claim in claims] == [*urgent, *late]


def test_an_urgent_job_overtakes_a_cached_queue(make_queue: MakeQueue, tree: Tree) -> None:
    tree.fill(50)
    queue = make_queue()
    queue.consume(claim_of(queue))
    urgent = tree.put(priority=1)
    seen = []
    while urgent not in seen:
        claim = claim_of(queue)
        seen.append(claim.entry)
        queue.consume(claim)
    assert len(seen) < 45


def test_each_job_goes_to_one_worker_of_many(make_queue: MakeQueue, tree: Tree) -> None:
    names = tree.fill(200)
    queue = make_queue()
    done: list[str] = []

    def work(worker: str) -> None:
        while (claim := queue.take(worker, 1.0)) is not None:
            done.append(claim.entry)
            assert queue.consume(claim) is Settled.CONSUMED

    workers = [threading.Thread(target=work, args=(f"w{n}",)) for n in range(8)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join(30)
    assert sorted(done) == names
    assert (tree.entries(), tree.locks()) == ([], [])


def test_nothing_is_claimed_that_no_worker_is_idle_for(make_queue: MakeQueue, tree: Tree) -> None:
    names = tree.fill(5)
    queue = make_queue()
    claims = [claim_of(queue), claim_of(queue)]
    assert tree.locks() == names[:2] == sorted(claim.entry for claim in claims)


def test_a_long_queue_is_not_listed_for_each_job(
    make_queue: MakeQueue, tree: Tree, monkeypatch: pytest.MonkeyPatch
) -> None:
    tree.fill(1000)
    lists: list[int] = []
    queue = make_queue()
    listing = queue._keeper._listing
    real = listing.read

    def read(epoch: int) -> object:
        lists.append(epoch)
        return real(epoch)

    monkeypatch.setattr(listing, "read", read)
    began = time.monotonic()
    for _ in range(300):
        assert queue.consume(claim_of(queue)) is Settled.CONSUMED
    # At most a twentieth of the time goes into lists, which here take a millisecond or more.
    assert len(lists) < 10 + (time.monotonic() - began) / 20 / 0.0005


def test_a_job_queued_later_wakes_an_idle_worker(make_queue: MakeQueue, tree: Tree) -> None:
    queue = make_queue()
    assert queue.take("w", 0.3) is None
    found: list[Claim | None] = []
    worker = threading.Thread(target=lambda: found.append(queue.take("w", WAIT)))
    worker.start()
    name = tree.put()
    worker.join(WAIT)
    assert [claim and claim.entry for claim in found] == [name]


def test_waiting_costs_next_to_nothing(make_queue: MakeQueue, tree: Tree) -> None:
    queue = make_queue()
    queue.take("w", 0.1)
    before = time.process_time()
    workers = [threading.Thread(target=queue.take, args=(f"w{n}", 2.0)) for n in range(4)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join(WAIT)
    assert time.process_time() - before < 0.5  # 5 % of two seconds, and room for other threads


def test_a_pause_holds_until_every_reason_is_taken_back(make_queue: MakeQueue, tree: Tree) -> None:
    queue = make_queue()
    queue.pause("api")
    queue.pause("drain")
    name = tree.put()
    assert queue.take("w", 0.3) is None
    queue.resume("api")
    assert queue.pauses == ("drain",)
    assert queue.take("w", 0.3) is None
    assert tree.locks() == []
    queue.resume()
    assert claim_of(queue).entry == name


def test_stopping_ends_every_wait_and_leaves_claims_to_be_settled(
    make_queue: MakeQueue, tree: Tree
) -> None:
    queue = make_queue()
    tree.put()
    claim = claim_of(queue)
    found: list[Claim | None] = []
    worker = threading.Thread(target=lambda: found.append(queue.take("w", 60.0)))
    worker.start()
    time.sleep(0.1)
    queue.stop()
    worker.join(WAIT)
    assert found == [None]
    tree.put()
    assert queue.take("w", 60.0) is None
    assert queue.consume(claim) is Settled.CONSUMED
    assert tree.locks() == []
    assert queue.join(WAIT)
    assert queue.release(claim) is Settled.LOST


@pytest.mark.parametrize(
    "data",
    [b"", None, b"\xff\xfe\x00", b"job/../user/x", b"job/x?y", b"http://evil/", b"x" * 1_000_000],
    ids=["empty", "null", "not UTF-8", "climbing", "query", "url", "1 MB"],
)
def test_an_entry_without_a_job_id_is_removed_and_logged_escaped(
    make_queue: MakeQueue, tree: Tree, data: bytes | None, caplog: pytest.LogCaptureFixture
) -> None:
    tree.kazoo.create(f"{ENTRIES}/entry-999-", data, sequence=True)
    good = tree.put()
    queue = make_queue()
    with caplog.at_level(logging.ERROR):
        assert claim_of(queue).entry == good
        eventually(lambda: tree.entries() == [good], "the unusable entry goes")
    assert queue.unusable == 1
    (line,) = [record.getMessage() for record in caplog.records if "no job id" in record.message]
    assert line.isprintable() and len(line) < 300


def test_foreign_nodes_are_left_alone_and_the_queue_behind_them_drains(
    make_queue: MakeQueue, tree: Tree
) -> None:
    foreign = ["aaa", "entry-1", "entry-9999-0000000001", "zzz"]
    for name in foreign:
        tree.kazoo.create(f"{ENTRIES}/{name}", b"job/x")
    names = tree.fill(20)
    queue = make_queue()
    for name in names:
        claim = claim_of(queue)
        assert claim.entry == name
        queue.consume(claim)
    assert queue.take("w", 0.3) is None
    assert tree.entries() == sorted(foreign)
    assert tree.locks() == []


def test_a_lock_without_an_entry_is_left_alone(make_queue: MakeQueue, tree: Tree) -> None:
    tree.kazoo.create(lock_path("entry-999-0000000077"), uuid.uuid4().hex.encode(), ephemeral=True)
    name = tree.put()
    queue = make_queue()
    claim = claim_of(queue)
    assert claim.entry == name
    queue.consume(claim)
    queue._keeper._sweep_wanted = True
    queue.take("w", 0.3)
    assert tree.locks() == ["entry-999-0000000077"]


def test_a_missing_taken_node_is_made(make_queue: MakeQueue, kazoo: KazooClient) -> None:
    kazoo.create(f"{ENTRIES}/entry-999-", b"job/1", sequence=True, makepath=True)
    queue = make_queue()
    assert queue.consume(claim_of(queue)) is Settled.CONSUMED
    assert kazoo.exists(TAKEN)


def test_a_taken_node_that_vanishes_later_is_made_again(make_queue: MakeQueue, tree: Tree) -> None:
    queue = make_queue()
    tree.fill(3)
    queue.consume(claim_of(queue))
    tree.kazoo.delete(TAKEN)
    assert queue.consume(claim_of(queue)) is Settled.CONSUMED


def test_a_tree_without_a_queue_gets_one(make_queue: MakeQueue, kazoo: KazooClient) -> None:
    queue = make_queue()
    assert queue.take("w", 0.1) is None
    job = f"job/{uuid.uuid4()}"
    found: list[Claim | None] = []
    worker = threading.Thread(target=lambda: found.append(queue.take("w", WAIT)))
    worker.start()
    name = queue.put(job, 10)
    worker.join(WAIT)
    assert [(claim.entry, claim.job_id, claim.priority) for claim in found if claim] == [
        (name, job, 10)
    ]


def test_put_refuses_what_is_no_job_id_or_no_priority(make_queue: MakeQueue) -> None:
    queue = make_queue()
    with pytest.raises(ValueError, match="no job id"):
        queue.put("user/x")
    with pytest.raises(ValueError, match="within 0 to 999"):
        queue.put("job/1", 1000)


def test_an_entry_deleted_by_hand_settles_as_gone_and_frees_the_lock(
    make_queue: MakeQueue, tree: Tree
) -> None:
    name = tree.put()
    queue = make_queue()
    claim = claim_of(queue)
    tree.kazoo.delete(entry_path(name))
    assert queue.consume(claim) is Settled.GONE
    eventually(lambda: tree.locks() == [], "our lock goes")


def test_a_lock_deleted_by_hand_leaves_the_entry_to_others(
    make_queue: MakeQueue, tree: Tree
) -> None:
    name = tree.put()
    queue = make_queue()
    claim = claim_of(queue)
    tree.kazoo.delete(lock_path(name))
    assert queue.consume(claim) is Settled.LOST
    assert tree.entries() == [name]


@pytest.mark.parametrize("settle", ["consume", "release"])
def test_a_stock_consumer_that_took_the_name_keeps_its_lock(
    make_queue: MakeQueue, tree: Tree, settle: str
) -> None:
    name = tree.put()
    queue = make_queue()
    claim = claim_of(queue)
    tree.kazoo.delete(lock_path(name))
    stock = LockingQueue(tree.kazoo, "/job")
    assert stock.get(timeout=WAIT) == claim.job_id.encode()
    assert getattr(queue, settle)(claim) is Settled.LOST
    assert (tree.entries(), tree.locks()) == ([name], [name])
    assert stock.consume()


def test_a_worker_that_asks_again_learns_of_a_lock_deleted_by_hand(
    make_queue: MakeQueue, tree: Tree
) -> None:
    lost: list[Claim] = []
    queue = make_queue(on_lost=lost.append)
    name = tree.put()
    claim = claim_of(queue)
    tree.kazoo.delete(lock_path(name))
    assert queue.take("other", 0.5) is None  # not claimed again while its worker runs the job
    assert lost == [claim]
    assert not claim.is_live()
    assert queue.consume(claim) is Settled.LOST
    assert claim_of(queue).entry == name


def test_an_entry_with_a_child_is_reported_and_not_run_again(
    make_queue: MakeQueue, tree: Tree, caplog: pytest.LogCaptureFixture
) -> None:
    stuck, good = tree.put(), tree.put()
    queue = make_queue()
    claim = claim_of(queue)
    tree.kazoo.create(f"{entry_path(stuck)}/child")
    assert queue.consume(claim) is Settled.REFUSED
    assert "has children" in caplog.text
    assert claim_of(queue).entry == good
    assert queue.take("w", 0.3) is None
    assert tree.locks() == [good]
    assert tree.entries() == [stuck, good]


def test_entries_that_may_not_be_deleted_are_freed_and_not_run_again(
    make_queue: MakeQueue, tree: Tree, caplog: pytest.LogCaptureFixture
) -> None:
    admin = make_digest_acl("admin", "secret", all=True)
    tree.kazoo.add_auth("digest", "admin:secret")
    name = tree.put()
    queue = make_queue()
    claim = claim_of(queue)
    no_delete = make_acl("world", "anyone", read=True, write=True, create=True)
    tree.kazoo.set_acls(ENTRIES, [admin, no_delete])
    try:
        assert queue.consume(claim) is Settled.REFUSED
        assert "ACL" in caplog.text
        assert queue.take("w", 0.5) is None
        eventually(lambda: tree.locks() == [], "the lock goes")
        assert tree.entries() == [name]
    finally:
        tree.kazoo.set_acls(ENTRIES, OPEN_ACL_UNSAFE)


def test_a_lock_that_may_not_be_deleted_holds_up_nobody(
    make_queue: MakeQueue, tree: Tree, caplog: pytest.LogCaptureFixture
) -> None:
    admin = make_digest_acl("admin", "secret", all=True)
    tree.kazoo.add_auth("digest", "admin:secret")
    tree.fill(2)
    queue = make_queue()
    claim = claim_of(queue)
    no_delete = make_acl("world", "anyone", read=True, create=True)
    tree.kazoo.set_acls(TAKEN, [admin, no_delete])
    try:
        assert queue.release(claim) is Settled.LOST
        assert "ACL" in caplog.text
        assert claim_of(queue).entry != claim.entry
    finally:
        tree.kazoo.set_acls(TAKEN, OPEN_ACL_UNSAFE)


@pytest.mark.parametrize("parent", [TAKEN, ENTRIES])
def test_claiming_goes_on_once_the_acl_is_mended(
    make_queue: MakeQueue, tree: Tree, parent: str, caplog: pytest.LogCaptureFixture
) -> None:
    admin = make_digest_acl("admin", "secret", all=True)
    tree.kazoo.add_auth("digest", "admin:secret")
    name = tree.put()
    rights = {"read": True} if parent == TAKEN else {"write": True, "create": True, "delete": True}
    tree.kazoo.set_acls(parent, [admin, make_acl("world", "anyone", **rights)])
    queue = make_queue()
    try:
        assert queue.take("w", 1.5) is None
        alarms = [record for record in caplog.records if "ACL" in record.getMessage()]
        assert len(alarms) == 1
    finally:
        tree.kazoo.set_acls(parent, OPEN_ACL_UNSAFE)
    assert claim_of(queue).entry == name


def test_a_queue_made_anew_gives_its_old_names_to_new_jobs(
    make_queue: MakeQueue, tree: Tree
) -> None:
    queue = make_queue()
    tree.fill(3)
    old = claim_of(queue)
    tree.kazoo.delete(ENTRIES, recursive=True)
    tree.kazoo.create(ENTRIES)
    new = tree.put()
    assert new == old.entry
    # Our old lock still covers the name; a list tells that it means another job now.
    assert queue.take("w", 1.0) is None
    assert old.is_entry_gone
    assert queue.consume(old) is Settled.GONE
    claim = claim_of(queue)
    assert (claim.entry, claim.job_id) == (new, tree.job(new))
    assert claim.job_id != old.job_id


def test_three_queues_share_the_work_with_a_stock_consumer(
    make_queue: MakeQueue, connect: Connect, tree: Tree, kazoo: KazooClient
) -> None:
    names = tree.fill(300)
    done: list[str] = []
    queues = [make_queue(instance=f"executor-{n}") for n in range(3)]

    def work(queue: JobQueue, worker: str) -> None:
        while (claim := queue.take(worker, 1.5)) is not None:
            done.append(claim.job_id)
            time.sleep(0.002)
            assert queue.consume(claim) is Settled.CONSUMED

    jobs = [tree.job(name) for name in names]
    stock = LockingQueue(kazoo, "/job")

    def work_as_stock() -> None:
        while (data := stock.get(timeout=1.5)) is not None:
            done.append(data.decode())
            assert stock.consume()

    workers = [
        threading.Thread(target=work, args=(queue, f"w{n}")) for queue in queues for n in range(3)
    ]
    workers.append(threading.Thread(target=work_as_stock))
    for each in workers:
        each.start()
    for each in workers:
        each.join(60)
    assert sorted(done) == sorted(jobs)
    assert (tree.entries(), tree.locks()) == ([], [])


def test_strays_are_freed_when_asked_for_and_what_is_held_stays(
    make_queue: MakeQueue, tree: Tree, connect: Connect
) -> None:
    zk = connect(timeout=4.0)
    queue = make_queue(zk)
    tree.fill(3)
    claim = claim_of(queue)
    strays = [name for name in tree.entries() if name != claim.entry]
    for name in strays:
        zk.create(lock_path(name), b"", ephemeral=True)
    zk.create(lock_path("entry-000-0000000099"), b"", ephemeral=True)
    freed = queue.free_strays(WAIT)
    assert freed == {**{name: tree.job(name) for name in strays}, "entry-000-0000000099": None}
    assert tree.locks() == [claim.entry]
    assert queue.free_strays(WAIT) == {}


def test_strays_cannot_be_freed_by_a_queue_that_has_ended(make_queue: MakeQueue) -> None:
    queue = make_queue()
    queue.stop()
    assert queue.join(WAIT)
    with pytest.raises(ZooKeeperUnavailable):
        queue.free_strays(WAIT)
