"""The invariants that hold at the end of every fault test, checked in one place.

NL nothing lost: a job that was enqueued is final, or still has its entry, or a test says why not.
N1 no second run, unless the test allows one (ALO); and never twice by the same process.
NK nothing kept: no lock of a live session without a run that goes on.
NF foreign peace: a stock consumer never loses its lock or entry to us.
And no secret in any output.
"""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

from engine.zookeeper.paths import ENTRIES, TAKEN, lock_path
from tests.faults.job_store import FINAL, PASSWORD
from tests.support import eventually

if TYPE_CHECKING:
    from tests.faults.world import World


class Allowed:
    """What one test expects to be otherwise; each with its reason in the test."""

    def __init__(self) -> None:
        self.all_repeats = False
        self.repeats: set[str] = set()
        """Jobs that may run again, in another process."""
        self.same_process_repeats: set[str] = set()
        """Jobs that may run again in the process that ran them before."""
        self.dropped: set[str] = set()
        """Jobs whose entry was dropped for a reason that the test checks in the log."""
        self.stock_losses = False
        """The test took a lock away from a stock consumer itself."""

    def second_run_of(self, *jobs: str) -> None:
        """Allow these jobs to run again in another process."""
        self.repeats.update(jobs)


def audit(world: World) -> None:
    """Fail with all that is wrong."""
    problems = [*_lost(world), *_repeated(world), *_hurt(world), *_leaked(world)]
    assert not problems, "\n".join(problems)
    # Killed processes keep their locks until their sessions end.
    eventually(lambda: not _kept(world), "no lock is kept for nothing", within=20.0)


def _lost(world: World) -> list[str]:
    unfinished = {
        job: document["state"]
        for job, document in list(world.store.documents.items())
        if document["state"] not in FINAL
        and job in world.enqueued
        and job not in world.allowed.dropped
    }
    queued = {world.job_of(name) for name in world.names(ENTRIES)} if unfinished else set()
    return [
        f"lost: {job} is {state} and has no entry"
        for job, state in unfinished.items()
        if job not in queued
    ]


def _repeated(world: World) -> list[str]:
    problems = []
    allowed = world.allowed
    for job, count in world.journal.starts().items():
        again = allowed.all_repeats or job in allowed.repeats or job in allowed.same_process_repeats
        if count > 1 and not again:
            problems.append(f"repeated: {job} ran {count} times")
    runs = Counter((line.job, line.pid) for line in world.journal.lines("start"))
    for (job, pid), count in runs.items():
        if count > 1 and job not in allowed.same_process_repeats:
            problems.append(f"repeated: {job} ran {count} times in process {pid}")
    return problems


def _hurt(world: World) -> list[str]:
    if world.allowed.stock_losses:
        return []
    return [f"foreign peace: {line}" for line in world.journal.lines("stock lost")]


def _leaked(world: World) -> list[str]:
    return [
        f"a secret is in the output of {child.name}"
        for child in world.children
        if PASSWORD in child.output()
    ]


def _kept(world: World) -> list[str]:
    running = world.journal.running()
    alive = {child.pid for child in world.children if child.is_running}
    kept = []
    for name in world.names(TAKEN):
        stat = world.kazoo.exists(lock_path(name))
        if stat is None or stat.ephemeralOwner in world.foreign_sessions:
            continue
        job = world.job_of(name)
        if job is None or not alive & running.get(job, set()):
            kept.append(name)
    return kept
