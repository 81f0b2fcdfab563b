"""Run one claimed job: read it, mark it RUNNING, act, write how it ended, settle its entry."""

from __future__ import annotations

import logging
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from engine.errors import (
    ApiError,
    ApiUnavailable,
    EditConflict,
    LoginRefused,
    NotFound,
    SessionLost,
    ZooKeeperError,
)
from engine.service import endings
from engine.service.attempts import Attempts
from engine.service.finish import Finisher, FinishRules
from engine.service.gate import Ended
from engine.service.health import ApiHealth
from engine.service.intake import Admitted, Intake, IntakeRules
from engine.service.isolation import Isolation
from engine.service.job import Job
from engine.service.nursery import NoProcess
from engine.service.registry import ActionPlugin
from engine.service.releases import Releases
from engine.service.seams import Client, Queue
from engine.service.work import LeaveJob, Settlement, Work
from engine.service.writes import JobWriter
from engine.states import JobState

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class RunnerRules:
    """Everything about running jobs that can be set."""

    intake: IntakeRules = field(default_factory=IntakeRules)
    finish: FinishRules = field(default_factory=FinishRules)
    first_cooldown: float = 1.0
    """Seconds to leave a job alone that was put back; it doubles each time."""
    longest_cooldown: float = 60.0
    cancel_poll: float = 5.0
    """Seconds between two looks whether jobs that run for longer than this were cancelled."""
    longest_probe_pause: float = 10.0
    """Seconds between two probes of an API that is down, at most."""
    settings: Mapping[str, Any] = field(default_factory=dict)
    """What actions find in `job.settings`."""
    nuvlaedge_shared_path: str | None = None


class Runner:
    """Runs jobs, for any number of threads at once."""

    def __init__(
        self,
        queue: Queue,
        client: Client,
        actions: Mapping[str, ActionPlugin],
        health: ApiHealth,
        *,
        executor: object,
        rules: RunnerRules | None = None,
        isolation: Isolation | None = None,
    ) -> None:
        """Args:
        executor: what actions of 2019 get as their first argument.
        isolation: runs actions in child processes; None: they run in the workers' threads.
        """
        self._rules = rules or RunnerRules()
        self._queue = queue
        self._client = client
        self._health = health
        self._executor = executor
        self._isolation = isolation
        first, longest = self._rules.first_cooldown, self._rules.longest_cooldown
        self._attempts = Attempts(first=first, cap=longest)
        self.releases = Releases()
        """Jobs that were put back again and again."""
        self._intake = Intake(client, actions, health, self._attempts, self._rules.intake)
        self._finisher = Finisher(queue, client, health, self._attempts, self._rules.finish)

    def run(self, work: Work) -> JobState | None:
        """Run the job and settle its entry; return the state it was left in, if that is known."""
        reason = "its result could not be written"
        try:
            settlement = self._process(work)
        except LeaveJob as leave:
            settlement, reason = leave.settlement, str(leave)
            report(work, leave.level, "is %s: %s", _verb(settlement), leave)
        except BaseException:  # a flaw of ours must cost neither the thread nor the job
            log.exception("%s: the engine failed, the job is put back", work.claim.job_id)
            settlement = Settlement(consume=False, cooldown=self._rules.longest_cooldown)
            reason = "the engine failed, see its log"
        if settlement is not None and work.take_settling():
            work.state = settlement.state
            self._settle(work, settlement)
            if not settlement.consume:
                self.releases.note(work.claim.job_id, reason)
        if work.writer is not None:
            work.writer.close()
        work.finish()
        return settlement.state if settlement is not None else None

    def _process(self, work: Work) -> Settlement | None:
        admitted = self._intake.admit(work.claim)
        work.action = admitted.plugin.name
        writer = JobWriter(
            admitted.document,
            client=self._client,
            claim=work.claim,
            health=self._health,
            gate=work.gate,
        )
        work.writer = writer
        self._mark_running(work, writer)
        # At INFO the executor says so of jobs that last: a line for each quick one costs a tenth
        # of the rate.
        level = logging.INFO if admitted.was_running else logging.DEBUG
        report(work, level, "starts%s", " again" if admitted.was_running else "")
        ending = self._act(work, admitted, writer)
        settlement = self._finisher.finish(work, writer, ending)
        outcome = settlement.state or "unwritten" if settlement else "for nothing"
        report(work, logging.INFO, "ended %s after %.3f s", outcome, time.monotonic() - work.since)
        return settlement

    def _mark_running(self, work: Work, writer: JobWriter) -> None:
        try:
            writer.write({"state": JobState.RUNNING.value})
        except SessionLost as error:
            self._intake.put_back(work.claim, str(error))
        except (EditConflict, NotFound) as error:
            raise LeaveJob(str(error), Settlement(consume=True)) from error
        except (ApiUnavailable, LoginRefused) as error:
            self._intake.api_failed(work.claim, error)
        except ApiError as error:
            self._intake.unusable(work.claim, str(error))

    def _act(self, work: Work, admitted: Admitted, writer: JobWriter) -> endings.Ending:
        ended: Ended[object] = Ended()
        if work.let_go_for is None:
            ended = work.gate.run(lambda: self._run_action(work, admitted, writer))
        if (reason := work.pass_action()) is not None:
            self._attempts.again(work.claim.job_id)
            self._intake.put_back(work.claim, reason, level=logging.WARNING)
        if writer.was_heard and not work.claim.is_live():
            # It may have stopped half-way: only the job's next owner may say how it ends.
            self._intake.put_back(work.claim, "its claim was lost, and its action stopped early")
        if isinstance(ended.error, NoProcess):
            self._attempts.again(work.claim.job_id)
            self._intake.put_back(work.claim, str(ended.error), level=logging.ERROR)
        if isinstance(ended.value, endings.Ending):
            return ended.value
        if ended.error is None:
            return endings.of_return(ended.value, writer.document)
        try:  # SystemExit and the like end the job, not the worker
            return endings.of_error(ended.error, writer.document)
        finally:
            ended.error = None

    def _run_action(self, work: Work, admitted: Admitted, writer: JobWriter) -> object:
        """Return what the action returned, or how it ended in a process of its own."""
        if self._isolation is not None:
            return self._isolation.act(work, writer, was_running=admitted.was_running)
        job = Job(
            writer,
            was_running=admitted.was_running,
            settings=self._rules.settings,
            nuvlaedge_shared_path=self._rules.nuvlaedge_shared_path,
        )
        return admitted.plugin.make(self._executor, job).do_work()

    def _settle(self, work: Work, settlement: Settlement) -> None:
        claim = work.claim
        try:
            if settlement.consume:
                self._attempts.forget(claim.job_id)
                # Not waited for: the worker's next claim goes out in the same flight.
                self._queue.consume(claim, wait=False)
            else:
                work.settled_as = self._queue.release(claim, cooldown=settlement.cooldown)
        except ZooKeeperError as error:
            # The lock ends with the session; the next owner finds the job as it was left.
            report(work, logging.WARNING, "could not be %s: %s", _verb(settlement), error)


def _verb(settlement: Settlement) -> str:
    return "removed from the queue" if settlement.consume else "put back"


def report(work: Work, level: int, message: str, *args: object) -> None:
    """Write one line about a job."""
    if log.isEnabledFor(level):
        extra = {"job_id": work.claim.job_id, "action": work.action}
        log.log(level, f"%s %s {message}", work.claim.job_id, work.action, *args, extra=extra)
