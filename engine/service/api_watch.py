"""One thread that looks at the API: whether it is back, and whether running jobs were cancelled."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Iterable

from engine.backoff import jittered
from engine.errors import ApiError, ApiUnavailable, EditConflict, LoginRefused, NotFound
from engine.models.member import API_HOLD
from engine.service.health import ApiHealth
from engine.service.seams import Client
from engine.service.work import Work
from engine.states import FINAL_STATES

log = logging.getLogger(__name__)

_LOGIN_PAUSE = 35.0
"""Seconds between attempts while our credentials are refused: under two a minute."""


class ApiWatch:
    """Probes an API that is down; reads the jobs that run for long while it is up."""

    def __init__(
        self,
        client: Client,
        health: ApiHealth,
        works: Callable[[], Iterable[Work]],
        *,
        hold: Callable[[str], None],
        unhold: Callable[[str], None],
        poll: float = 5.0,
        longest_pause: float = 10.0,
    ) -> None:
        """Args:
        works: the jobs that run now.
        hold, unhold: keep the queue from claiming, for a reason, and no longer for that reason.
        poll: seconds between two looks at the jobs that run for longer than this.
        longest_pause: seconds between two probes, at most.
        """
        self._client = client
        self._health = health
        self._works = works
        self._hold = hold
        self._unhold = unhold
        self._poll = poll
        self._longest_pause = longest_pause
        self._stopped = threading.Event()

    def start(self) -> None:
        """Start the thread."""
        threading.Thread(target=self._run, name="api-watch", daemon=True).start()

    def stop(self) -> None:
        """End the thread soon; nobody has to wait for it."""
        self._stopped.set()

    def _run(self) -> None:
        self._greet()
        while not self._stopped.is_set():
            try:
                if self._health.wait_for_failure(self._poll):
                    self._recover()
                else:
                    self._look_at_jobs()
            except Exception:  # this thread is the only one that ends the pause
                log.exception("the watch of the API failed, and goes on")
                self._stopped.wait(self._poll)

    def _greet(self) -> None:
        """Log in before there is a job, so that wrong credentials are told at the start."""
        try:
            self._client.probe()
        except ApiError as error:
            self._health.failed(error)

    def _recover(self) -> None:
        reason = API_HOLD
        self._hold(reason)
        attempt = 0
        pause = jittered(0, first=0.5, cap=self._longest_pause)
        while not self._stopped.wait(max(pause, self._health.retry_after)):
            try:
                self._client.probe()
            except ApiError as error:
                self._health.retry_after = getattr(error, "retry_after", None) or 0.0
                attempt += 1
                pause = jittered(attempt, first=0.5, cap=self._longest_pause)
                if isinstance(error, LoginRefused):
                    pause = max(pause, _LOGIN_PAUSE)
            else:
                self._health.recovered()
                self._unhold(reason)
                return

    def _look_at_jobs(self) -> None:
        now = time.monotonic()
        for work in list(self._works()):
            if self._stopped.is_set() or not self._health.is_up:
                return
            if now - work.since >= self._poll:
                self._look_at(work)

    def _look_at(self, work: Work) -> None:
        writer = work.writer
        if writer is None or writer.should_stop or work.is_settled:
            return
        try:
            state = self._client.get_job(writer.id).get("state")
        except NotFound as error:
            writer.end(error)
        except (ApiUnavailable, LoginRefused) as error:
            self._health.failed(error)
        except ApiError as error:
            log.debug("%s cannot be looked at: %s", writer.id, error)
        else:
            if state in FINAL_STATES:
                writer.end(EditConflict(f"it is {state}"))
