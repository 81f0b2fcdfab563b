"""A claim on an entry of the queue, and what workers ask of the queue's thread."""

from __future__ import annotations

import queue
import time
from dataclasses import dataclass, field
from datetime import datetime
from enum import Enum

from engine.models import LockNote
from engine.zookeeper.connection import ZooKeeper


class Settled(Enum):
    """How a claim ended."""

    CONSUMED = "consumed"
    """Entry and lock are gone."""
    RELEASED = "released"
    """The lock is gone, the entry waits for somebody else."""
    GONE = "entry gone"
    """Somebody had deleted the entry already; the lock is gone too."""
    LOST = "lost"
    """The claim was no longer ours, so nothing was touched."""
    REFUSED = "refused"
    """The entry cannot be deleted (ACL, or it has children): it is freed, and this process will
    not claim it again."""


@dataclass(slots=True, kw_only=True, eq=False)
class Claim:
    """The right to run one job: an entry whose lock this process made in the present session."""

    entry: str
    """The entry's name."""
    job_id: str
    priority: int
    enqueued_at: datetime
    """When the entry was made, by the server's clock."""
    worker: str
    epoch: int
    token: str
    """Random; the lock has it, so that the lock can be told from any other."""
    czxid: int
    """The transaction that made the entry: names can come back, this does not."""
    zk: ZooKeeper = field(repr=False)
    claimed_at: float = field(default_factory=time.monotonic)
    """Monotonic seconds."""
    is_revoked: bool = False
    """Whether the lock was seen to be gone although the session lives."""
    is_entry_gone: bool = False
    """Whether /job/entries was made anew, so that the name means another job now."""

    def is_live(self) -> bool:
        """Whether the claim is ours for certain. To be asked before every write for its job."""
        return not self.is_revoked and self.zk.is_current(self.epoch)

    def note(self, instance: str) -> LockNote:
        """Return what its lock says."""
        return LockNote(instance=instance, thread=self.worker, claim=self.token)


class Seeker:
    """A worker that waits for a claim."""

    __slots__ = ("_box", "deadline", "worker")

    def __init__(self, worker: str, deadline: float) -> None:
        """Args:
        worker: goes into the lock.
        deadline: monotonic; the queue's thread answers None after it.
        """
        self.worker = worker
        self.deadline = deadline
        self._box: queue.SimpleQueue[Claim | None] = queue.SimpleQueue()

    def answer(self, claim: Claim | None) -> None:
        """Let the worker go on."""
        self._box.put(claim)

    def wait(self) -> Claim | None:
        """Wait for the answer, which the queue's thread always gives."""
        return self._box.get()


class Settlement:
    """A worker that waits for its claim to be settled, or the queue itself where none waits."""

    __slots__ = ("_box", "claim", "cooldown", "is_release", "unsure")

    def __init__(self, claim: Claim, *, is_release: bool = False, cooldown: float = 0.0) -> None:
        """Args:
        claim: what to settle.
        is_release: free the entry instead of deleting it.
        cooldown: seconds in which this process leaves a freed entry alone.
        """
        self.claim = claim
        self.is_release = is_release
        self.cooldown = cooldown
        self.unsure = False
        """Whether a request was sent whose outcome is unknown."""
        self._box: queue.SimpleQueue[Settled] = queue.SimpleQueue()

    def answer(self, outcome: Settled) -> None:
        """Let the worker go on."""
        self._box.put(outcome)

    def wait(self) -> Settled:
        """Wait for the answer, which the queue's thread always gives."""
        return self._box.get()


class StraySearch:
    """Somebody who wants the locks freed that belong to no claim."""

    __slots__ = ("_box",)

    def __init__(self) -> None:
        """It has not been done."""
        self._box: queue.SimpleQueue[frozenset[str] | None] = queue.SimpleQueue()

    def answer(self, freed: frozenset[str] | None) -> None:
        """Tell which entries they locked; None where it was not done."""
        self._box.put(freed)

    def wait(self, timeout: float) -> frozenset[str] | None:
        """Wait for the answer; None after the timeout (seconds)."""
        try:
            return self._box.get(timeout=timeout)
        except queue.Empty:
            return None


class Reclaim:
    """A worker that wants its lost entry back."""

    __slots__ = ("_box", "claim", "deadline", "next_try")

    def __init__(self, claim: Claim, deadline: float) -> None:
        """Args:
        claim: the lost claim.
        deadline: monotonic; the queue's thread answers None after it.
        """
        self.claim = claim
        self.deadline = deadline
        self.next_try = 0.0
        self._box: queue.SimpleQueue[Claim | None] = queue.SimpleQueue()

    def answer(self, claim: Claim | None) -> None:
        """Let the worker go on."""
        self._box.put(claim)

    def wait(self) -> Claim | None:
        """Wait for the answer, which the queue's thread always gives."""
        return self._box.get()
