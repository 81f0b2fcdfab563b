"""Actions in processes of their own: the same for the job, and they can be ended."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from engine.errors import ControlError, StacksUnavailable
from engine.models import StackReport, ThreadStack
from engine.models.control import Command, Outcome, Reply, Request
from engine.view.stacks import read_stacks
from engine.zookeeper.channel import ask
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
    return eventually(lambda: world.member_of(child), "it is a member").instance


def request(world: World, zk: ZooKeeper, child: Child, command: Command, job: str) -> Reply:
    """Ask the executor for something about a job."""
    asked = Request.new(command, by="a test", now=datetime.now(UTC), job_id=job, patience=30)
    return ask(zk, OWN, instance_of(world, child), asked, timeout=60)


def process_of(world: World, job: str) -> int:
    """Return the process that started the job last."""
    return world.journal.lines("start", job)[-1].pid


def is_alive(pid: int) -> bool:
    try:
        text = Path(f"/proc/{pid}/stat").read_text("utf-8")
    except OSError:
        return False
    return text.rpartition(")")[2].split()[0] not in "ZX"


def document(world: World, job: str) -> dict[str, Any]:
    return world.store.documents[job]


def wait_gone(pid: int) -> None:
    eventually(lambda: not is_alive(pid), "its process is gone", within=40)


def test_each_job_has_a_process_and_its_document_is_the_same(world: World) -> None:
    executor = world.executor("--isolate")
    jobs = [world.add("tell_all") for _ in range(3)]
    world.wait_state("SUCCESS", *jobs)
    pids = {process_of(world, job) for job in jobs}
    assert len(pids) == 3
    assert executor.pid not in pids
    for job in jobs:
        told = document(world, job)
        assert told["status-message"] == "half done"
        assert told["affected-resources"] == [{"href": "nuvlabox/1"}]
        assert (told["tags"], told["return-code"]) == (["a", "b"], 0)
    assert {line.detail for line in world.journal.lines("progress")} == {42}
    for pid in pids:
        wait_gone(pid)


ENDINGS: list[tuple[str, dict[str, Any], str, int, str]] = [
    ("give", {"value": "seven"}, "FAILED", 7, "the action returned 7"),
    ("give", {"value": "none"}, "SUCCESS", 0, ""),
    ("give", {"value": "list"}, "FAILED", 1, "the action returned list"),
    ("fail", {"kind": "ValueError"}, "FAILED", 1, "ValueError: an ordinary one"),
    ("fail", {"kind": "SystemExit"}, "FAILED", 1, "SystemExit"),
    ("fail", {"kind": "RecursionError"}, "FAILED", 1, "RecursionError"),
    ("fail", {"kind": "unsound"}, "FAILED", 1, "ValueError"),
    ("exit_hard", {}, "FAILED", 1, "exit code 9"),
]


def test_an_action_ends_as_it_would_in_a_thread(isolating: World) -> None:
    jobs = [isolating.add(action, wants) for action, wants, *_ in ENDINGS]
    isolating.wait_drained(within=60)
    for job, (_, _, state, code, message) in zip(jobs, ENDINGS, strict=True):
        told = document(isolating, job)
        assert (told["state"], told["return-code"]) == (state, code), told
        assert message in told.get("status-message", "")


@pytest.fixture
def isolating(world: World) -> World:
    """A world with an executor that isolates."""
    world.executor("--isolate")
    return world


def test_a_cancelled_job_is_told(isolating: World) -> None:
    job = isolating.hold(isolating.gate(), heed=True)
    isolating.wait_running(job)
    document(isolating, job)["state"] = "CANCELED"
    eventually(lambda: isolating.journal.lines("told to stop", job), "it is told", within=40)


def test_one_log_in_serves_all_children(world: World) -> None:
    world.executor("--isolate", as_user=True)
    jobs = [world.add("ask_api") for _ in range(4)]
    world.wait_state("SUCCESS", *jobs)
    assert [line.detail for line in world.journal.lines("state")] == ["RUNNING"] * 4
    assert len(world.api.called("POST", "session")) == 1


@pytest.mark.parametrize("action", ["sleep", "deaf"])
def test_an_interrupted_job_ends_whatever_it_does(world: World, zk: ZooKeeper, action: str) -> None:
    executor = world.executor("--isolate")
    job = world.add(action, {"seconds": 600})
    world.wait_running(job)
    pid = process_of(world, job)
    reply = request(world, zk, executor, Command.INTERRUPT, job)
    assert reply.outcome is Outcome.DONE, reply.detail
    assert world.state(job) == "FAILED"
    assert "interrupted by a test" in document(world, job)["status-message"]
    wait_gone(pid)
    assert executor.is_running


def test_a_released_job_is_ended_and_runs_again_elsewhere(world: World, zk: ZooKeeper) -> None:
    executor = world.executor("--isolate")
    gate = world.gate()
    job = world.hold(gate)
    world.wait_running(job)
    first = process_of(world, job)
    world.allowed.second_run_of(job)
    reply = request(world, zk, executor, Command.RELEASE, job)
    assert reply.outcome is Outcome.DONE, reply.detail
    wait_gone(first)
    eventually(lambda: process_of(world, job) != first, "it runs again", within=40)
    gate.touch()
    world.wait_state("SUCCESS", job)


def test_a_killed_child_fails_its_job_and_no_other(world: World) -> None:
    world.executor("--isolate")
    gate = world.gate()
    job, other = world.hold(gate), world.hold(gate)
    world.wait_running(job, other)
    os.kill(process_of(world, job), signal.SIGKILL)
    world.wait_state("FAILED", job)
    assert "SIGKILL" in document(world, job)["status-message"]
    gate.touch()
    world.wait_state("SUCCESS", other)


def test_children_end_with_their_executor(world: World) -> None:
    executor = world.executor("--isolate")
    gate = world.gate()
    job = world.hold(gate)
    world.wait_running(job)
    first = process_of(world, job)
    executor.kill()
    wait_gone(first)
    world.allowed.second_run_of(job)
    world.executor("--isolate", name="second")
    gate.touch()
    world.wait_state("SUCCESS", job, within=60)


def test_a_stop_gives_children_their_time(world: World) -> None:
    """A service manager signals all processes of a service, children too."""
    executor = world.executor("--isolate", grace=60)
    gate = world.gate()
    job = world.hold(gate)
    world.wait_running(job)
    for number in (signal.SIGTERM, signal.SIGINT):
        os.kill(process_of(world, job), number)
    os.killpg(executor.pid, signal.SIGTERM)
    executor.says("stopping")
    gate.touch()
    assert executor.wait(60) == 0
    assert world.state(job) == "SUCCESS"


def test_a_job_over_the_limit_is_failed_and_its_process_ended(world: World) -> None:
    world.executor("--isolate", "--job-limit", "1")
    job = world.add("deaf", {"seconds": 600})
    world.wait_running(job)
    pid = process_of(world, job)
    world.wait_state("FAILED", job)
    wait_gone(pid)


def is_at_work(thread: ThreadStack | None) -> bool:
    return thread is not None and any(
        frame.function.endswith("work") and not frame.function.endswith("do_work")
        for frame in thread.frames
    )


def test_a_stack_is_that_of_the_child_even_while_it_holds_its_interpreter(
    world: World, zk: ZooKeeper
) -> None:
    executor = world.executor("--isolate")
    instance = instance_of(world, executor)
    jobs = [world.add("lock_up", {"seconds": 600}), world.hold(world.gate())]
    world.wait_running(*jobs)

    def whole() -> StackReport | None:
        try:
            report = read_stacks(zk, OWN, instance)[0]
        except (ControlError, StacksUnavailable):
            return None
        return report if all(is_at_work(report.working_on(job)) for job in jobs) else None

    report = eventually(whole, "both children answer", within=40)
    for job in jobs:
        thread = report.working_on(job)
        assert thread is not None
        assert str(process_of(world, job)) in thread.name
    for job in jobs:
        assert request(world, zk, executor, Command.INTERRUPT, job).outcome is Outcome.DONE


def test_without_its_nursery_an_executor_puts_jobs_back(world: World) -> None:
    executor = world.executor("--isolate")
    nurseries = [
        int(each)
        for each in Path(f"/proc/{executor.pid}/task/{executor.pid}/children").read_text().split()
        if Path(f"/proc/{each}/comm").read_text().strip() == "nuvla-nursery"
    ]
    os.kill(nurseries[0], signal.SIGKILL)
    job = world.add("count")
    executor.says("the nursery is gone", within=40)
    assert world.state(job) in ("QUEUED", "RUNNING")
    executor.terminate()
    executor.wait(60)
    world.executor(name="second")
    world.wait_state("SUCCESS", job, within=90)
