"""Tests of engine.view.queue, against nodes that a stock client makes."""

from __future__ import annotations

import uuid
from datetime import UTC, datetime, timedelta

from kazoo.client import KazooClient

from engine.models import LockNote
from engine.view.queue import (
    entries_by_job,
    find_entries,
    list_anew,
    list_entries,
    read_depth,
    read_entries,
    read_locks,
    read_names,
    read_queue,
    read_taken,
)
from engine.zookeeper.connection import ZooKeeper
from engine.zookeeper.paths import ENTRIES, TAKEN, entry_path, entry_prefix, lock_path

HEX_ID = b"0123456789abcdef0123456789abcdef"


def put(kazoo: KazooClient, priority: int = 999, data: bytes | None = None) -> str:
    """Make an entry and return its name."""
    content = f"job/{uuid.uuid4()}".encode() if data is None else data
    path: str = kazoo.create(entry_prefix(priority), content, sequence=True, makepath=True)
    return path.rpartition("/")[2]


def lock(kazoo: KazooClient, name: str, data: bytes = HEX_ID) -> None:
    """Hold an entry as an executor would."""
    kazoo.create(lock_path(name), data, ephemeral=True, makepath=True)


def test_a_tree_without_a_queue_reads_as_an_empty_queue(zk: ZooKeeper) -> None:
    snapshot = read_queue(zk)
    assert (snapshot.depth, snapshot.held, snapshot.entries) == (0, 0, ())
    assert read_depth(zk) == 0
    assert read_taken(zk).locks == ()


def test_entries_come_in_the_order_in_which_they_run(zk: ZooKeeper, kazoo: KazooClient) -> None:
    late, early = put(kazoo, 999), put(kazoo, 999)
    urgent = put(kazoo, 10)
    assert [entry.name for entry in read_queue(zk).entries] == [urgent, late, early]
    assert read_depth(zk) == 3


def test_an_entry_has_its_job_its_priority_and_its_age(zk: ZooKeeper, kazoo: KazooClient) -> None:
    name = put(kazoo, 42, b"job/3d2f5b0e-5f5e-4a6c-9d5e-0a6b7c8d9e0f")
    (entry,) = read_queue(zk).entries
    assert entry.name == name
    assert entry.priority == 42
    assert entry.job_id == "job/3d2f5b0e-5f5e-4a6c-9d5e-0a6b7c8d9e0f"
    assert entry.created is not None
    assert abs(datetime.now(UTC) - entry.created) < timedelta(minutes=1)
    assert not entry.is_taken


def test_a_limit_reads_the_head_and_still_counts_all(zk: ZooKeeper, kazoo: KazooClient) -> None:
    names = [put(kazoo) for _ in range(5)]
    lock(kazoo, names[4])
    snapshot = read_queue(zk, limit=2)
    assert [entry.name for entry in snapshot.entries] == names[:2]
    assert (snapshot.depth, snapshot.held, snapshot.waiting) == (5, 1, 4)


def test_the_owner_of_our_lock_is_named_by_the_lock_itself(
    zk: ZooKeeper, kazoo: KazooClient
) -> None:
    name = put(kazoo)
    lock(kazoo, name, LockNote(instance="exec-a-1", thread="w-3", claim="c").to_node())
    (entry,) = read_queue(zk).entries
    assert entry.lock is not None
    assert entry.lock.owner.instance == "exec-a-1"
    assert entry.lock.owner.thread == "w-3"
    assert not entry.lock.owner.is_foreign


def test_the_owner_of_a_foreign_lock_is_its_session(zk: ZooKeeper, kazoo: KazooClient) -> None:
    lock(kazoo, put(kazoo))
    (held,) = read_taken(zk).locks
    assert held.owner.is_foreign
    assert kazoo.client_id is not None
    assert held.owner.session == kazoo.client_id[0]
    assert held.job_id is not None


def test_a_lock_without_an_entry_is_an_orphan(zk: ZooKeeper, kazoo: KazooClient) -> None:
    lock(kazoo, "entry-999-0000000007")
    (held,) = read_taken(zk).locks
    assert held.is_orphan
    assert held.job_id is None
    assert read_queue(zk).held == 0


def test_locks_come_oldest_first(zk: ZooKeeper, kazoo: KazooClient) -> None:
    names = [put(kazoo) for _ in range(3)]
    for name in reversed(names):
        lock(kazoo, name)
    locks = read_taken(zk).locks
    assert [held.since for held in locks] == sorted(held.since for held in locks)
    assert {held.entry for held in locks} == set(names)


def test_unusable_entries_say_what_is_wrong(zk: ZooKeeper, kazoo: KazooClient) -> None:
    for data in (b"", b"\xff\xfe", b"not a job", b"job/\x1b[31m", b"x" * 100_000):
        put(kazoo, data=data)
    entries = read_queue(zk).entries
    assert [entry.job_id for entry in entries] == [None] * 5
    problems = [entry.problem or "" for entry in entries]
    assert problems[0] == "no data"
    assert all(problem.startswith("no job id: ") for problem in problems[1:])
    assert all(len(problem) < 200 and "\x1b" not in problem for problem in problems)


def test_foreign_nodes_are_shown_apart(zk: ZooKeeper, kazoo: KazooClient) -> None:
    name = put(kazoo)
    for foreign in ("aaa", "entry-1", "entry-9999-0000000001", "a\u202eb"):
        kazoo.create(f"{ENTRIES}/{foreign}", b"job/x")
    snapshot = read_queue(zk)
    assert [entry.name for entry in snapshot.entries] == [name]
    assert snapshot.depth == 1
    assert snapshot.foreign == ("aaa", "a<U+202E>b", "entry-1", "entry-9999-0000000001")


def test_a_foreign_lock_on_a_foreign_node_is_shown(zk: ZooKeeper, kazoo: KazooClient) -> None:
    kazoo.create(f"{ENTRIES}/aaa", b"job/x", makepath=True)
    lock(kazoo, "aaa")
    (held,) = read_taken(zk).locks
    assert (held.entry, held.job_id, held.is_orphan) == ("aaa", "job/x", False)


def test_names_that_vanished_are_left_out(zk: ZooKeeper, kazoo: KazooClient) -> None:
    name = put(kazoo)
    found = read_entries(zk, ["entry-999-0000009999", name])
    assert [entry.name for entry in found] == [name]
    assert read_locks(zk, [name, "entry-999-0000009999"]) == {}


def test_negative_sequences_are_entries_too(zk: ZooKeeper, kazoo: KazooClient) -> None:
    kazoo.create(f"{ENTRIES}/entry-999--000000005", b"job/x", makepath=True)
    kazoo.create(f"{ENTRIES}/entry-999--2147483648", b"job/y")
    assert [entry.sequence for entry in read_queue(zk).entries] == [-5, -2147483648]


def test_a_job_can_stand_in_several_entries(zk: ZooKeeper, kazoo: KazooClient) -> None:
    twice = [put(kazoo, data=b"job/twice") for _ in range(2)]
    put(kazoo, data=b"no job")
    found = entries_by_job(read_entries(zk, read_names(zk)[0]))
    assert [entry.name for entry in found["job/twice"]] == twice
    assert list(found) == ["job/twice"]


def test_the_taken_node_alone_is_no_lock(zk: ZooKeeper, kazoo: KazooClient) -> None:
    kazoo.ensure_path(TAKEN)
    assert read_taken(zk).locks == ()


def test_the_entries_of_one_job_are_found_wherever_they_stand(
    zk: ZooKeeper, kazoo: KazooClient
) -> None:
    made = [
        kazoo.create("/job/entries/entry-500-", job, sequence=True, makepath=True)
        for job in (b"job/a", b"job/ab", b"", b"job/a", b"\xff")
    ]
    found = find_entries(zk, "job/a")
    assert [entry.name for entry in found] == [made[n].rpartition("/")[2] for n in (0, 3)]
    assert find_entries(zk, "job/nowhere") == []


def test_a_listing_holds_until_an_entry_is_made(zk: ZooKeeper, kazoo: KazooClient) -> None:
    assert list_anew(zk, None).names == []
    first, second = sorted([put(kazoo, 10), put(kazoo, 10)])
    listing = list_anew(zk, list_entries(zk))
    assert listing.names == [first, second]
    kazoo.delete(entry_path(first))
    assert list_anew(zk, listing) is listing
    third = put(kazoo, 1)
    anew = list_anew(zk, listing)
    assert anew.names == [third, second]
    kazoo.delete(ENTRIES, recursive=True)
    assert list_anew(zk, anew).names == []
