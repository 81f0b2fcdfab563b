"""What strangers put into the queue: rows 27 to 29, 31, 33 and 34."""

from __future__ import annotations

import re
import time
from pathlib import Path

import pytest
from kazoo.security import OPEN_ACL_UNSAFE, make_acl

from engine.zookeeper.paths import ENTRIES, TAKEN, entry_path, lock_path
from tests.faults.world import World
from tests.support import eventually

UNUSABLE: list[bytes | None] = [
    None,
    b"",
    b"\xff\xfe\x00",
    b"not a job",
    b"job/",
    b"job/UPPER",
    b"user/3d2f5b0e-5f5e-4a6c-9d5e-0a6b7c8d9e0f",
    b"job/x\n2026 ERROR a forged line",
    b"job/\x1b[2J",
    b"x" * 1_000_000,
]
TRICKS: list[bytes | None] = [
    b"job/../user/x",
    b"job/x?select=id",
    b"job/x#y",
    b"http://127.0.0.1:1/evil",
    b"//evil/job/x",
    b"job/%2e%2e/user",
    b"job/x/cancel",
]


@pytest.mark.row(27, 28)
@pytest.mark.parametrize("contents", [UNUSABLE, TRICKS], ids=["unusable", "tricks"])
def test_an_entry_without_a_job_id_is_removed_and_never_a_url(
    world: World, contents: list[bytes | None]
) -> None:
    """It is said in the log, in one harmless line each; what is behind it runs."""
    names = [
        world.kazoo.create(f"{ENTRIES}/entry-100-", data, sequence=True).rpartition("/")[2]
        for data in contents
    ]
    job = world.add()
    executor = world.executor()
    world.wait_state("SUCCESS", job)
    world.wait_drained()
    paths = {call.path for call in world.api.calls if call.path.startswith(("job/", "user"))}
    assert paths == {job}
    assert all(name in executor.output() for name in names)
    assert not re.search("[\x00-\x08\x0b-\x1f\x7f\x80-\x9f]", executor.output())
    assert not any(line.startswith("2026 ERROR") for line in executor.output().splitlines())
    # It does not spin: stock consumers do, on an entry without data.
    began, used = time.monotonic(), executor.cpu_seconds()
    eventually(lambda: time.monotonic() > began + 2.0, "two seconds pass")
    assert executor.cpu_seconds() - used < 1.0


@pytest.mark.row(29)
def test_foreign_nodes_in_the_queue_are_left_alone_and_do_not_block_it(world: World) -> None:
    """A hundred jobs behind them run; the nodes stay, unlocked."""
    strangers = ["aaa", "entry-1", "entry-9999-0000000001", "entry-100-000000000x", "zzz"]
    for name in strangers:
        world.kazoo.create(f"{ENTRIES}/{name}", b"job/stranger")
    jobs = world.add_many(100)
    world.executor(threads=4)
    world.wait_state("SUCCESS", *jobs)
    eventually(lambda: not world.names(TAKEN), "nothing is locked")
    assert world.names(ENTRIES) == sorted(strangers)
    assert not world.api.called(path="job/stranger")


@pytest.mark.row(31)
def test_a_lock_without_an_entry_is_ignored_and_not_deleted(world: World) -> None:
    """A foreign leak: it is not ours to mend."""
    orphan = "entry-999-0000099999"
    stranger = world.client()
    stranger.create(lock_path(orphan), b"0" * 32, ephemeral=True)
    world.executor()
    jobs = world.add_many(10)
    world.wait_state("SUCCESS", *jobs)
    eventually(lambda: world.names(TAKEN) == [orphan], "only the foreign lock is left")


@pytest.mark.row(32)
def test_an_entry_deleted_by_hand_while_its_job_runs_costs_nothing(world: World) -> None:
    """The result is written, and our lock goes."""
    world.executor()
    gate = world.gate()
    job = world.hold(gate)
    world.wait_running(job)
    world.kazoo.delete(entry_path(world.names(ENTRIES)[0]))
    gate.touch()
    world.wait_state("SUCCESS", job)
    world.wait_drained()


@pytest.mark.row(35)
def test_a_queue_made_anew_with_the_old_names_holds_new_jobs(world: World) -> None:
    """A name is no id: what ran under it before is not mixed up with what waits there now."""
    world.executor(threads=2)
    gate = world.gate()
    old = world.hold(gate)
    world.wait_running(old)
    world.kazoo.delete(ENTRIES, recursive=True)
    world.kazoo.create(ENTRIES)
    new = [world.add() for _ in range(3)]
    # Before that it has not looked, and cannot know that its entry's name means another job now.
    world.wait_state("SUCCESS", *new[1:])
    gate.touch()
    world.wait_state("SUCCESS", old, *new)
    world.wait_drained()


@pytest.mark.row(25)
def test_a_queue_that_may_not_be_read_is_waited_for(world: World) -> None:
    """The running job ends; claiming goes on when the right is back; no flood in the log."""
    executor = world.executor(threads=2)
    gate = world.gate()
    held = world.hold(gate)
    world.wait_running(held)
    no_reading = [make_acl("world", "anyone", create=True, delete=True, admin=True)]
    world.kazoo.set_acls(ENTRIES, no_reading)
    waiting = world.add()
    gate.touch()
    world.wait_state("SUCCESS", held)
    # The server tells no watch of a node that may not be read: the lock that goes makes it look.
    executor.says("forbid", within=30)
    assert len(executor.output().splitlines()) < 20
    world.kazoo.set_acls(ENTRIES, OPEN_ACL_UNSAFE)
    world.wait_state("SUCCESS", waiting, within=90)
    world.wait_drained()


@pytest.mark.row(33)
def test_a_lock_deleted_by_hand_leaves_the_entry_to_whoever_takes_it(
    world: World, tmp_path: Path
) -> None:
    """We neither consume the entry nor free the lock of the stock consumer that has it now."""
    gate, stock_gate = world.gate(), tmp_path / "stock-gate"
    world.executor(threads=1)
    job = world.hold(gate)
    world.wait_running(job)
    world.allowed.second_run_of(job)
    stock = world.stock(hold=stock_gate)
    lock = lock_path(world.names(TAKEN)[0])
    world.kazoo.delete(lock)
    eventually(
        lambda: stock.pid in world.journal.running().get(job, ()), "the stock consumer has it"
    )
    theirs = world.kazoo.exists(lock)
    gate.touch()
    eventually(lambda: world.journal.ends()[job] >= 1, "our action has ended")
    probe = world.add()
    world.wait_running(probe)
    now = world.kazoo.exists(lock)
    assert now is not None and now.czxid == theirs.czxid
    assert world.entry_of(job)
    stock_gate.touch()
    eventually(lambda: world.journal.lines("stock consumed", job), "it consumed the entry")
    world.wait_drained()


@pytest.mark.row(34)
def test_a_new_tree_without_locks_is_completed(world: World) -> None:
    """The server makes /job/entries only."""
    world.kazoo.delete(TAKEN)
    jobs = world.add_many(3)
    world.executor()
    world.wait_state("SUCCESS", *jobs)
    world.wait_drained()


@pytest.mark.row(34)
def test_an_empty_zookeeper_is_enough_to_start(world: World) -> None:
    """Not even the entries are there yet."""
    world.kazoo.delete("/job", recursive=True)
    world.executor()
    eventually(lambda: world.kazoo.exists(ENTRIES), "the queue was made")
    job = world.add()
    world.wait_state("SUCCESS", job)
    world.wait_drained()
