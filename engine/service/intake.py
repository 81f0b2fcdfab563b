"""Whether a claimed job may run: read its document and judge it."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, NoReturn

from engine.errors import (
    ApiError,
    ApiUnavailable,
    EditConflict,
    LoginRefused,
    NotFound,
)
from engine.service.attempts import Attempts
from engine.service.endings import failed
from engine.service.health import ApiHealth
from engine.service.registry import ActionPlugin
from engine.service.seams import Claim, Client
from engine.service.work import LeaveJob, Settlement
from engine.states import JOB_VERSION, ExecutionMode, JobState
from engine.text import clean

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class IntakeRules:
    """What is done with jobs that cannot run."""

    leave_unknown: bool = False
    """Put jobs of an action that is not loaded back for others, instead of failing them."""
    takes_pull: bool = False
    """Run jobs in pull mode too: true for `--job-id`, which an edge device uses."""
    young: float = 60.0
    """Seconds for which an entry may lack its document: the server makes the entry first."""
    looks: float = 2.0
    """Seconds for which this process itself must have missed a document, whatever the age of the
    entry: the age compares two machines' clocks."""
    tries: int = 3
    """Times a document may be unusable before its job is failed."""


@dataclass(frozen=True, slots=True)
class Admitted:
    """A job that may run."""

    document: dict[str, Any]
    plugin: ActionPlugin
    was_running: bool


class Intake:
    """Reads and judges the documents of claimed jobs."""

    def __init__(
        self,
        client: Client,
        actions: Mapping[str, ActionPlugin],
        health: ApiHealth,
        attempts: Attempts,
        rules: IntakeRules,
    ) -> None:
        """Args: attempts: shared with the runner."""
        self._client = client
        self._actions = actions
        self._health = health
        self._attempts = attempts
        self._rules = rules

    def admit(self, claim: Claim) -> Admitted:
        """Return the job, ready to run.

        Raises:
            LeaveJob: it does not run; the exception says what becomes of its entry.
        """
        document = self._read(claim)
        try:
            state = JobState(document["state"])
            mode = ExecutionMode(document.get("execution-mode", "push"))
            action = document["action"]
            known = self._actions.get(action)
        except (KeyError, ValueError, TypeError) as error:
            self.unusable(claim, f"its document is malformed: {type(error).__name__} {error}")
        if state.is_final:
            self._drop(claim, f"it is {state.value} already", state, level=logging.INFO)
        self._check_version(claim, document)
        if mode is ExecutionMode.PULL and not self._rules.takes_pull:
            self._drop(claim, "it is in pull mode: the edge device runs it", state)
        if known is None:
            self._reject_unknown(claim, action)
        return Admitted(document, known, state is JobState.RUNNING)

    def unusable(self, claim: Claim, why: str) -> NoReturn:
        """Put a job back for a while, or fail it if that has been tried often enough."""
        count, _ = self._attempts.again(claim.job_id)
        if count < self._rules.tries:
            self.put_back(claim, why, level=logging.WARNING)
        self._fail(claim, f"The job cannot be run: {why}")

    def put_back(self, claim: Claim, why: str, *, level: int = logging.INFO) -> NoReturn:
        """Put a job back in the queue, and leave it alone for a while."""
        cooldown = self._attempts.cooldown(claim.job_id)
        raise LeaveJob(why, Settlement(consume=False, cooldown=cooldown), level=level)

    def _leave_to_others(self, claim: Claim, why: str) -> NoReturn:
        count, _ = self._attempts.again(claim.job_id)
        # It comes back every minute for as long as nobody takes it: said once.
        self.put_back(claim, why, level=logging.INFO if count == 1 else logging.DEBUG)

    def api_failed(self, claim: Claim, error: ApiError) -> NoReturn:
        """Put a job back because the API cannot be used."""
        self._health.failed(error)
        self._attempts.again(claim.job_id)
        self.put_back(claim, str(error))

    def _read(self, claim: Claim) -> dict[str, Any]:
        try:
            return self._client.get_job(claim.job_id)
        except NotFound:
            self._missing(claim)
        except (ApiUnavailable, LoginRefused) as error:
            self.api_failed(claim, error)
        except ApiError as error:
            self.unusable(claim, str(error))

    def _missing(self, claim: Claim) -> NoReturn:
        age = (datetime.now(UTC) - claim.enqueued_at).total_seconds()
        _, missed_for = self._attempts.again(claim.job_id)
        if age < self._rules.young or missed_for < self._rules.looks:
            self.put_back(claim, "its document does not exist yet")
        self._drop(claim, f"its entry is {age:.0f} s old and it has no document", None)

    def _check_version(self, claim: Claim, document: Mapping[str, Any]) -> None:
        version = document.get("version", 0)
        if not isinstance(version, int) or version < JOB_VERSION:
            self._fail(
                claim, f"The job has version {version}; this engine runs version {JOB_VERSION}."
            )
        if version > JOB_VERSION:
            self._leave_to_others(claim, f"its version {version} is for a newer engine")

    def _reject_unknown(self, claim: Claim, action: object) -> NoReturn:
        name = clean(str(action), limit=100)
        if self._rules.leave_unknown:
            self._leave_to_others(claim, f"no action {name!r} is loaded here")
        self._fail(claim, f"Action not implemented: this executor has no action {name!r}.")

    def _drop(
        self, claim: Claim, why: str, state: JobState | None, *, level: int = logging.WARNING
    ) -> NoReturn:
        raise LeaveJob(why, Settlement(consume=True, state=state), level=level)

    def _fail(self, claim: Claim, message: str) -> NoReturn:
        if not claim.is_live():
            self.put_back(claim, "its claim is lost")
        try:
            self._client.edit_job(claim.job_id, failed(message))
        except (ApiUnavailable, LoginRefused) as error:
            self.api_failed(claim, error)
        except (EditConflict, NotFound) as error:
            self._drop(claim, f"{message} ({error})", None)
        except ApiError as error:
            log.error("%s cannot be marked as failed: %s", claim.job_id, error)
            self._drop(claim, message, None)
        raise LeaveJob(message, Settlement(consume=True, state=JobState.FAILED))
