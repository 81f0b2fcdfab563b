"""Claims over broken links, lost answers and lost sessions."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable

import pytest
from kazoo.client import KazooClient
from kazoo.recipe.queue import LockingQueue

from engine.local.zookeeper import ZooKeeperServer, start_ensemble
from engine.zookeeper.claims import Claim
from engine.zookeeper.connection import ZooKeeper
from engine.zookeeper.paths import ENTRIES, TAKEN, lock_path
from engine.zookeeper.queue import JobQueue, Settled
from tests.engine.zookeeper.conftest import LONG_SESSION, Connect, MakeQueue, Tree
from tests.engine.zookeeper.test_queue import WAIT, claim_of
from tests.faults.proxy import Proxy
from tests.faults.sessions import expire
from tests.support import eventually

DELETE = b"\x00\x00\x00\x02\x00"
"""A delete inside a transaction: its type, and not the last."""


def in_background(call: Callable[[], object]) -> tuple[threading.Thread, list[object]]:
    """Start a call in a thread; its result goes into the list."""
    results: list[object] = []
    thread = threading.Thread(target=lambda: results.append(call()))
    thread.start()
    return thread, results


def lose_answer_to(proxy: Proxy, wanted: Callable[[bytes], bool]) -> threading.Event:
    """Let the next matching request reach the server, drop the answer, and cut the link."""
    struck = threading.Event()

    def up(data: bytes) -> bool:
        if not struck.is_set() and wanted(data):
            struck.set()
            proxy.drop_down = True
        return True

    def down(data: bytes) -> bool:
        if proxy.drop_down and proxy.on_down is not None:
            proxy.on_down = None
            proxy.cut()
            proxy.drop_down = False
            return False
        return True

    proxy.on_up, proxy.on_down = up, down
    return struck


def is_create(data: bytes) -> bool:
    return b"/job/taken/entry-" in data and b"/job/entries/entry-" in data and DELETE not in data


def is_consume(data: bytes) -> bool:
    return b"/job/entries/entry-" in data and DELETE in data


def is_release(data: bytes) -> bool:
    return b"/job/taken/entry-" in data and b"/job/entries/entry-" not in data


def test_an_expired_session_loses_its_claims_and_claims_anew(
    make_queue: MakeQueue, connect: Connect, tree: Tree, zk_hosts: str
) -> None:
    lost: list[Claim] = []
    zk = connect(timeout=LONG_SESSION)
    queue = make_queue(zk, on_lost=lost.append)
    tree.fill(2)
    first, second = claim_of(queue), claim_of(queue)
    assert zk.session_id is not None
    expire(zk_hosts, zk.session_id)
    eventually(lambda: sorted(c.entry for c in lost) == tree.entries(), "both claims are lost")
    assert not first.is_live()
    assert queue.claims() == ()
    assert queue.consume(first) is Settled.LOST
    assert tree.entries() == [first.entry, second.entry]
    again = queue.reclaim(second, WAIT)
    assert again is not None
    assert (again.entry, again.job_id, again.is_live()) == (second.entry, second.job_id, True)
    assert queue.consume(again) is Settled.CONSUMED
    assert claim_of(queue).entry == first.entry


def test_an_entry_whose_lost_claim_is_still_run_is_not_claimed_again_here(
    make_queue: MakeQueue, connect: Connect, tree: Tree, zk_hosts: str
) -> None:
    zk = connect(timeout=LONG_SESSION)
    queue = make_queue(zk)
    tree.put()
    claim = claim_of(queue)
    assert zk.session_id is not None
    expire(zk_hosts, zk.session_id)
    eventually(lambda: zk.epoch == 1 and zk.is_connected, "a new session")
    assert queue.take("other", 0.7) is None
    assert queue.release(claim) is Settled.LOST
    assert claim_of(queue).entry == claim.entry


def test_a_lost_entry_that_somebody_else_took_is_not_reclaimed(
    make_queue: MakeQueue, connect: Connect, tree: Tree, zk_hosts: str
) -> None:
    zk = connect(timeout=LONG_SESSION)
    queue = make_queue(zk)
    tree.put()
    claim = claim_of(queue)
    assert zk.session_id is not None
    queue.pause("so that only the other one claims")
    expire(zk_hosts, zk.session_id)
    other = make_queue(instance="executor-2")
    theirs = claim_of(other)
    eventually(lambda: zk.epoch == 1 and zk.is_connected, "a new session")
    assert queue.reclaim(claim, 0.6) is None
    assert other.consume(theirs) is Settled.CONSUMED
    assert queue.reclaim(claim, WAIT) is None


def test_expiry_while_idle_is_mended(
    make_queue: MakeQueue, connect: Connect, tree: Tree, zk_hosts: str
) -> None:
    zk = connect(timeout=LONG_SESSION)
    queue = make_queue(zk)
    thread, found = in_background(lambda: queue.take("w", WAIT))
    time.sleep(0.2)
    assert zk.session_id is not None
    expire(zk_hosts, zk.session_id)
    name = tree.put()
    thread.join(WAIT)
    assert [claim.entry for claim in found if isinstance(claim, Claim)] == [name]


def test_a_session_that_expires_as_the_consume_is_sent_leaves_the_entry(
    make_queue: MakeQueue, connect: Connect, tree: Tree, proxy: Proxy, proxy_hosts: str
) -> None:
    zk = connect(proxy_hosts, timeout=LONG_SESSION)
    queue = make_queue(zk)
    name = tree.put()
    claim = claim_of(queue)

    def up(data: bytes) -> bool:
        if is_consume(data):
            proxy.on_up = None
            assert zk.session_id is not None
            expire(zk.hosts.replace(str(proxy.port), str(proxy.target)), zk.session_id)
        return True

    proxy.on_up = up
    assert queue.consume(claim) is Settled.LOST
    assert tree.entries() == [name]
    assert claim_of(queue).entry == name


def test_a_job_queued_after_a_blip_is_claimed(
    make_queue: MakeQueue, connect: Connect, tree: Tree, proxy: Proxy, proxy_hosts: str
) -> None:
    zk = connect(proxy_hosts, timeout=LONG_SESSION)
    queue = make_queue(zk)
    thread, found = in_background(lambda: queue.take("w", WAIT))
    time.sleep(0.2)
    proxy.cut()
    eventually(lambda: proxy.links > 0 and zk.is_connected, "connected again")
    name = tree.put()
    thread.join(WAIT)
    assert [claim.entry for claim in found if isinstance(claim, Claim)] == [name]
    assert zk.epoch == 0


def test_a_claim_whose_answer_is_lost_keeps_nothing_locked(
    make_queue: MakeQueue, connect: Connect, tree: Tree, proxy: Proxy, proxy_hosts: str
) -> None:
    zk = connect(proxy_hosts, timeout=LONG_SESSION)
    queue = make_queue(zk)
    queue.take("w", 0.2)
    struck = lose_answer_to(proxy, is_create)
    name = tree.put()
    claim = claim_of(queue)
    assert struck.is_set()
    assert (claim.entry, zk.epoch) == (name, 0)
    assert queue.claims() == (claim,)
    assert queue.consume(claim) is Settled.CONSUMED
    assert (tree.entries(), tree.locks()) == ([], [])


def test_a_consume_whose_answer_is_lost_counts_as_done(
    make_queue: MakeQueue, connect: Connect, tree: Tree, proxy: Proxy, proxy_hosts: str
) -> None:
    queue = make_queue(connect(proxy_hosts, timeout=LONG_SESSION))
    tree.put()
    claim = claim_of(queue)
    struck = lose_answer_to(proxy, is_consume)
    assert queue.consume(claim) is Settled.CONSUMED
    assert struck.is_set()
    assert (tree.entries(), tree.locks()) == ([], [])


def test_a_release_whose_answer_is_lost_does_not_free_a_stock_consumers_lock(
    make_queue: MakeQueue,
    connect: Connect,
    tree: Tree,
    kazoo: KazooClient,
    proxy: Proxy,
    proxy_hosts: str,
) -> None:
    queue = make_queue(connect(proxy_hosts, timeout=LONG_SESSION))
    name = tree.put()
    claim = claim_of(queue)
    struck = lose_answer_to(proxy, is_release)
    proxy_up = proxy.on_up

    def up(data: bytes) -> bool:
        # What comes after the lost answer has to wait until the stock consumer has the lock.
        if struck.is_set():
            eventually(lambda: taken.is_set(), "the stock consumer claims")
        assert proxy_up is not None
        proxy_up(data)
        return True

    taken = threading.Event()
    proxy.on_up = up
    stock = LockingQueue(kazoo, "/job")
    thread, outcome = in_background(lambda: queue.release(claim, cooldown=60.0))
    assert stock.get(timeout=WAIT) == claim.job_id.encode()
    taken.set()
    thread.join(WAIT)
    assert outcome in ([Settled.RELEASED], [Settled.LOST])
    assert struck.is_set()
    assert tree.locks() == [name]
    assert stock.consume()


def test_a_link_that_is_severed_for_half_a_session_costs_nothing(
    make_queue: MakeQueue, connect: Connect, tree: Tree, proxy: Proxy, proxy_hosts: str
) -> None:
    zk = connect(proxy_hosts, timeout=LONG_SESSION)
    queue = make_queue(zk)
    tree.put()
    claim = claim_of(queue)
    proxy.pause()
    time.sleep(0.4 * LONG_SESSION)
    assert claim.is_live()
    proxy.resume()
    assert queue.consume(claim) is Settled.CONSUMED
    assert zk.epoch == 0


def test_a_severed_link_loses_the_claim_before_another_can_have_it(
    make_queue: MakeQueue, connect: Connect, tree: Tree, proxy: Proxy, proxy_hosts: str
) -> None:
    lost: list[float] = []
    ours = make_queue(
        connect(proxy_hosts, timeout=2.0), on_lost=lambda _: lost.append(time.monotonic())
    )
    tree.put()
    claim = claim_of(ours)
    other = make_queue(instance="executor-2")
    last_live = [0.0]
    over = threading.Event()

    def observe() -> None:
        while not over.wait(0.005):
            if claim.is_live():
                last_live[0] = time.monotonic()

    observer = threading.Thread(target=observe)
    observer.start()
    proxy.pause()
    theirs = claim_of(other)
    taken = time.monotonic()
    over.set()
    observer.join()
    assert theirs.entry == claim.entry
    assert last_live[0] < taken
    eventually(lambda: lost, "the worker is told")
    proxy.resume()
    assert ours.consume(claim) is Settled.LOST
    assert other.consume(theirs) is Settled.CONSUMED
    eventually(lambda: tree.locks() == [], "no lock is left")


def test_a_session_that_outlives_its_lease_gives_its_old_locks_back(
    make_queue: MakeQueue, connect: Connect, tree: Tree, proxy: Proxy, proxy_hosts: str
) -> None:
    """Requests pass and keep the session alive, but no answer comes: the lease ends first."""
    lost: list[Claim] = []
    zk = connect(proxy_hosts, timeout=2.0)
    queue = make_queue(zk, on_lost=lost.append)
    name = tree.put()
    claim = claim_of(queue)
    proxy.drop_down = True
    eventually(lambda: lost == [claim], "the claim is lost")
    proxy.drop_down = False
    proxy.cut()
    eventually(lambda: tree.locks() == [], "the lock goes")
    assert queue.take("other", 0.5) is None
    assert queue.consume(claim) is Settled.LOST
    assert claim_of(queue).entry == name


def test_a_short_restart_of_the_server_keeps_claims(
    own_server: ZooKeeperServer, connect: Connect, make_queue: MakeQueue
) -> None:
    zk = connect(own_server.hosts, timeout=LONG_SESSION)
    queue = make_queue(zk)
    queue.put("job/1")
    queue.put("job/2")
    claim = claim_of(queue)
    own_server.kill()
    thread, outcome = in_background(lambda: queue.consume(claim))
    own_server.start()
    thread.join(WAIT)
    if zk.epoch == 0:  # on a loaded machine the start may take longer than the lease
        assert outcome == [Settled.CONSUMED]
        assert claim_of(queue).job_id == "job/2"


def test_a_server_that_is_away_longer_than_a_session_loses_no_job(
    own_server: ZooKeeperServer, connect: Connect, make_queue: MakeQueue
) -> None:
    lost: list[Claim] = []
    zk = connect(own_server.hosts)
    queue = make_queue(zk, on_lost=lost.append)
    queue.put("job/1")
    claim = claim_of(queue)
    own_server.kill()
    eventually(lambda: lost == [claim], "the claim is lost")
    before = time.process_time()
    assert queue.take("other", 2.0) is None
    assert time.process_time() - before < 0.5
    own_server.start()
    again = queue.reclaim(claim, WAIT)
    assert again is not None
    assert again.job_id == "job/1"
    assert queue.consume(again) is Settled.CONSUMED
    assert zk.children(TAKEN)[0] == zk.children(ENTRIES)[0] == []  # type: ignore[index]


def test_a_server_that_comes_back_empty_gets_a_new_queue(
    own_server: ZooKeeperServer, connect: Connect, make_queue: MakeQueue
) -> None:
    zk = connect(own_server.hosts)
    queue = make_queue(zk)
    for number in range(20):
        queue.put(f"job/{number}")
    claim = claim_of(queue)
    own_server.kill()
    for folder in own_server.data.glob("version-2"):
        for file in folder.iterdir():
            file.unlink()
    own_server.start()
    eventually(lambda: zk.epoch > 0 and zk.is_connected, "a new session", within=30)
    assert queue.consume(claim) is Settled.LOST
    queue.put("job/new")
    assert claim_of(queue).job_id == "job/new"


def test_a_garbled_frame_costs_the_session_and_nothing_else(
    make_queue: MakeQueue, connect: Connect, tree: Tree, proxy: Proxy, proxy_hosts: str
) -> None:
    zk = connect(proxy_hosts, timeout=LONG_SESSION)
    queue = make_queue(zk)
    tree.put()
    claim = claim_of(queue)
    proxy.inject(b"\xff\xff\xff\xf0garbage")
    eventually(lambda: zk.epoch == 1 and zk.is_connected, "a new client")
    assert not claim.is_live()
    again = queue.reclaim(claim, WAIT)
    assert again is not None
    assert queue.consume(again) is Settled.CONSUMED


@pytest.fixture
def ensemble(tmp_path_factory: pytest.TempPathFactory) -> object:
    """Three members."""
    servers = start_ensemble(tmp_path_factory.mktemp("ensemble"))
    yield servers
    for server in servers:
        server.kill()


def test_a_killed_leader_and_a_rolling_restart_lose_no_claim(
    ensemble: list[ZooKeeperServer], connect: Connect, make_queue: MakeQueue
) -> None:
    zk = connect(",".join(server.hosts for server in ensemble), timeout=LONG_SESSION)
    queue = make_queue(zk)
    jobs = sorted(queue.put(f"job/{number}") for number in range(60))
    done: list[str] = []

    def work() -> None:
        while (claim := queue.take("w", 6.0)) is not None:
            time.sleep(0.05)
            if queue.consume(claim) is Settled.CONSUMED:
                done.append(claim.entry)

    workers = [threading.Thread(target=work) for _ in range(2)]
    for worker in workers:
        worker.start()
    for server in ensemble:
        server.kill()
        server.start()
    for worker in workers:
        worker.join(60)
    if zk.epoch == 0:
        assert sorted(done) == jobs
    remaining = zk.children(ENTRIES)
    assert remaining is not None
    assert remaining[0] == []


def _stray(zk: ZooKeeper, queue: JobQueue, name: str) -> None:
    zk.create(lock_path(name), b"", ephemeral=True)
    queue._keeper._sweep_wanted = True
    queue._keeper.poke()


def test_a_lock_of_our_session_without_a_claim_is_swept(
    make_queue: MakeQueue, connect: Connect, tree: Tree
) -> None:
    zk = connect(timeout=LONG_SESSION)
    queue = make_queue(zk)
    tree.put()
    claim = claim_of(queue)
    _stray(zk, queue, "entry-999-0000000099")
    eventually(lambda: tree.locks() == [claim.entry], "the stray lock goes, the claim's stays")
