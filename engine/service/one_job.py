"""`--job-id`: run one job without a queue, as an edge device does with the jobs it fetches."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime

from engine.service.executor_2019 import Executor2019
from engine.service.health import ApiHealth
from engine.service.registry import ActionPlugin
from engine.service.runner import Runner, RunnerRules
from engine.service.seams import Client
from engine.service.work import Work
from engine.states import JobState

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class _Claim:
    job_id: str
    entry: str = "(none)"
    enqueued_at: datetime = field(default_factory=lambda: datetime.now(UTC))

    def is_live(self) -> bool:
        return True


class _NoQueue:
    def consume(self, claim: object, *, wait: bool = True) -> None:
        """There is no entry."""

    def release(self, claim: object, *, cooldown: float = 0.0) -> None:
        """There is no lock."""

    def reclaim(self, claim: object, timeout: float) -> None:
        """There is nothing to claim."""


class OneJob:
    """Runs one job, in a thread of its own so that signals are met meanwhile."""

    def __init__(
        self,
        job_id: str,
        client: Client,
        actions: Mapping[str, ActionPlugin],
        *,
        name: str = "executor",
        grace: float = 120.0,
        rules: RunnerRules | None = None,
    ) -> None:
        """Args:
        name, grace, rules: as for an executor; jobs in pull mode are taken whatever they say.
        """
        rules = rules or RunnerRules()
        rules = replace(rules, intake=replace(rules.intake, takes_pull=True, tries=1))
        self._work = Work(_Claim(job_id), "worker-1")
        self._state: JobState | None = None
        self._grace = grace
        self._stop_until: float | None = None
        old = Executor2019(name, client, rules.settings)
        self._runner = Runner(_NoQueue(), client, actions, ApiHealth(), executor=old, rules=rules)
        self._thread = threading.Thread(target=self._run, name=f"exec-{job_id}", daemon=True)

    def start(self) -> None:
        """Start the job."""
        self._thread.start()

    def wait(self, timeout: float) -> bool:
        """Wait for its end, for some seconds at most; whether it has ended, or is given up
        because the grace after `stop` is over."""
        self._thread.join(timeout)
        is_over = self._stop_until is not None and time.monotonic() >= self._stop_until
        return is_over or not self._thread.is_alive()

    def stop(self) -> None:
        """Tell the action to end early; a second call ends the grace. Safe in signal handlers."""
        now = time.monotonic()
        self._stop_until = now if self._stop_until is not None else now + self._grace
        self._work.tell_to_stop("the executor stops")

    @property
    def state(self) -> JobState | None:
        """The state the job was left in; None where it was not run, or its end not written."""
        return self._state

    def _run(self) -> None:
        self._work.thread = threading.get_ident()
        self._state = self._runner.run(self._work)
        if self._state is None:
            log.error("%s was not run, or its end could not be written", self._work.claim.job_id)
