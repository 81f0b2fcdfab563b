"""All writes of one job's document: in order, fenced by the claim, kept while the API is down."""

from __future__ import annotations

import logging
import threading
from collections.abc import Mapping
from typing import Any

from engine.errors import (
    ApiUnavailable,
    EditConflict,
    LoginRefused,
    MalformedAnswer,
    NotFound,
    SessionLost,
)
from engine.service.gate import Gate
from engine.service.health import ApiHealth
from engine.service.seams import Claim, Client

log = logging.getLogger(__name__)


class JobWriter:
    """The document of a claimed job and the only road by which this process edits it."""

    def __init__(
        self,
        document: dict[str, Any],
        *,
        client: Client,
        claim: Claim,
        health: ApiHealth,
        gate: Gate | None = None,
    ) -> None:
        """Args:
        document: the job as read when it was claimed.
        gate: what lets an interruption into the action: not in the midst of a write.
        """
        self.id = claim.job_id
        self.document = document
        self.client = client
        self.claim = claim
        self.stop_reason: str | None = None
        """Why the action should end early; None while it should not."""
        self.was_heard = False
        """Whether the action has seen that it should end early: it may not have done all."""
        self.is_over = False
        """Whether the document is final or gone, so that nothing may be written any more."""
        self.pending: dict[str, Any] = {}
        """Changes that are not written yet; they go out with the next write."""
        self._health = health
        self._gate = gate or Gate()
        self._lock = threading.Lock()
        self._warned = False

    @property
    def should_stop(self) -> bool:
        """Whether the action has no reason to go on."""
        return self.stop_reason is not None or not self.claim.is_live()

    def tell_to_stop(self, reason: str) -> None:
        """Tell the action, through `job.cancelled`, to end early. The first reason stands."""
        if self.stop_reason is None:
            self.stop_reason = reason
            log.info("%s: its action is told to stop: %s", self.id, reason)

    def close(self) -> None:
        """Refuse all later writes: the claim is settled. For threads that an action left behind."""
        self.is_over = True

    def write(self, changes: Mapping[str, Any]) -> None:
        """Write changes, and those that are pending.

        Raises:
            SessionLost: the claim is lost, so that another owner may write by now.
            ApiError: as NuvlaClient.edit_job; the changes stay pending.
        """
        with self._lock:
            self.pending.update(changes)
            self._flush()

    def offer(self, changes: Mapping[str, Any]) -> None:
        """Write changes if that is possible; keep them for the next write if it is not.

        An action's progress goes this way: neither an API that is down nor a lost claim may fail
        the action.

        Raises:
            ApiRefused: the API will not have these changes; they are dropped.
            JobInterrupted: somebody asked for it meanwhile; what could be written is.
        """
        with self._gate, self._lock:
            self.pending.update(changes)
            self.document = {**self.document, **changes}
            if self.is_over or not self._health.is_up:
                return self._warn("the API is down")
            try:
                self._flush()
            except (SessionLost, MalformedAnswer) as error:
                self._warn(str(error))
            except (ApiUnavailable, LoginRefused) as error:
                self._health.failed(error)
                self._warn(str(error))
            except (EditConflict, NotFound) as error:
                self._end(error)
            except Exception:
                self.pending = {k: v for k, v in self.pending.items() if k not in changes}
                raise

    def end(self, error: EditConflict | NotFound) -> None:
        """Note that the document is final or gone."""
        with self._lock:
            self._end(error)

    def _flush(self) -> None:
        if self.is_over:
            raise SessionLost(f"{self.id} is settled: nothing more is written for it")
        if not self.claim.is_live():
            raise SessionLost(f"the claim of {self.id} is lost: another executor may run it")
        self.document = self.client.edit_job(self.id, self.pending)
        self.pending = {}

    def _end(self, error: EditConflict | NotFound) -> None:
        self.is_over = True
        final = isinstance(error, EditConflict)
        self.tell_to_stop("the job is final" if final else "the job's document was deleted")

    def _warn(self, why: str) -> None:
        if not self._warned and not self.is_over:
            self._warned = True
            log.warning(
                "%s: a write of its action waits for the next one: %s",
                self.id,
                why,
                extra={"job_id": self.id, "action": self.document.get("action")},
            )
