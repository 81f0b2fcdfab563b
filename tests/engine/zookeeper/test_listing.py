"""When a long queue is listed again, and when a look at its counters is enough."""

from __future__ import annotations

import time

import pytest

from engine.zookeeper.backlog import Backlog
from engine.zookeeper.listing import LONG, Listed, Listing
from engine.zookeeper.paths import entry_path, lock_path
from tests.engine.zookeeper.conftest import LONG_SESSION, Connect, Tree
from tests.support import eventually


class Reader:
    """A listing of a queue, as the queue's thread uses it."""

    def __init__(self, connect: Connect) -> None:
        self.zk = connect(timeout=LONG_SESSION)
        self.backlog = Backlog()
        self.held: dict[str, object] = {}
        self.wakes = 0
        self.listing = Listing(self.zk, self.backlog, self.held, self._wake)

    def _wake(self) -> None:
        self.wakes += 1

    def read(self) -> Listed:
        """Read when it is due, once a watch has told of a change."""
        eventually(lambda: self.listing.due_at() <= time.monotonic(), "a list is due")
        listed = self.listing.read(self.zk.epoch)
        assert listed is not None
        if listed.entries is not None:
            self.backlog.refill(
                listed.entries, listed.taken, self.held, now=time.monotonic(), rivals=0, wanted=1
            )
        return listed

    def claim(self, tree: Tree) -> str:
        """Lock the first entry in the session of this process."""
        (name,) = self.backlog.take(1)
        self.zk.create(lock_path(name), b"ours", ephemeral=True)
        self.held[name] = "a claim"
        return name


@pytest.fixture
def reader(connect: Connect, tree: Tree) -> Reader:
    tree.fill(LONG)
    return Reader(connect)


def test_what_this_process_changed_itself_is_not_listed_again(reader: Reader, tree: Tree) -> None:
    first = reader.read()
    assert first.entries is not None and len(first.entries) == LONG
    for _ in range(3):
        name = reader.claim(tree)
        assert reader.read() == Listed(None, [name], is_new_queue=False)
        reader.zk.delete(entry_path(name))
        reader.zk.delete(lock_path(name))
        del reader.held[name]
        assert reader.read() == Listed(None, [], is_new_queue=False)


def test_an_entry_that_is_added_is_seen_whatever_is_deleted_meanwhile(
    reader: Reader, tree: Tree
) -> None:
    names = reader.read().entries
    assert names is not None
    for name in sorted(names)[:5]:
        tree.kazoo.delete(entry_path(name))
    assert reader.read().entries is None
    for name in sorted(names)[5:10]:
        tree.kazoo.delete(entry_path(name))
        urgent = tree.put(priority=1)
        entries = reader.read().entries
        assert entries is not None and urgent in entries


def test_locks_that_others_take_and_free_lead_to_a_list_soon(reader: Reader, tree: Tree) -> None:
    names = reader.read().entries
    assert names is not None
    # Not at once: nothing was added, so looks are enough for a while.
    tree.kazoo.create(lock_path(names[0]), b"another's", ephemeral=True)
    eventually(lambda: reader.read().entries is not None, "the queue is listed")
    tree.kazoo.delete(lock_path(names[0]))
    eventually(lambda: reader.read().entries is not None, "the queue is listed again")


def test_a_queue_that_is_made_anew_is_listed(reader: Reader, tree: Tree) -> None:
    reader.read()
    tree.kazoo.delete("/job/entries", recursive=True)
    tree.kazoo.create("/job/entries")
    listed = reader.read()
    assert (listed.entries, listed.is_new_queue) == ([], True)


def test_a_short_queue_is_always_listed(connect: Connect, tree: Tree) -> None:
    tree.fill(20)
    reader = Reader(connect)
    reader.read()
    reader.claim(tree)
    assert reader.read().entries is not None


def test_whoever_asks_for_a_list_gets_one(reader: Reader, tree: Tree) -> None:
    reader.read()
    reader.listing.expire()
    assert reader.read().entries is not None
