"""Counting takes and releases, by a watch of real locks that real consumers make."""

from __future__ import annotations

import threading
import time
from dataclasses import replace
from datetime import UTC, datetime, timedelta

from kazoo.client import KazooClient
from kazoo.recipe.queue import LockingQueue

from engine.models import Verdict
from engine.view.diagnosis import diagnose, limits
from engine.view.flaps import FlapCounter, count_flaps
from engine.view.queue import read_locks, read_names
from engine.zookeeper.connection import ZooKeeper
from tests.engine.view.diagnosis.builders import ENTRY, NOW, ago, make_dossier


def test_a_lock_that_went_while_its_entry_stayed_is_a_release() -> None:
    counter = FlapCounter()
    assert counter.flaps(ENTRY, NOW) is None
    for number in range(7):
        counter.observe([(ENTRY, ago(number))], [ENTRY], NOW)
        counter.observe([], [ENTRY], NOW)
    seen = counter.flaps(ENTRY, NOW)
    assert seen is not None
    assert seen.times == 7
    assert diagnose(make_dossier(flaps=seen), NOW).verdict is Verdict.POISON


def test_a_lock_made_anew_between_two_looks_was_released() -> None:
    counter = FlapCounter()
    counter.observe([(ENTRY, ago(9))], [ENTRY], NOW)
    counter.observe([(ENTRY, ago(1))], [ENTRY], NOW)
    seen = counter.flaps(ENTRY, NOW)
    assert seen is not None
    assert seen.times == 1


def test_a_job_that_is_done_is_no_release_and_old_ones_are_forgotten() -> None:
    counter = FlapCounter()
    counter.observe([(ENTRY, ago(9)), ("entry-999-0000000001", ago(9))], [ENTRY], NOW)
    counter.observe([], [ENTRY], NOW)
    done = counter.flaps("entry-999-0000000001", NOW)
    later = NOW + timedelta(seconds=limits.FLAP_WINDOW + 1)
    counter.observe([], [ENTRY], later)
    old = counter.flaps(ENTRY, later)
    assert done is not None
    assert old is not None
    assert (done.times, old.times) == (0, 0)


def test_a_stock_consumer_that_gives_a_job_back_again_and_again(
    zk: ZooKeeper, kazoo: KazooClient
) -> None:
    queue = LockingQueue(kazoo, "/job")
    queue.put(b"job/poison", priority=100)
    counter = FlapCounter()
    for _ in range(limits.FLAPS):
        assert queue.get(timeout=10)
        look_at(counter, zk)
        queue.release()
        look_at(counter, zk)
    (name,) = read_names(zk)[0]
    seen = counter.flaps(name, datetime.now(UTC))
    assert seen is not None
    assert diagnose(replace(make_dossier(), flaps=seen), NOW).verdict is Verdict.POISON


def look_at(counter: FlapCounter, zk: ZooKeeper) -> None:
    """Show the counter what is there."""
    locks = [(name, lock.since) for name, lock in read_locks(zk).items()]
    counter.observe(locks, read_names(zk)[0], datetime.now(UTC))


def test_one_entry_is_watched_until_it_is_sure_or_gone(zk: ZooKeeper, kazoo: KazooClient) -> None:
    queue = LockingQueue(kazoo, "/job")
    queue.put(b"job/poison", priority=100)
    (name,) = read_names(zk)[0]
    assert count_flaps(zk, name, 0.05).times == 0
    stop = threading.Event()

    def flap() -> None:
        while not stop.is_set() and queue.get(timeout=10):
            time.sleep(0.02)
            queue.release()
            time.sleep(0.02)

    flapping = threading.Thread(target=flap)
    flapping.start()
    try:
        seen = count_flaps(zk, name, 60.0)
    finally:
        stop.set()
        flapping.join(30)
    assert seen.times == limits.FLAPS
    kazoo.delete(f"/job/entries/{name}")
    assert count_flaps(zk, name, 60.0).times == 0
