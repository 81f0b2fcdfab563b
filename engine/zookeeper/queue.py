"""The process's one view of the job queue, for its worker threads.

The layout in ZooKeeper is that of kazoo's LockingQueue("/job"): stock consumers may share it.
"""

from __future__ import annotations

import time
from collections.abc import Callable

from engine.errors import ZooKeeperUnavailable
from engine.text import clean
from engine.zookeeper import paths
from engine.zookeeper.claims import Claim, Reclaim, Seeker, Settled, Settlement, StraySearch
from engine.zookeeper.connection import ZooKeeper
from engine.zookeeper.keeper import Keeper

__all__ = ["Claim", "JobQueue", "Settled"]


class JobQueue:
    """Claims jobs for the idle workers of one process, and settles them."""

    def __init__(
        self,
        zk: ZooKeeper,
        *,
        instance: str,
        on_lost: Callable[[Claim], None] | None = None,
    ) -> None:
        """Args:
        zk: one queue for each, since the sweep frees locks of the session that it does not know.
        instance: goes into the locks, so that one read tells who holds a job.
        on_lost: called, in the queue's thread, for each claim that is lost while a worker has it;
            it must not wait for anything.
        """
        self._zk = zk
        self._keeper = Keeper(zk, instance=instance, on_lost=on_lost)

    def start(self) -> None:
        """Begin to claim for workers that ask."""
        self._keeper.start()

    def stop(self) -> None:
        """Claim nothing any more: `take` returns None at once. Claims that are held can still be
        settled; the thread ends with the last of them."""
        self._keeper.is_stopping = True
        self._keeper.poke()

    def join(self, timeout: float) -> bool:
        """After `stop`, wait until all that is held is settled; False where the timeout (seconds)
        passes before."""
        return self._keeper.join(timeout)

    def pause(self, reason: str) -> None:
        """Claim nothing for now, for a reason that `resume` can name."""
        self._keeper.pauses[reason] = None

    def resume(self, reason: str | None = None) -> None:
        """Take back one reason to pause, or all of them; without any left, claim again."""
        if reason is None:
            self._keeper.pauses.clear()
        else:
            self._keeper.pauses.pop(reason, None)
        self._keeper.poke()

    @property
    def pauses(self) -> tuple[str, ...]:
        """Why nothing is claimed now."""
        return tuple(self._keeper.pauses)

    @property
    def unusable(self) -> int:
        """Entries without a job id that were removed."""
        return self._keeper.unusable

    @property
    def turned_at(self) -> float:
        """When the queue's thread looked around last, monotonic: within a minute or so while there
        is nothing to do, longer only while ZooKeeper leaves requests unanswered."""
        return self._keeper.turned_at

    def claims(self) -> tuple[Claim, ...]:
        """Return what this process holds."""
        return tuple(self._keeper.held.values())

    def take(self, worker: str, timeout: float) -> Claim | None:
        """Return a claim for an idle worker, or None after the timeout (seconds)."""
        seeker = Seeker(worker, time.monotonic() + timeout)
        if self._keeper.is_stopping or not self._keeper.post(seeker):
            return None
        return seeker.wait()

    def consume(self, claim: Claim, *, wait: bool = True) -> Settled | None:
        """Delete the entry and the lock of a job that is final. Waits while ZooKeeper is away, for
        as long as the claim may still be ours.

        Args:
            claim: the claim.
            wait: False returns None at once: the same is done, together with the next claim.
        """
        settlement = Settlement(claim)
        if not wait:
            self._keeper.post(settlement)
            return None
        return self._settle(settlement)

    def release(self, claim: Claim, *, cooldown: float = 0.0) -> Settled:
        """Give the job back, so that anybody can claim it. Waits as `consume` does.

        Args:
            claim: the claim.
            cooldown: seconds in which this process leaves the entry alone.
        """
        return self._settle(Settlement(claim, is_release=True, cooldown=cooldown))

    def reclaim(self, claim: Claim, timeout: float) -> Claim | None:
        """Return a new claim on the entry of a claim that was lost, or None where it is gone or
        somebody else holds it for all of the timeout (seconds)."""
        if claim.is_live():
            return claim
        request = Reclaim(claim, time.monotonic() + timeout)
        return request.wait() if self._keeper.post(request) else None

    def free_strays(self, timeout: float) -> dict[str, str | None]:
        """Free the locks of this session that belong to no claim of ours, as the regular sweep
        does; return the job ids by the names of their entries, None for an entry without one.

        Args: timeout: seconds, for each of two steps.

        Raises:
            ZooKeeperUnavailable: it could not be done in time.
            SessionLost.
        """
        search = StraySearch()
        freed = search.wait(timeout) if self._keeper.post(search) else None
        if freed is None:
            raise ZooKeeperUnavailable("the locks of this session could not be looked through")
        names = sorted(freed)
        nodes = self._zk.get_many([paths.entry_path(name) for name in names], timeout=timeout)
        jobs = [None if node is None else paths.parse_job_id(node[0]) for node in nodes]
        return dict(zip(names, jobs, strict=True))

    def put(self, job_id: str, priority: int = paths.DEFAULT_PRIORITY) -> str:
        """Queue a job and return the name of its entry.

        Raises:
            ValueError: the job id or the priority is not of the right form.
            ZooKeeperUnavailable: not sent, or the outcome is unknown.
            SessionLost, AccessDenied.
        """
        if not paths.is_job_id(job_id):
            raise ValueError(f"{clean(job_id, limit=60)!r} is no job id")
        path = self._zk.create(paths.entry_prefix(priority), job_id.encode(), sequential=True)
        return path.rpartition("/")[2]

    def _settle(self, settlement: Settlement) -> Settled:
        return settlement.wait() if self._keeper.post(settlement) else Settled.LOST
