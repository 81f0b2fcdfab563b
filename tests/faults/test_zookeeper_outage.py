"""ZooKeeper is restarted, away, changes its leader, or is not there yet: rows 1, 2, 5 and 22."""

from __future__ import annotations

import shutil
import time
import uuid
from collections.abc import Iterator
from pathlib import Path

import pytest

from engine.local.zookeeper import ZooKeeperServer, four_letters
from engine.zookeeper.paths import ENTRIES, TAKEN, entry_prefix
from tests.faults.ports import steady_port
from tests.faults.world import SESSION_TIMEOUT, World
from tests.support import eventually


@pytest.mark.row(1)
def test_a_restart_shorter_than_a_session_costs_no_claim(
    lone_world: World, server: ZooKeeperServer
) -> None:
    """Sessions and locks are in its data: the jobs run on, and claiming goes on."""
    world, gate = lone_world, lone_world.gate()
    executor = world.executor(session_timeout=10.0)
    job = world.hold(gate)
    world.wait_running(job)
    session, lock = world.session_of(executor), world.names(TAKEN)
    began = time.monotonic()
    server.kill()
    server.start()
    later = world.add()
    world.wait_state("SUCCESS", later)
    if time.monotonic() - began < 5.0:  # a machine under load may need longer than a session
        assert world.session_of(executor) == session
        assert set(lock) <= set(world.names(TAKEN))
    gate.touch()
    world.wait_drained()
    assert world.state(job) == "SUCCESS"


@pytest.mark.row(2)
def test_an_outage_longer_than_a_session_loses_and_repeats_nothing(
    lone_world: World, server: ZooKeeperServer
) -> None:
    """Actions run on; what ended meanwhile and what ends later is written and consumed."""
    world = lone_world
    executor = world.executor(threads=2)
    gates = [world.gate(), world.gate()]
    jobs = [world.hold(gate) for gate in gates]
    world.wait_running(*jobs)
    waiting = world.add()
    server.kill()
    gates[0].touch()
    eventually(lambda: world.journal.ends()[jobs[0]], "the first ends during the outage")
    time.sleep(2 * SESSION_TIMEOUT)  # the fault itself: an outage of this length
    assert executor.is_running
    server.start()
    world.wait_state("SUCCESS", jobs[0], waiting, within=60)
    gates[1].touch()
    world.wait_state("SUCCESS", jobs[1], within=60)
    world.wait_drained()


@pytest.mark.row(4)
def test_a_zookeeper_that_comes_back_empty_is_taken_as_it_is(
    lone_world: World, server: ZooKeeperServer
) -> None:
    """It refuses the old session for ever: the executor takes another, and makes the queue."""
    world, gate = lone_world, lone_world.gate()
    executor = world.executor()
    held = world.hold(gate)
    world.wait_running(held)
    world.wait_state("RUNNING", held)
    server.kill()
    for path in server.data.glob("version-*"):
        shutil.rmtree(path)
    server.start()
    world.kazoo = stranger = world.client()  # the session of the other went with the data too
    eventually(lambda: stranger.exists(ENTRIES), "the queue is made anew", within=30)
    gate.touch()
    executor.says(f"{held}: its result is dropped")
    # Its entry went with the data, and the log says so: `nuvla-engine restore` is for this.
    world.allowed.dropped.add(held)
    later = f"job/{uuid.uuid4()}"
    world.store.put(world.document(later, "count"))
    stranger.create(entry_prefix(999), later.encode(), sequence=True)
    world.wait_state("SUCCESS", later, within=60)
    assert executor.is_running


@pytest.mark.row(8)
def test_a_rolling_restart_of_all_members_costs_no_claim(
    ensemble_world: World, ensemble: list[ZooKeeperServer]
) -> None:
    """One after the other, with jobs in flight: nothing runs twice."""
    world, gate = ensemble_world, ensemble_world.gate()
    world.executor(threads=3, session_timeout=4.0)
    held = world.hold(gate)
    jobs = world.add_many(200, "count")
    world.wait_running(held)
    for member in ensemble:
        member.stop()
        world.kazoo.retry(world.kazoo.sync, "/")
        member.start()
    world.wait_state("SUCCESS", *jobs, within=60)
    gate.touch()
    world.wait_drained(within=60)


@pytest.mark.row(5)
def test_a_killed_leader_costs_no_claim_and_no_job(
    ensemble_world: World, ensemble: list[ZooKeeperServer]
) -> None:
    """The others elect one of them; the session lives on there."""
    world, gate = ensemble_world, ensemble_world.gate()
    executor = world.executor(threads=3, session_timeout=4.0)
    held = world.hold(gate)
    world.wait_running(held)
    session = world.session_of(executor)
    first = world.add_many(50)
    leader = next(
        member for member in ensemble if "Mode: leader" in four_letters(member.port, "srvr")
    )
    leader.kill()
    world.kazoo.retry(world.kazoo.sync, "/")
    second = world.add_many(50)
    world.wait_state("SUCCESS", *first, *second, within=60)
    assert world.session_of(executor) == session
    gate.touch()
    world.wait_drained()


@pytest.mark.row(22)
def test_without_zookeeper_it_waits_and_still_stops_at_once(tmp_path: Path, world: World) -> None:
    """A line in the log now and then, never a traceback; exit 0."""
    nowhere = f"127.0.0.1:{steady_port()}"
    executor = world.executor(hosts=nowhere, wait=False)
    distributor = world.distributor("--all", hosts=nowhere, wait=False)
    for child in (executor, distributor):
        child.says("ZooKeeper")
    began = time.monotonic()
    eventually(lambda: time.monotonic() > began + 2.0, "two seconds pass")
    for child in (executor, distributor):
        child.terminate()
    for child in (executor, distributor):
        assert child.wait(20) == 0
        assert "Traceback" not in child.output()
        assert len(child.output().splitlines()) < 20


@pytest.mark.row(22)
def test_it_starts_to_work_when_zookeeper_comes(
    tmp_path: Path, world: World, late: ZooKeeperServer
) -> None:
    """Started in the wrong order, all comes right."""
    executor = world.executor(hosts=late.hosts, wait=False)
    executor.says("ZooKeeper")
    late.start()
    stranger = world.client(late.hosts)
    job = f"job/{uuid.uuid4()}"
    world.store.put(world.document(job, "count"))
    stranger.create(entry_prefix(999), job.encode(), sequence=True, makepath=True)
    world.wait_state("SUCCESS", job)
    executor.terminate()
    assert executor.wait() == 0


@pytest.fixture
def late(tmp_path: Path) -> Iterator[ZooKeeperServer]:
    """A ZooKeeper that has not been started."""
    server = ZooKeeperServer(tmp_path / "late", port=steady_port(), tick=200, durable=False)
    yield server
    server.kill()
