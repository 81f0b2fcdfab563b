"""The harness itself: what the audit finds, and that a fault is what it says."""

from __future__ import annotations

import pytest

from engine.zookeeper.paths import TAKEN, lock_path
from tests.faults.audit import audit
from tests.faults.sessions import expire
from tests.faults.world import World
from tests.support import eventually


def test_stock_consumers_drain_a_queue_and_the_audit_is_content(world: World) -> None:
    """The published consumers alone satisfy every invariant."""
    world.add_many(20)
    world.stock()
    world.stock()
    world.wait_drained()
    assert sum(world.journal.starts().values()) == 20


def test_the_audit_finds_a_job_that_was_lost(world: World) -> None:
    """A job without an entry that is not final."""
    job = world.add()
    entry = world.entry_of(job)
    world.kazoo.delete(f"/job/entries/{entry}")
    with pytest.raises(AssertionError, match="lost: job/"):
        audit(world)
    world.allowed.dropped.add(job)


def test_the_audit_finds_a_foreign_lock_that_was_removed(world: World) -> None:
    """A stock consumer whose consume fails."""
    gate = world.gate()
    job = world.add()
    world.stock(hold=gate)
    world.wait_running(job)
    world.kazoo.delete(lock_path(world.names(TAKEN)[0]))
    gate.touch()
    eventually(lambda: world.journal.lines("stock lost"), "the consumer lost its lock")
    with pytest.raises(AssertionError, match="foreign peace"):
        audit(world)
    world.allowed.stock_losses = True
    world.allowed.all_repeats = True
    world.allowed.same_process_repeats.add(job)


def test_an_expired_session_loses_its_nodes_at_once(world: World) -> None:
    """The expiry of the tests is a real one."""
    other = world.client()
    other.create("/here", ephemeral=True)
    session = other.client_id[0]
    assert expire(world.hosts, session)
    assert world.kazoo.exists("/here") is None
    assert not expire(world.hosts, session)
