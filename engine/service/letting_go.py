"""Let go of a job, or interrupt it, when an operator asks for that over ZooKeeper.

A job that is let go is told to stop, by `job.cancelled` and by JobInterrupted, and is put back by
the very thread that ran it, once its action has ended. So its lock is never freed while the action
still runs, and no two threads work on it at once. An action that does not end in time keeps its
lock; since it was told to stop, its result counts no more: the job is put back whenever it ends.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from typing import Any, NamedTuple, Protocol

from engine.errors import EngineError
from engine.models.control import Outcome, Request
from engine.models.stacks import Frame
from engine.service.gate import Interruption
from engine.service.stacks import current_frames
from engine.service.work import Work
from engine.text import clean
from engine.zookeeper.claims import Settled

_COURTESY = 1.0
"""Seconds that an action gets to see `job.cancelled` before JobInterrupted is raised in it."""
_AGAIN = (0.4, 0.7)
"""Parts of the patience after which JobInterrupted is raised again: code in between, such as the
logging of Python, may swallow one."""
_IDLE_SECONDS = 3.0
"""A claim is in nobody's hands for some milliseconds on its way to a worker, and after its end."""
_LOOK = 0.02


class HoldingQueue(Protocol):
    """What of the queue is needed."""

    def claims(self) -> tuple[Any, ...]:
        """Return what this process holds."""

    def free_strays(self, timeout: float) -> Mapping[str, str | None]:
        """Free the locks of this session that belong to no claim; job ids by entries."""


class Result(NamedTuple):
    """What became of a request about a job."""

    outcome: Outcome
    detail: str


class LettingGo:
    """Lets go of jobs and interrupts them, for any number of requests at once."""

    def __init__(self, queue: HoldingQueue, works: Callable[[], tuple[Work, ...]]) -> None:
        """Args: works: the jobs that threads are busy with."""
        self._queue = queue
        self._works = works

    def release(self, request: Request) -> Result:
        """Put a job back once its action has ended; free a lock that no thread works for."""
        deadline = time.monotonic() + request.patience
        words = _words("released", request)
        found = self._find(request, deadline)
        if not found:
            return self._release_idle(request, words)
        results = [_let_go(work, words, request, deadline) for work in found]
        return min(results, key=lambda result: result.outcome is Outcome.DONE)

    def interrupt(self, request: Request) -> Result:
        """Raise JobInterrupted in the action of a job, once, and see what it does."""
        deadline = time.monotonic() + request.patience
        words = _words("interrupted", request)
        found = self._find(request, deadline)
        if not found:
            return self._not_mine(request)
        results = [_interrupt(work, words, deadline) for work in found]
        return min(results, key=lambda result: result.outcome is Outcome.DONE)

    def _find(self, request: Request, deadline: float) -> list[Work]:
        """Return the threads' work on the job; wait for one that is about to begin or to end."""
        give_up = max(deadline, time.monotonic() + _IDLE_SECONDS)
        while True:
            mine = [work for work in self._works() if _is_meant(work.claim, request)]
            found = [work for work in mine if not work.is_settled]
            held = any(_is_meant(claim, request) for claim in self._queue.claims())
            if found or not held or mine or time.monotonic() >= give_up:
                return found
            time.sleep(_LOOK)

    def _release_idle(self, request: Request, words: str) -> Result:
        if any(_is_meant(claim, request) for claim in self._queue.claims()):
            return Result(
                Outcome.REFUSED,
                "no thread works on it, but its entry is still to be settled: ZooKeeper is slow",
            )
        try:
            freed = self._queue.free_strays(max(_IDLE_SECONDS, request.patience))
        except EngineError as error:
            return Result(Outcome.FAILED, f"whether a lock is ours could not be seen: {error}")
        if any(_is_freed(entry, job_id, request) for entry, job_id in freed.items()):
            return Result(
                Outcome.DONE,
                f"{words}: the lock was ours, though no thread of ours knew of it; it is free now",
            )
        return self._not_mine(request)

    def _not_mine(self, request: Request) -> Result:
        lost = [w for w in self._works() if _is_meant(w.claim, request) and w.gate.is_open]
        if lost:
            return Result(
                Outcome.NOT_MINE,
                f"this member has given {request.job_id} up, and holds no lock for it; its action "
                f"goes on in a thread of its own, {_where(lost[0])}: only a restart ends that",
            )
        return Result(Outcome.NOT_MINE, f"this member does not hold {request.job_id}")


def _let_go(work: Work, words: str, request: Request, deadline: float) -> Result:
    if not work.let_go(words):
        work.wait_finished(max(_IDLE_SECONDS, deadline - time.monotonic()))
        return Result(Outcome.REFUSED, f"its action had just ended by itself: {_state_of(work)}")
    began = time.monotonic()
    for part in (min(_COURTESY / max(request.patience, 0.1), 0.25), *_AGAIN):
        if work.wait_finished(max(0.0, began + part * request.patience - time.monotonic())):
            return _after(work, words)
        _raise_in(work, words, min(deadline, time.monotonic() + _COURTESY))
    if work.wait_finished(max(0.0, deadline - time.monotonic())):
        return _after(work, words)
    return Result(
        Outcome.REFUSED,
        f"its action was told to stop and did not within {request.patience:g} s: its thread stands "
        f"{_where(work)}; it keeps its lock, and the job is put back when the action ends",
    )


def _after(work: Work, words: str) -> Result:
    """Return what became of a job that was to be put back."""
    if work.settled_as in (Settled.RELEASED, Settled.GONE):
        return Result(Outcome.DONE, f"{words}: its action has ended and its lock is free")
    if work.settled_as is Settled.LOST:
        return Result(Outcome.DONE, f"{words}: its action has ended; its lock was lost before")
    return Result(Outcome.REFUSED, f"it left the queue instead: {_state_of(work)}")


def _interrupt(work: Work, words: str, deadline: float) -> Result:
    interruption = _raise_in(work, words, deadline)
    if interruption is None:
        if work.wait_finished(_LOOK):
            return Result(Outcome.REFUSED, f"its action had ended by itself: {_state_of(work)}")
        return Result(Outcome.REFUSED, f"its thread is not in its action, but {_where(work)}")
    if work.wait_finished(max(0.0, deadline - time.monotonic())):
        return Result(Outcome.DONE, f"{words}: it has ended, {_state_of(work)}")
    if interruption.is_raised:
        return Result(
            Outcome.REFUSED,
            "JobInterrupted was raised, but its action goes on: it caught it, or is cleaning up, "
            f"{_where(work)}",
        )
    return Result(
        Outcome.REFUSED,
        f"its thread is inside a call that Python cannot interrupt, {_where(work)}; JobInterrupted "
        "is raised as soon as that returns",
    )


def _raise_in(work: Work, words: str, deadline: float) -> Interruption | None:
    """Raise JobInterrupted in the action as soon as it can be; None where it could not until the
    deadline (monotonic)."""
    while True:
        interruption = work.gate.interrupt(words)
        if interruption is not None or time.monotonic() >= deadline or work.wait_finished(_LOOK):
            return interruption


def _is_meant(claim: Any, request: Request) -> bool:
    return claim.job_id == request.job_id and request.entry in (None, claim.entry)


def _is_freed(entry: str, job_id: str | None, request: Request) -> bool:
    return job_id == request.job_id and request.entry in (None, entry)


def _words(done: str, request: Request) -> str:
    because = f": {request.reason}" if request.reason else ""
    return f"{done} by {request.by}{because}"


def _state_of(work: Work) -> str:
    return work.state.value if work.state is not None else "its state is not known here"


def _where(work: Work) -> str:
    frame = current_frames().get(work.thread)
    if frame is None:
        return "nowhere any more"
    code = frame.f_code
    place = Frame.of(code.co_qualname, code.co_filename, frame.f_lineno or 0)
    return f"in {clean(place.where, limit=200)}"
