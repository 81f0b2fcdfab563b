"""A real executor tells where its threads stand, even while C code holds its interpreter."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from engine.errors import ControlError, StacksUnavailable
from engine.models import StackReport, ThreadStack
from engine.view.stacks import read_stacks
from engine.zookeeper.connection import ZooKeeper
from engine.zookeeper.paths import OwnPaths
from tests.faults.children import Child
from tests.faults.world import World
from tests.support import eventually

OWN = OwnPaths()


@pytest.fixture
def zk(world: World) -> Iterator[ZooKeeper]:
    """A session that asks."""
    session = ZooKeeper(world.hosts, session_timeout=4.0)
    session.start()
    assert session.wait_connected(15)
    yield session
    session.close()


def instance_of(world: World, child: Child) -> str:
    member = eventually(lambda: world.member_of(child), "it is a member")
    return member.instance


def ask(zk: ZooKeeper, instance: str) -> StackReport | None:
    """Return what is answered; None where a busy machine keeps the answer back."""
    try:
        return read_stacks(zk, OWN, instance, by="a test")[0]
    except (ControlError, StacksUnavailable):
        return None


def functions(thread: ThreadStack) -> list[str]:
    return [frame.function for frame in thread.frames]


def test_an_executor_shows_the_threads_of_its_jobs(world: World, zk: ZooKeeper) -> None:
    executor = world.executor(threads=3)
    gate = world.gate()
    jobs = [world.hold(gate) for _ in range(2)]
    world.wait_running(*jobs)
    instance = instance_of(world, executor)

    def waiting() -> StackReport | None:
        """Return the stacks once both jobs have come to where they wait."""
        report = ask(zk, instance)
        threads = [report.working_on(job) for job in jobs] if report is not None else [None]
        return (
            report
            if all(thread and "Hold.work" in functions(thread) for thread in threads)
            else None
        )

    report = eventually(waiting, "it answers", within=40)
    assert (report.source, report.pid) == ("in-process", executor.pid)
    assert {f"exec-{job}" for job in jobs} == {thread.name for thread in report.threads[:2]}
    assert report.threads[2].job_id is None
    gate.touch()
    world.wait_state("SUCCESS", *jobs)


@pytest.mark.parametrize("timeout", [4.0, 1.0])
def test_the_guard_shows_the_job_that_holds_the_interpreter(
    world: World, zk: ZooKeeper, timeout: float
) -> None:
    """With the shorter session, the executor is no member any more while it hangs."""
    executor = world.executor(session_timeout=timeout)
    instance = instance_of(world, executor)
    job = world.add("lock_up", {"seconds": 8})
    world.wait_running(job)

    def told() -> StackReport | None:
        report = ask(zk, instance)
        return report if report is not None and report.source == "watchdog" else None

    report = eventually(told, "the guard answers", within=40)
    thread = report.working_on(job)
    assert thread is not None
    assert thread.frames[0].function == "work"
    assert "interpreter" in report.trouble
    world.wait_state("SUCCESS", job, within=60)
    eventually(lambda: not world.names(OWN.stalls), "the guard is silent again", within=40)


def test_a_killed_executor_leaves_no_guard_behind(world: World, zk: ZooKeeper) -> None:
    executor = world.executor()
    instance = instance_of(world, executor)
    job = world.add("lock_up", {"seconds": 600})
    world.wait_running(job)
    eventually(lambda: world.names(OWN.stalls) == [instance], "the guard tells", within=40)
    executor.kill()
    eventually(lambda: not world.names(OWN.stalls), "its word goes with it", within=40)
