"""Add one job, once: an addition of unknown outcome is looked up before it is repeated."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Mapping
from typing import Any, Protocol

from engine.backoff import jittered
from engine.errors import ApiError, ApiUnavailable, LoginRefused, MalformedAnswer
from engine.models import JobPage, JobRequest

log = logging.getLogger(__name__)

_LONGEST_PAUSE = 15.0
_LOGIN_PAUSE = 35.0
"""Seconds between attempts while our credentials are refused: under two a minute."""


class AddingClient(Protocol):
    """The Nuvla API, as far as a distributor needs it."""

    def add_job(self, request: Any) -> str:
        """Add a job and return its id."""

    def search_jobs(
        self,
        *,
        filter: str | None = None,
        orderby: str | None = None,
        last: int | None = None,
    ) -> JobPage:
        """Query jobs."""

    def official(self) -> Any:
        """The official client."""


def document_of(request: object) -> dict[str, Any]:
    """Return the document to post of what a generator yielded.

    Raises:
        ValueError: it is neither a JobRequest nor a document with an action.
    """
    if isinstance(request, JobRequest):
        return request.to_json()
    if not isinstance(request, Mapping):
        raise ValueError(f"a {type(request).__name__} is no job")
    action = request.get("action")
    if not isinstance(action, str) or not action.strip():
        raise ValueError("a job without an action is none")
    return dict(request)


class Adder:
    """Adds jobs, with patience."""

    def __init__(self, client: AddingClient, wait: Callable[[float], bool]) -> None:
        """Args: wait: wait some seconds; false where the caller stops."""
        self._client = client
        self._wait = wait
        self._warned = False

    def add(
        self, document: dict[str, Any], mark: str, go_on: Callable[[], bool], deadline: float
    ) -> bool:
        """Add a job; whether it has been added.

        Args:
            document: the job.
            mark: unique; becomes its name, by which it is found again, unless it has one.
            go_on: asked before each request: whether we still lead.
            deadline: monotonic; after it the job is skipped.
        """
        document = {"name": mark, **document}
        attempt = 0
        unknown = False
        while go_on():
            try:
                if unknown:
                    if self._is_there(document, mark):
                        return True
                    unknown = False
                    continue  # the look took its time: do we still lead?
                self._client.add_job(document)
                self._warned = False
                return True
            except (ApiUnavailable, LoginRefused, MalformedAnswer) as error:
                unknown = unknown or error.maybe_applied
                self._warn(document, error)
                pause = _pause(error, attempt)
                attempt += 1
                if time.monotonic() + pause >= deadline:
                    log.warning("a job %s is skipped: %s", document["action"], error)
                    return False
                if not self._wait(pause):
                    return False
            except (ApiError, ValueError, TypeError) as error:
                log.error("a job %s is skipped: %s", document["action"], error)
                return False
        return False

    def _is_there(self, document: dict[str, Any], mark: str) -> bool:
        if document["name"] != mark:
            log.warning("a job %s may have been added; it is not repeated", document["action"])
            return True
        return self._client.search_jobs(filter=f"name='{mark}'", last=1).count > 0

    def _warn(self, document: dict[str, Any], error: ApiError) -> None:
        if not self._warned:
            self._warned = True
            log.warning("a job %s has to wait for the API: %s", document["action"], error)


def _pause(error: ApiError, attempt: int) -> float:
    pause = jittered(attempt, first=0.2, cap=_LONGEST_PAUSE)
    if isinstance(error, LoginRefused):
        return max(pause, _LOGIN_PAUSE)
    return max(pause, getattr(error, "retry_after", None) or 0.0)
