"""How an executor ends, and what is left of its jobs: rows 69 to 75."""

from __future__ import annotations

import signal
import time

import pytest

from engine.local.zookeeper import ZooKeeperServer
from engine.zookeeper.paths import TAKEN
from tests.faults import api_faults
from tests.faults.world import SESSION_TIMEOUT, World
from tests.support import eventually


@pytest.mark.row(69)
def test_the_jobs_of_a_killed_executor_are_run_by_another(world: World) -> None:
    """The locks go with the session; nothing is lost."""
    first, gate = world.executor(name="first"), world.gate()
    jobs = [world.hold(gate), world.hold(gate)]
    world.wait_running(*jobs)
    second = world.executor(name="second")
    first.kill()
    world.allowed.second_run_of(*jobs)
    eventually(
        lambda: all(second.pid in world.journal.running().get(job, ()) for job in jobs),
        "the second executor runs them",
    )
    gate.touch()
    world.wait_state("SUCCESS", *jobs)
    world.wait_drained()


@pytest.mark.row(70)
def test_a_job_whose_executor_died_before_the_consume_is_not_run_again(world: World) -> None:
    """The next owner finds it final and takes the entry away."""
    first, gate = world.executor(name="first"), world.gate()
    job = world.hold(gate)
    world.wait_running(job)
    rule = world.api.rule(
        api_faults.then(first.kill), method="PUT", when=lambda call: "SUCCESS" in str(call.json)
    )
    gate.touch()
    eventually(lambda: rule.hits and not first.is_running, "it died after the final write")
    assert world.entry_of(job)
    world.executor(name="second")
    world.wait_drained()
    assert world.state(job) == "SUCCESS"
    assert world.journal.starts()[job] == 1


@pytest.mark.row(71)
def test_on_sigterm_running_jobs_end_and_no_other_is_started(world: World) -> None:
    """The exit code is 0, and what waits keeps its entry."""
    executor, gate = world.executor(threads=2), world.gate()
    jobs = [world.hold(gate), world.hold(gate)]
    world.wait_running(*jobs)
    waiting = world.add_many(4)
    executor.terminate()
    eventually(lambda: _is_draining(world, executor.pid), "it says that it drains")
    gate.touch()
    assert executor.wait() == 0
    assert {world.state(job) for job in jobs} == {"SUCCESS"}
    assert not set(waiting) & set(world.journal.starts())
    assert all(world.entry_of(job) for job in waiting)
    assert not world.names(TAKEN)


@pytest.mark.row(72)
def test_a_job_longer_than_the_grace_is_put_back_at_its_end(world: World) -> None:
    """It is not failed; its lock is gone when the process is; the exit code says so."""
    executor, gate = world.executor(grace=1.0, session_timeout=4.0), world.gate()
    job = world.hold(gate)
    world.wait_running(job)
    executor.terminate()
    assert executor.wait() not in (0, -signal.SIGTERM, -signal.SIGKILL)
    assert not world.names(TAKEN)
    assert world.entry_of(job)
    assert world.state(job) == "RUNNING"
    world.allowed.second_run_of(job)
    gate.touch()
    world.executor(name="second")
    world.wait_state("SUCCESS", job)
    world.wait_drained()


@pytest.mark.row(73)
@pytest.mark.parametrize("second", [signal.SIGTERM, signal.SIGINT])
def test_a_second_signal_ends_the_grace(world: World, second: signal.Signals) -> None:
    """It goes at once, and still puts its jobs back."""
    executor, gate = world.executor(grace=100.0, session_timeout=4.0), world.gate()
    job = world.hold(gate)
    world.wait_running(job)
    executor.terminate()
    eventually(lambda: _is_draining(world, executor.pid), "it says that it drains")
    executor.signal(second)
    assert executor.wait() not in (0, -second, -signal.SIGKILL)
    assert not world.names(TAKEN)
    assert world.entry_of(job)
    assert world.state(job) == "RUNNING"


@pytest.mark.row(74)
def test_it_stops_within_the_grace_while_zookeeper_does_not_answer(
    lone_world: World, server: ZooKeeperServer
) -> None:
    """A frozen server holds nobody back, neither idle nor with a job."""
    world = lone_world
    idle = world.executor(name="idle", grace=2.0, threads=1)
    gate = world.gate()
    jobs = [world.hold(gate), world.hold(gate)]
    busy = world.executor(name="busy", grace=2.0)
    world.wait_running(*jobs)
    world.allowed.second_run_of(*jobs)
    server.pause()
    try:
        idle.terminate()
        busy.terminate()
        idle.wait(20)
        assert busy.wait(20) != 0
    finally:
        server.resume()


@pytest.mark.row(74)
def test_it_stops_within_the_grace_while_the_api_does_not_answer(world: World) -> None:
    """The result cannot be written: the job is put back."""
    executor, gate = world.executor(grace=2.0, session_timeout=4.0), world.gate()
    job = world.hold(gate)
    world.wait_running(job)
    world.wait_state("RUNNING", job)
    world.api.close()
    gate.touch()
    executor.terminate()
    executor.wait(30)
    assert not world.names(TAKEN)
    assert world.entry_of(job)


@pytest.mark.row(75)
def test_an_executor_frozen_past_its_session_writes_nothing_when_it_wakes(world: World) -> None:
    """Another has its job by then, and that one's result stands."""
    first, gate = world.executor(name="first", threads=1), world.gate()
    job = world.hold(gate, step=0.1, report=True)
    eventually(lambda: world.reports(job, first.pid), "the first reports")
    first.freeze()
    world.allowed.second_run_of(job)
    second = world.executor(name="second", threads=1)
    eventually(lambda: world.reports(job, second.pid), "the second runs it", within=30)
    woken = time.monotonic()
    first.thaw()
    eventually(lambda: world.reports(job, second.pid, since=woken + 1.5), "time has passed")
    # One report may have passed its check just before the freeze.
    assert len(world.reports(job, first.pid, since=woken)) <= 1
    gate.touch()
    world.wait_drained()
    assert world.state(job) == "SUCCESS"
    finals = [write for write in world.store.writes[job] if write.get("state") == "SUCCESS"]
    assert len(finals) == 1
    again = world.add()
    second.kill()
    world.wait_state("SUCCESS", again)


@pytest.mark.row(76)
def test_a_short_freeze_changes_nothing(world: World) -> None:
    """Below a third of the session timeout, nobody notices."""
    executor, gate = world.executor(), world.gate()
    job = world.hold(gate)
    world.wait_running(job)
    executor.freeze()
    time.sleep(SESSION_TIMEOUT / 4)
    executor.thaw()
    gate.touch()
    world.wait_drained()
    assert world.state(job) == "SUCCESS"


def _is_draining(world: World, pid: int) -> bool:
    return any(m.pid == pid and m.state.value == "draining" for m in world.members())
