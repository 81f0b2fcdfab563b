"""The twelve faults: how each is planted, and how one sees that it is mended."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from engine.local.drill.world import World
from engine.models import MemberState
from engine.nuvla.filters import any_of
from engine.states import JOB_VERSION, JobState
from engine.view.diagnosis.limits import HISTORY_LEAST
from engine.zookeeper.paths import entry_path, entry_prefix

EXECUTORS, THREADS = 2, 5
FLOOD = 180
FAILED = 5
DRAINED = "executor-2"
DRAINS = (MemberState.DRAINING, MemberState.DRAINED)
ENDLESS = '{"seconds": 36000}'
"""What the colleague meant to be 36 seconds."""
PAUSED = "paused"
"""How an executor's reason not to claim begins, while it is paused."""


@dataclass(frozen=True, slots=True)
class Fault:
    """One fault that was planted."""

    name: str
    is_mended: Callable[[], bool]


def plant(world: World) -> Iterator[Fault]:
    """Plant the faults, those in running jobs first; the last one stops all claiming.

    Raises:
        EngineError: one could not be planted.
    """
    world.wait(lambda: len(world.executors()) == EXECUTORS, "both executors are there")
    yield from _running(world)
    world.act("pause", reason="one moment, I change the firewall")
    world.wait(lambda: _are_paused(world), "the executors have seen the pause")
    yield from _waiting(world)
    yield Fault("paused", lambda: world.zk.exists(world.own.pause) is None)


def _running(world: World) -> Iterator[Fault]:
    """Plant what needs executors that work."""
    (poison,) = world.add("demo_quick", extra={"version": JOB_VERSION + 1})
    pulls = world.add("drill_pull", FAILED)
    done = world.add("drill_wait", HISTORY_LEAST, payload='{"ready": true}')
    world.wait(lambda: all(world.state(job).is_final for job in done), "the history is made")
    # Before anything hangs, so that it becomes drained.
    world.act("drain", DRAINED, reason="kernel update")
    hung = world.add("drill_wait", 2)
    (cancelled,) = world.add("drill_wait")
    (endless,) = world.add("dummy_test_action", payload=ENDLESS)
    world.wait(lambda: all(map(world.is_at_work, (*hung, cancelled, endless))), "they run")
    world.client.cancel_job(cancelled)
    world.wait(lambda: all(world.state(job).is_final for job in pulls), "the pulls fail")
    world.wait(lambda: _is_put_back(world, poison), f"{poison} flaps")
    yield Fault("hung", lambda: not any(map(world.is_at_work, hung)))
    yield Fault("cancelled-running", lambda: not world.is_at_work(cancelled))
    yield Fault("endless", lambda: world.state(endless).is_final)
    yield Fault("poison", lambda: world.state(poison).is_final)
    yield Fault("failed", lambda: _are_requeued(world, pulls))
    yield Fault("drained", lambda: world.executors()[DRAINED].state not in DRAINS)


def _waiting(world: World) -> Iterator[Fault]:
    """Plant what executors would work off."""
    (twice,) = world.add("demo_quick")
    world.zk.create(entry_prefix(999), twice.encode(), sequential=True)
    yield Fault("duplicate", lambda: len(world.entries(twice)) < 2)
    (lost,) = world.add("demo_quick")
    for name in world.entries(lost):
        world.zk.delete(entry_path(name))
    yield Fault("lost", lambda: bool(world.entries(lost)) or world.state(lost).is_final)
    orphan = f"job/{uuid.uuid4()}"
    path = world.zk.create(entry_prefix(999), orphan.encode(), sequential=True)
    yield Fault("orphan-entry", lambda: world.zk.exists(path) is None)
    (unknown,) = world.add("deploy_satellite")
    yield Fault("unknown-action", lambda: world.state(unknown).is_final)
    world.add("demo_slow", FLOOD, priority=0)
    yield Fault("flood", lambda: world.count("demo_slow", JobState.QUEUED) == 0)


def _is_put_back(world: World, job_id: str) -> bool:
    """Whether an executor tells that it puts a job back again and again."""
    members = world.executors().values()
    return any(job.job_id == job_id for member in members for job in member.put_back)


def _are_paused(world: World) -> bool:
    holds = (member.holds for member in world.executors().values())
    return all(any(hold.reason.startswith(PAUSED) for hold in each) for each in holds)


def _are_requeued(world: World, jobs: list[str]) -> bool:
    return world.client.search_jobs(filter=any_of("parent", jobs), last=0).count >= len(jobs)
