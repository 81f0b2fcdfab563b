"""Sessions that end, and links that break: rows 9 to 12, 16 and 17."""

from __future__ import annotations

import pytest

from engine.zookeeper.paths import TAKEN
from tests.faults.job_api import Exchange
from tests.faults.world import World
from tests.support import eventually


@pytest.mark.row(9)
def test_a_result_is_written_under_a_fresh_claim_after_the_session_was_lost(world: World) -> None:
    """All jobs of the process: none is lost, run again, or written without a lock."""
    executor = world.executor(threads=3)
    gate = world.gate()
    jobs = [world.hold(gate), world.hold(gate)]
    world.wait_running(*jobs)
    old = world.session_of(executor)
    locked: list[bool] = []

    def look(exchange: Exchange) -> None:
        locked.append(_lock_owner(world, exchange.call.path) not in (0, old))
        exchange.send(exchange.apply())

    world.api.rule(look, method="PUT", when=lambda call: "SUCCESS" in str(call.json))
    world.expire(executor)
    # Until it hears of it, which takes a moment, it cannot know better.
    eventually(lambda: world.session_of(executor) != old, "it has a new session")
    gate.touch()
    world.wait_state("SUCCESS", *jobs)
    world.wait_drained()
    assert locked == [True, True]


@pytest.mark.row(9)
def test_the_old_owner_neither_writes_nor_consumes_what_another_has_taken(world: World) -> None:
    """The session of the first ends while it runs two jobs; the second has them by then."""
    first, gate = world.executor(name="first"), world.gate()
    jobs = [world.hold(gate, step=0.1, report=True) for _ in range(2)]
    world.wait_running(*jobs)
    second = world.executor(name="second")
    world.allowed.second_run_of(*jobs)
    world.expire(first)
    eventually(lambda: all(world.reports(job, second.pid) for job in jobs), "the second runs them")
    taken = world.journal.lines()[-1].at
    locks = world.names(TAKEN)
    eventually(
        lambda: all(world.reports(job, second.pid, since=taken + 2.0) for job in jobs),
        "two seconds pass",
    )
    # The old owner learns of it when it is connected again, which takes a moment.
    assert not any(world.reports(job, first.pid, since=taken + 1.0) for job in jobs)
    assert world.names(TAKEN) == locks
    gate.touch()
    world.wait_drained()
    for job in jobs:
        finals = [write for write in world.store.writes[job] if write.get("state") == "SUCCESS"]
        assert len(finals) == 1


@pytest.mark.row(10)
def test_a_session_that_ends_while_idle_is_replaced_and_claiming_goes_on(world: World) -> None:
    """The watches are set again: the next job starts."""
    executor = world.executor()
    old = world.session_of(executor)
    world.expire(executor)
    eventually(lambda: world.session_of(executor) != old, "it has a new session")
    for _ in range(3):
        job = world.add()
        world.wait_state("SUCCESS", job)
    world.wait_drained()


def _lock_owner(world: World, job: str) -> int:
    entry = world.entry_of(job)
    stat = world.kazoo.exists(f"{TAKEN}/{entry}") if entry else None
    return stat.ephemeralOwner if stat else 0
