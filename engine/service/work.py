"""One claimed job in the hands of one worker, and how it leaves them: settled exactly once."""

from __future__ import annotations

import logging
import threading
import time
from datetime import UTC, datetime
from typing import NamedTuple

from engine.models import RunningJob
from engine.service.gate import Gate
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
        "_finished",
        "_is_finished",
        "_is_past",
        "_let_go",
        "_ticket",
        "_turn",
        "action",
        "claim",
        "gate",
        "is_announced",
        "settled_as",
        "since",
        "started",
        "state",
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
        self.gate = Gate()
        """Open while the action runs."""
        self.state: JobState | None = None
        """What the job was left in, once it is finished and where this process knows it."""
        self.settled_as: object = None
        """What the queue answered where the job was put back."""
        self._ticket = threading.Lock()
        self._turn = threading.Lock()
        self._let_go: str | None = None
        self._is_past = False
        self._is_finished = False
        self._finished: threading.Event | None = None

    @property
    def is_settled(self) -> bool:
        """Whether somebody has settled it, or is about to."""
        return self._ticket.locked()

    def take_settling(self) -> bool:
        """Whether the caller is the one to settle the claim: true for the first caller only."""
        return self._ticket.acquire(blocking=False)

    def let_go(self, reason: str) -> bool:
        """Have the job put back as soon as its action has ended, whatever that returns, and tell
        the action to stop. False where it has ended before: then its result counts."""
        with self._turn:
            if self._is_past:
                return False
            if self._let_go is None:
                self._let_go = reason
        self.tell_to_stop(reason)
        return True

    @property
    def let_go_for(self) -> str | None:
        """Why the job is to be put back instead of ended; None where it is not."""
        return self._let_go

    def pass_action(self) -> str | None:
        """Note that the action has ended; return why the job is to be put back, if it is."""
        with self._turn:
            self._is_past = True
            return self._let_go

    def finish(self) -> None:
        """Note that the thread is done with the job."""
        with self._turn:
            self._is_past = self._is_finished = True
            if self._finished is not None:
                self._finished.set()

    def wait_finished(self, timeout: float) -> bool:
        """Wait, for some seconds at most, until the thread is done with the job."""
        with self._turn:
            if self._is_finished:
                return True
            if self._finished is None:
                self._finished = threading.Event()
        return self._finished.wait(timeout)

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
