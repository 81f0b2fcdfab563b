"""py-spy tells what the threads of real executors do: of ours and of the published engine."""

from __future__ import annotations

import pytest

from engine.errors import StacksUnavailable
from engine.models import ThreadStack
from engine.view import pyspy
from tests.faults.children import Child
from tests.faults.world import World
from tests.fleet.installation import peer_command
from tests.support import eventually


def work_of(child: Child, job: str) -> ThreadStack | None:
    """Return the thread that works on the job, as py-spy sees it."""
    try:
        return pyspy.dump(child.pid).working_on(job)
    except StacksUnavailable:
        assert child.is_running, child.output()
        return None


def holds(child: Child, job: str) -> bool:
    """Whether the thread of the job has come to where it waits."""
    thread = work_of(child, job)
    return thread is not None and any("hold" in frame.function.lower() for frame in thread.frames)


@pytest.mark.parametrize("kind", ["ours", "theirs"])
def test_the_thread_of_a_job_is_found_from_outside(world: World, kind: str) -> None:
    if kind == "ours":
        child = world.executor()
    else:
        child = world.start("theirs", peer_command("peer_executor.py", world.hosts, world.api.url))
    gate = world.gate()
    job = world.hold(gate)
    world.wait_running(job, within=40)
    eventually(lambda: holds(child, job), "its thread names it, and the action", within=40)
    gate.touch()
    world.wait_state("SUCCESS", job)
    eventually(lambda: work_of(child, job) is None, "no thread names it any more")
