"""Worker threads over one queue: start them, say what they do, stop them in time.

The threads are daemons. One that hangs in its action cannot be ended from outside, so it must not
keep the process: `run` returns after the grace, and the caller ends the process.
"""

from __future__ import annotations

import logging
import queue as queues
import threading
import time
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import Protocol

from engine.errors import EngineError
from engine.models import Hold, MemberState, PutBack, RunningJob
from engine.service.api_watch import ApiWatch
from engine.service.executor_2019 import Executor2019
from engine.service.giving_up import RELEASE_SECONDS, fail_overdue, put_back
from engine.service.health import ApiHealth
from engine.service.isolation import Isolation
from engine.service.metrics.jobs import JobMeasures
from engine.service.registry import ActionPlugin
from engine.service.runner import Runner, RunnerRules, report
from engine.service.seams import Claim, Client, Queue
from engine.service.work import Work

log = logging.getLogger(__name__)

_TICK = 1.0
_TAKE_SECONDS = 5.0


class ClaimingQueue(Queue, Protocol):
    """The whole of the locking queue."""

    def take(self, worker: str, timeout: float) -> Claim | None:
        """Claim one entry for an idle worker."""

    def pause(self, reason: str) -> None:
        """Claim nothing."""

    def resume(self, reason: str | None = None) -> None:
        """Take back one reason to claim nothing."""

    @property
    def pauses(self) -> tuple[str, ...]:
        """Why nothing is claimed now."""

    def stop(self) -> None:
        """Claim nothing more, and let take() return at once."""

    def join(self, timeout: float) -> bool:
        """Wait, for some seconds at most, until all claims are settled after `stop`."""


class Presence(Protocol):
    """Our presence node."""

    def publish(
        self,
        state: MemberState,
        jobs: tuple[RunningJob, ...],
        last_errors: tuple[str, ...] = (),
        put_back: tuple[PutBack, ...] = (),
        holds: tuple[Hold, ...] = (),
    ) -> None:
        """Say what we do; costs nothing where nothing changed."""


class Executor:
    """Claims jobs for its threads and runs them until it is told to stop."""

    def __init__(
        self,
        queue: ClaimingQueue,
        client: Client,
        actions: Mapping[str, ActionPlugin],
        presence: Presence | None = None,
        *,
        threads: int = 8,
        name: str = "executor",
        grace: float = 120.0,
        rules: RunnerRules | None = None,
        paused_by: Callable[[], str | None] = lambda: None,
        job_limit: float | None = None,
        last_errors: Callable[[], tuple[str, ...]] = tuple,
        noted: Callable[[int, str | None], None] = lambda *_: None,
        isolation: Isolation | None = None,
    ) -> None:
        """Args:
        threads: jobs at a time.
        name: for actions of 2019.
        grace: seconds that running actions get when the executor stops.
        paused_by: why no executor may claim at present, if so (see `pause.PauseNode`).
        job_limit: seconds after which a job is failed though its action goes on; None: never.
        last_errors: the newest errors of the process's log, for its presence node.
        noted: called in a worker's thread with its number and its job, and None after it.
        isolation: runs actions in child processes; None: they run in the workers' threads.
        """
        rules = rules or RunnerRules()
        self.health = ApiHealth()
        self.measures = JobMeasures()
        self._queue = queue
        self._presence = presence
        self._threads = threads
        self._grace = grace
        self._paused_by = paused_by
        self._job_limit = job_limit
        self._last_errors = last_errors
        self._noted = noted
        self._works: dict[int, Work] = {}
        self._workers: list[threading.Thread] = []
        self._inbox: queues.SimpleQueue[None] = queues.SimpleQueue()
        self._stops = 0
        self._stopping = False
        self._draining = False
        self._released = 0
        self._holds: dict[str, Hold] = {}
        self.turned_at = time.monotonic()
        """When `run` looked around last, monotonic: within some seconds if it lives."""
        old = Executor2019(name, client, rules.settings)
        self._runner = Runner(
            queue, client, actions, self.health, executor=old, rules=rules, isolation=isolation
        )
        self._api_watch = ApiWatch(
            client,
            self.health,
            self.works,
            hold=self._hold,
            unhold=self._unhold,
            poll=rules.cancel_poll,
            longest_pause=rules.longest_probe_pause,
        )

    def run(self) -> int:
        """Work until stopped. Return 0 if every job ended, 1 if some had to be put back.

        Raises:
            EngineError: no worker thread can be started.
        """
        self._start_workers()
        self._api_watch.start()
        try:
            while not self._is_done():
                self.turned_at = time.monotonic()
                self._look_around()
                self._sleep()
        finally:
            self._api_watch.stop()
            self._queue.stop()
            if not self._queue.join(RELEASE_SECONDS):
                log.error("ZooKeeper does not answer: what is not settled goes with the session")
        return 1 if self._released else 0

    def stop(self) -> None:
        """Claim no more, and let `run` return when the running jobs end or the grace is over.

        A second call ends the grace. Safe in signal handlers.
        """
        self._stops += 1
        self._inbox.put(None)

    def drain(self) -> None:
        """Claim no more, as `stop`, but stay: `resume` starts again.

        Running jobs are never put back: their threads live on with the process, and would run
        beside the next owner's.
        """
        self._draining = True
        self._hold("draining")
        self._inbox.put(None)

    def resume(self) -> None:
        """Claim again after `drain`."""
        self._draining = False
        self._unhold("draining")
        self._inbox.put(None)

    def works(self) -> tuple[Work, ...]:
        """Return the jobs that threads are busy with, those of hung actions too."""
        return tuple(self._works.copy().values())

    def jobs_by_thread(self) -> dict[int, str]:
        """Return the job id by the ident of the thread that works on it."""
        return {work.thread: work.claim.job_id for work in self.works()}

    @property
    def state(self) -> MemberState:
        """What the executor does, in a word."""
        if self._stopping or self._draining:
            return MemberState.DRAINING if self._works else MemberState.DRAINED
        return MemberState.PAUSED if self._queue.pauses else MemberState.RUNNING

    def describe(self) -> str:
        """Return the state in words, with why nothing is claimed where that is so."""
        words = f"{self.state.value}, {len(self._works)} of {self._threads} threads busy"
        holds = self._holds.copy()
        holds.pop("draining", None)  # the state says so
        return "; ".join((words, *(hold.reason for hold in holds.values())))

    def _start_workers(self) -> None:
        for index in range(1, self._threads + 1):
            worker = threading.Thread(
                target=self._work, args=(index,), name=f"worker-{index}", daemon=True
            )
            try:
                worker.start()
            except RuntimeError as error:
                log.error("only %d of %d threads start: %s", index - 1, self._threads, error)
                break
            self._workers.append(worker)
        if not self._workers:
            raise EngineError("no worker thread can be started: look at the limits of the process")

    def _work(self, index: int) -> None:
        thread = threading.current_thread()
        name = thread.name
        self._noted(index, None)
        while not self._stopping:
            try:
                claim = self._queue.take(name, _TAKE_SECONDS)
                if claim is None:
                    continue
                work = self._works[index] = Work(claim, name)
                thread.name = f"exec-{claim.job_id}"
                self._noted(index, claim.job_id)
                self.measures.note_claim(claim.enqueued_at)
                state = self._runner.run(work)
                self.measures.note_end(work.action, state, time.monotonic() - work.since)
            except BaseException:  # nothing may end a worker: its claims would stay for ever
                log.exception("%s: the engine failed, and goes on", name)
                time.sleep(_TICK)
            finally:
                thread.name = name
                self._noted(index, None)
                self._works.pop(index, None)

    def _is_done(self) -> bool:
        if self._stops and not self._stopping:
            self._begin_stop()
        if not self._stopping:
            return False
        # A thread whose job was settled without it (it hangs, over the limit) is not waited for.
        lost = {work.thread for work in self.works() if work.is_settled}
        if not any(worker.is_alive() and worker.ident not in lost for worker in self._workers):
            return True
        if self._stops > 1 or time.monotonic() >= self._stop_until:
            self._released += put_back(self._queue, self.works(), "the executor stops")
            return True
        return False

    def _begin_stop(self) -> None:
        self._stop_until = time.monotonic() + self._grace
        self._stopping = True
        self._queue.stop()
        log.info(
            "stopping: no new job; %d running jobs have %g s to end", len(self._works), self._grace
        )

    def _look_around(self) -> None:
        reason = self._paused_by()
        if reason is None:
            self._unhold("paused")
        else:
            self._hold("paused", f"paused: {reason}")
        if self._job_limit is not None:
            fail_overdue(self._queue, self.works(), self._job_limit)
        works = self.works()
        self._announce(works)
        if self._presence is not None:
            jobs = tuple(work.to_model() for work in works)
            repeated = self._runner.releases.repeated()
            holds = tuple(self._holds.copy().values())
            self._presence.publish(self.state, jobs, self._last_errors(), repeated, holds)

    def _announce(self, works: tuple[Work, ...]) -> None:
        for work in works:
            if not work.is_announced and time.monotonic() - work.since >= _TICK:
                work.is_announced = True
                report(work, logging.INFO, "runs, in %s", work.worker)

    def _sleep(self) -> None:
        # The workers are joined, not polled, so that a stop with short jobs is prompt.
        if self._stopping and self._stops < 2:
            for worker in self._workers:
                worker.join(min(_TICK, 0.2))
                if worker.is_alive():
                    return
            return
        try:
            self._inbox.get(timeout=_TICK)
        except queues.Empty:
            return

    def _hold(self, reason: str, text: str | None = None) -> None:
        if reason not in self._queue.pauses:
            log.warning("claiming stops: %s", text or reason)
            self._holds[reason] = Hold(reason=text or reason, since=datetime.now(UTC))
            self._queue.pause(reason)

    def _unhold(self, reason: str) -> None:
        if reason in self._queue.pauses:
            log.info("claiming stops no longer: %s", reason)
            self._queue.resume(reason)
            self._holds.pop(reason, None)
