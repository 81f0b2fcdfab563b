"""The link to ZooKeeper blips, is severed, or loses answers: rows 11 to 17, 18 and 40."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator

import pytest

from engine.local.zookeeper import ZooKeeperServer
from engine.zookeeper.paths import ENTRIES, TAKEN, lock_path
from tests.faults import api_faults
from tests.faults.job_api import Exchange
from tests.faults.proxy import Proxy
from tests.faults.world import SESSION_TIMEOUT, World
from tests.support import eventually


@pytest.fixture
def proxy(zookeeper_server: ZooKeeperServer) -> Iterator[Proxy]:
    """The link between one process and the shared ZooKeeper."""
    with Proxy(zookeeper_server.port) as proxy:
        yield proxy


def through(proxy: Proxy, world: World) -> str:
    """Return the connection string that goes through the proxy."""
    return f"{proxy.hosts}/{world.hosts.partition('/')[2]}"


def lose_answers_after(proxy: Proxy, sent: bytes) -> threading.Event:
    """Drop all answers from the first request on that holds these bytes; return when it went."""
    seen = threading.Event()

    def hook(data: bytes) -> None:
        if sent in data:
            proxy.drop_down = True
            seen.set()

    proxy.on_up = hook
    return seen


def restore(proxy: Proxy) -> None:
    """End the faulty link; the next one is sound."""
    proxy.on_up = None
    proxy.cut()
    proxy.drop_down = False


@pytest.mark.row(12)
def test_a_blip_while_waiting_does_not_make_it_deaf(world: World, proxy: Proxy) -> None:
    """The stock recipe hangs here for ever, with jobs queued."""
    executor = world.executor(hosts=through(proxy, world))
    session = world.session_of(executor)
    for _ in range(3):
        proxy.cut()
        eventually(lambda: proxy.links, "it is connected again")
        job = world.add()
        world.wait_state("SUCCESS", job)
    world.wait_drained()
    assert world.session_of(executor) == session


@pytest.mark.row(13)
def test_a_claim_whose_answer_was_lost_is_cleared_up_and_the_job_runs_once(
    world: World, proxy: Proxy
) -> None:
    """The session lives on: nobody else could free that lock."""
    executor = world.executor(hosts=through(proxy, world), threads=1, session_timeout=4.0)
    session = world.session_of(executor)
    lost = lose_answers_after(proxy, f"{TAKEN}/entry".encode())
    job = world.add()
    assert lost.wait(15)
    eventually(lambda: world.names(TAKEN), "the server made the lock")
    restore(proxy)
    world.wait_state("SUCCESS", job)
    world.wait_drained()
    assert world.session_of(executor) == session


@pytest.mark.row(14)
def test_a_consume_whose_answer_was_lost_counts_as_done(world: World, proxy: Proxy) -> None:
    """It is looked at again: no second run, no lock, and the next job starts."""
    executor = world.executor(hosts=through(proxy, world), threads=1, session_timeout=4.0)
    session, gate = world.session_of(executor), world.gate()
    job = world.hold(gate)
    world.wait_running(job)
    lost = lose_answers_after(proxy, f"{ENTRIES}/entry".encode())
    gate.touch()
    assert lost.wait(15)
    eventually(lambda: not world.names(ENTRIES), "the server removed the entry")
    restore(proxy)
    again = world.add()
    world.wait_state("SUCCESS", job, again)
    world.wait_drained()
    assert world.session_of(executor) == session


@pytest.mark.row(15)
def test_a_release_whose_answer_was_lost_never_frees_the_lock_of_the_next_owner(
    world: World, proxy: Proxy
) -> None:
    """A stock consumer has taken the entry under the same name meanwhile."""
    executor = world.executor(hosts=through(proxy, world), threads=1, session_timeout=4.0)
    world.session_of(executor)
    lost: list[threading.Event] = []

    def fail(exchange: Exchange) -> None:
        if not lost:
            lost.append(lose_answers_after(proxy, f"{TAKEN}/entry".encode()))
        api_faults.status(503)(exchange)

    world.api.rule(
        fail, method="GET", path="job/.*", when=lambda call: not (lost and lost[0].is_set())
    )
    job, gate = world.add(), world.gate()
    eventually(lambda: lost and lost[0].is_set(), "the release was sent")
    eventually(lambda: not world.names(TAKEN), "the server freed the lock")
    stock = world.stock(hold=gate)
    world.wait_running(job)
    lock = lock_path(world.names(TAKEN)[0])
    theirs = world.kazoo.exists(lock)
    restore(proxy)
    probe = world.add()
    world.wait_state("SUCCESS", probe)
    now = world.kazoo.exists(lock)
    assert now is not None
    assert now.czxid == theirs.czxid
    gate.touch()
    world.wait_drained()
    assert {line.pid for line in world.journal.lines("start", job)} == {stock.pid}


@pytest.mark.row(11)
def test_a_session_that_ends_at_the_consume_leaves_a_final_job_that_is_not_run_again(
    world: World, proxy: Proxy
) -> None:
    """Whoever claims the entry next takes it away."""
    executor = world.executor(hosts=through(proxy, world), threads=1)
    gate = world.gate()
    job = world.hold(gate)
    world.wait_running(job)
    expired = threading.Event()

    def hook(data: bytes) -> bool:
        if f"{ENTRIES}/entry".encode() not in data or expired.is_set():
            return True
        expired.set()
        world.expire(executor)
        return False

    proxy.on_up = hook
    gate.touch()
    assert expired.wait(15)
    world.wait_drained()
    assert world.state(job) == "SUCCESS"
    assert world.journal.starts()[job] == 1


@pytest.mark.row(16)
def test_a_link_severed_for_half_a_session_costs_no_claim(world: World, proxy: Proxy) -> None:
    """The job runs on under the same lock."""
    executor = world.executor(hosts=through(proxy, world), session_timeout=4.0)
    session, gate = world.session_of(executor), world.gate()
    job = world.hold(gate)
    world.wait_running(job)
    lock = world.kazoo.exists(lock_path(world.names(TAKEN)[0]))
    proxy.pause()
    time.sleep(2.0)  # the fault itself: a link severed for this long
    proxy.resume()
    later = world.add()
    world.wait_state("SUCCESS", later)
    now = world.kazoo.exists(lock_path(world.names(TAKEN)[0]))
    gate.touch()
    world.wait_drained()
    if world.session_of(executor) == session:  # a machine under load may lose more time than that
        assert now.czxid == lock.czxid


@pytest.mark.row(17, 18)
@pytest.mark.parametrize("way", ["severed", "answers lost"])
def test_a_link_severed_for_long_counts_as_lost_before_another_can_start(
    world: World, proxy: Proxy, way: str
) -> None:
    """By the clock of the lease: nobody tells a process that is cut off."""
    first = world.executor(
        name="first", hosts=through(proxy, world), threads=1, session_timeout=4.0
    )
    gate = world.gate()
    job = world.hold(gate, step=0.1, report=True)
    eventually(lambda: world.reports(job, first.pid), "the first reports")
    second = world.executor(name="second", threads=1)
    world.allowed.second_run_of(job)
    if way == "severed":
        proxy.pause()
    else:
        proxy.drop_down = True
    eventually(lambda: world.reports(job, second.pid), "the second runs it", within=30)
    begun = next(line.at for line in world.journal.lines("start", job) if line.pid == second.pid)
    eventually(lambda: world.reports(job, second.pid, since=begun + SESSION_TIMEOUT), "time passes")
    # Between its check of the lease and the arrival of a report lies a moment, no more.
    assert not world.reports(job, first.pid, since=begun + 1.0)
    proxy.drop_down = False
    proxy.resume()
    proxy.cut()
    mended = time.monotonic()
    eventually(lambda: world.reports(job, second.pid, since=mended + 1.5), "time passes")
    assert not world.reports(job, first.pid, since=begun + 1.0)
    gate.touch()
    world.wait_drained()
    assert world.state(job) == "SUCCESS"
    assert len([write for write in world.store.writes[job] if "SUCCESS" in str(write)]) == 1


@pytest.mark.row(20)
def test_a_member_that_goes_silent_is_left_for_another_in_time(
    world: World, zookeeper_server: ZooKeeperServer
) -> None:
    """As when its machine loses power: no packet says so. The session and its claims live on."""
    with Proxy(zookeeper_server.port) as one, Proxy(zookeeper_server.port) as two:
        hosts = f"{one.hosts},{through(two, world)}"
        executor = world.executor(hosts=hosts, session_timeout=4.0)
        session, gate = world.session_of(executor), world.gate()
        job = world.hold(gate)
        world.wait_running(job)
        mute, sound = (one, two) if one.links else (two, one)
        mute.pause()
        eventually(lambda: sound.links, "it turns to the other")
        later = world.add()
        world.wait_state("SUCCESS", later)
        gate.touch()
        world.wait_drained()
        assert world.session_of(executor) == session


@pytest.mark.row(40)
def test_garbage_on_the_link_costs_no_job(world: World, proxy: Proxy) -> None:
    """A frame that no server sends ends kazoo's client for good: ours takes another."""
    world.executor(hosts=through(proxy, world))
    gate = world.gate()
    job = world.hold(gate)
    world.wait_running(job)
    for garbage in (b"\x00\x00\x00\x10" + b"\x7f" * 16, b"\xff\xff\xff\xff" * 4):
        proxy.inject(garbage)
        later = world.add()
        world.wait_state("SUCCESS", later)
    gate.touch()
    world.wait_state("SUCCESS", job)
    world.wait_drained()
