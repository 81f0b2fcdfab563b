"""Executors and distributors of ours and of the published engine, on one queue and one election."""

from __future__ import annotations

import json

import pytest

from tests.faults.children import Child
from tests.faults.world import World
from tests.fleet.installation import Fleet, peer_command
from tests.support import eventually

JOBS = 2_000


@pytest.mark.timeout(240)
def test_two_executors_of_each_kind_do_each_job_once(fleet: Fleet) -> None:
    """Two thousand jobs, through the local API; no entry and no lock is left."""
    crew = [fleet.theirs(f"theirs-{n}") for n in (1, 2)]
    crew += [fleet.ours(f"ours-{n}") for n in (1, 2)]
    jobs = fleet.add_many(JOBS)
    eventually(lambda: fleet.count("SUCCESS") == JOBS, "all are done", within=180, every=0.5)
    eventually(lambda: not fleet.left_over(), "nothing is left in the queue")
    assert fleet.journal.starts() == dict.fromkeys(jobs, 1)
    assert fleet.journal.ends() == dict.fromkeys(jobs, 1)
    runners = {line.pid for line in fleet.journal.lines("start")}
    assert runners == {child.pid for child in crew}
    assert all(child.is_running for child in crew)


def _posts(world: World, child: Child) -> int:
    payloads = [call.json["payload"] for call in world.api.called("POST", "job")]
    return sum(json.loads(payload)["pid"] == child.pid for payload in payloads)


@pytest.mark.parametrize("first", ["theirs", "ours"])
def test_a_distributor_of_each_kind_elect_one_leader(world: World, first: str) -> None:
    """Only one adds jobs; when it dies, the other does."""

    def start(kind: str) -> Child:
        if kind == "ours":
            return world.distributor("tick")
        command = peer_command("peer_distributor.py", world.hosts, world.api.url)
        return world.start("theirs", command)

    leader = start(first)
    eventually(lambda: _posts(world, leader), "the first leads")
    waiter = start("ours" if first == "theirs" else "theirs")
    eventually(lambda: len(world.names("/election/tick")) == 2, "both contend")
    before = _posts(world, leader)
    eventually(lambda: _posts(world, leader) >= before + 3, "the first leads on")
    assert not _posts(world, waiter)
    leader.kill()
    eventually(lambda: _posts(world, waiter) >= 2, "the other leads", within=40)
