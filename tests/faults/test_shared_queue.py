"""Many executors of ours and stock consumers on one queue: row 38."""

from __future__ import annotations

import pytest

from tests.faults.world import World


@pytest.mark.row(38)
@pytest.mark.timeout(240)
def test_eight_executors_and_three_stock_consumers_share_a_queue(world: World) -> None:
    """Every job runs once, no lock or entry is left, nobody is robbed."""
    executors = [world.executor(name=f"ex{n}", wait=False) for n in range(8)]
    stock = [world.stock() for _ in range(3)]
    for executor in executors:
        world.session_of(executor)
    jobs = world.add_many(2000)
    world.wait_drained(within=200)
    assert world.journal.starts() == dict.fromkeys(jobs, 1)
    runners = {line.pid for line in world.journal.lines("start")}
    assert {child.pid for child in executors} <= runners
    assert runners <= {child.pid for child in [*executors, *stock]}
