"""One claimed job in the hands of one worker, and how it leaves them: settled exactly once."""

from __future__ import annotations

import logging
import threading
import time
from datetime import UTC, datetime
from typing import NamedTuple

from engine.models import RunningJob
from engine.service.seams import Claim
from engine.service.writes import JobWriter
from engine.states import JobState


class Settlement(NamedTuple):
    """What becomes of the queue's entry."""

    consume: bool
    """Remove it; otherwise put it back."""
    cooldown: float = 0.0
    """Seconds before this process takes it again."""
    state: JobState | None = None
    """The state that the job was left in, where this process knows it."""


class LeaveJob(Exception):
    """The job does not run here and now: it is settled as this says."""

    def __init__(
        self, reason: str, settlement: Settlement, *, level: int = logging.WARNING
    ) -> None:
        """Args: reason, level: for the log."""
        super().__init__(reason)
        self.settlement = settlement
        self.level = level


class Work:
    """A claim from the moment a worker has it until it is settled."""

    __slots__ = (
        "_ticket",
        "action",
        "claim",
        "is_announced",
        "since",
        "started",
        "thread",
        "worker",
        "writer",
    )

    def __init__(self, claim: Claim, worker: str) -> None:
        """Args: worker: the name of the worker that runs it."""
        self.claim = claim
        self.worker = worker
        self.thread = threading.get_ident()
        self.since = time.monotonic()
        self.started = datetime.now(UTC)
        self.action = ""
        self.is_announced = False
        """Whether the log says that it runs."""
        self.writer: JobWriter | None = None
        self._ticket = threading.Lock()

    @property
    def is_settled(self) -> bool:
        """Whether somebody has settled it, or is about to."""
        return self._ticket.locked()

    def take_settling(self) -> bool:
        """Whether the caller is the one to settle the claim: true for the first caller only."""
        return self._ticket.acquire(blocking=False)

    def tell_to_stop(self, reason: str) -> None:
        """Tell the action to end early, once there is one."""
        if self.writer is not None:
            self.writer.tell_to_stop(reason)

    def to_model(self) -> RunningJob:
        """Return what the presence node shows."""
        return RunningJob(
            job_id=self.claim.job_id,
            entry=self.claim.entry,
            action=self.action,
            thread=self.worker,
            since=self.started,
        )
