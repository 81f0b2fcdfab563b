"""Write how a job ended: once, whatever the API and ZooKeeper do meanwhile."""

from __future__ import annotations

import logging
import time
from dataclasses import dataclass
from typing import Any

from engine.backoff import jittered
from engine.errors import (
    ApiError,
    ApiRefused,
    ApiUnavailable,
    EditConflict,
    LoginRefused,
    MalformedAnswer,
    NotFound,
    SessionLost,
    ZooKeeperError,
)
from engine.service.attempts import Attempts
from engine.service.endings import Ending
from engine.service.health import ApiHealth
from engine.service.seams import Client, Queue
from engine.service.work import Settlement, Work
from engine.service.writes import JobWriter
from engine.states import FINAL_STATES, ExecutionMode, JobState

log = logging.getLogger(__name__)

_KEPT_IF_REFUSED = ("state", "return-code", "execution-mode", "progress")


@dataclass(frozen=True, slots=True, kw_only=True)
class FinishRules:
    """How long an ended job's result is held."""

    patience: float = 60.0
    """Seconds to retry while the API cannot be used; then the job is put back."""
    reclaim: float = 60.0
    """Seconds to try to claim the entry again after a lost session, whose own lock may stay for
    that long; then the result is dropped, and the job runs again."""
    cap: float = 5.0
    """Seconds between two attempts, at most."""


class Finisher:
    """Writes endings."""

    def __init__(
        self,
        queue: Queue,
        client: Client,
        health: ApiHealth,
        attempts: Attempts,
        rules: FinishRules,
    ) -> None:
        """Args: attempts: shared with the runner."""
        self._queue = queue
        self._client = client
        self._health = health
        self._attempts = attempts
        self._rules = rules

    def finish(self, work: Work, writer: JobWriter, ending: Ending) -> Settlement | None:
        """Write the ending; return what becomes of the entry, or None where it is not ours."""
        changes = _merged(writer, ending)
        began = time.monotonic()
        attempt = 0
        while not work.is_settled:
            ended_itself = _state(writer.document) in FINAL_STATES and not writer.pending
            if writer.is_over or ended_itself or not changes:
                return Settlement(consume=True, state=_state(writer.document))
            try:
                writer.write(changes)
                return Settlement(consume=True, state=ending.state)
            except SessionLost:
                if not self._reclaim(work, writer):
                    return None
            except (EditConflict, NotFound) as error:
                writer.end(error)
            except ApiRefused as error:
                changes = self._reduced(writer, changes, error)
            except (ApiUnavailable, LoginRefused, MalformedAnswer) as error:
                settled = self._after_failure(writer, ending, error, attempt, began)
                if settled is not None:
                    return settled
                attempt += 1
                if self._is_over_content(error, began):
                    changes = self._reduced(writer, changes, error) or changes
        return None

    def _after_failure(
        self, writer: JobWriter, ending: Ending, error: ApiError, attempt: int, began: float
    ) -> Settlement | None:
        """Wait for the next attempt; or say what becomes of the entry without one."""
        left = began + self._rules.patience - time.monotonic()
        if left <= 0:
            log.error("%s ended, but its result could not be written: %s", writer.id, error)
            self._attempts.again(writer.id)
            return Settlement(False, self._attempts.cooldown(writer.id))
        if not isinstance(error, MalformedAnswer):
            self._health.failed(error)
        asked = getattr(error, "retry_after", None) or 0.0
        pause = max(asked, jittered(attempt, first=0.2, cap=self._rules.cap))
        time.sleep(min(pause, left))
        return self._applied(writer, ending) if error.maybe_applied else None

    def _is_over_content(self, error: ApiError, began: float) -> bool:
        """Whether the API seems to fail over what is written: it answers others, but this write
        with its own error, and for long. A text too long for its index is such a content."""
        late = time.monotonic() - began > self._rules.patience / 2
        return late and error.status == 500 and self._health.is_up

    def _reclaim(self, work: Work, writer: JobWriter) -> bool:
        log.warning("%s ended after its claim was lost: claiming it again", writer.id)
        try:
            claim = self._queue.reclaim(work.claim, self._rules.reclaim)
        except ZooKeeperError as error:
            log.warning("%s cannot be claimed again: %s", writer.id, error)
            claim = None
        if claim is None:
            log.warning("%s: its result is dropped, since the job is another's now", writer.id)
            return False
        work.claim = writer.claim = claim
        return True

    def _applied(self, writer: JobWriter, ending: Ending) -> Settlement | None:
        """Look whether a write of unknown outcome arrived: a late answer is none."""
        if not writer.claim.is_live():
            return None
        try:
            document = self._client.get_job(writer.id)
        except NotFound:
            return Settlement(consume=True)
        except ApiError:
            return None  # the next write meets the same failure, and reports it
        state = _state(document)
        moved = (
            ending.state is JobState.QUEUED and document.get("execution-mode") == ExecutionMode.PULL
        )
        if state in FINAL_STATES or moved:
            return Settlement(consume=True, state=state)
        return None

    def _reduced(
        self, writer: JobWriter, changes: dict[str, Any], error: ApiError
    ) -> dict[str, Any]:
        """Leave out all that the API may object to; nothing is left the second time."""
        writer.pending = {}
        least = {key: changes[key] for key in _KEPT_IF_REFUSED if key in changes}
        if "state" not in least or len(least) == len(changes):
            log.error("%s: the API does not take the result: %s", writer.id, error)
            return {}
        log.warning("%s: the API does not take the result, writing less: %s", writer.id, error)
        return least


def _merged(writer: JobWriter, ending: Ending) -> dict[str, Any]:
    """Join the ending with what the action wanted to write and could not."""
    pending = writer.pending
    if pending.get("state") in FINAL_STATES:  # the action ended its job itself
        return dict(pending)
    return {**pending, **ending.changes}


def _state(document: dict[str, Any]) -> JobState | None:
    try:
        return JobState(document["state"])
    except (KeyError, ValueError):
        return None
