"""Whether the API answers, as all threads of one process see it."""

from __future__ import annotations

import logging
import threading

from engine.errors import ApiError

log = logging.getLogger(__name__)


class ApiHealth:
    """Set by whoever meets a failure, cleared by the one thread that probes."""

    def __init__(self) -> None:
        self.is_up = True
        self.retry_after = 0.0
        """Seconds that the API asked to wait, where it did."""
        self._down = threading.Event()
        self._lock = threading.Lock()

    def failed(self, error: ApiError) -> None:
        """Note that the API did not answer, or refused our credentials."""
        with self._lock:
            first, self.is_up = self.is_up, False
            self.retry_after = max(self.retry_after, getattr(error, "retry_after", None) or 0.0)
        if first:
            log.warning("the API cannot be used, claiming pauses: %s", error)
        self._down.set()

    def recovered(self) -> None:
        """Note that the API answers again."""
        with self._lock:
            self._down.clear()
            self.retry_after = 0.0
            first, self.is_up = not self.is_up, True
        if first:
            log.info("the API answers again, claiming goes on")

    def wait_for_failure(self, timeout: float) -> bool:
        """Wait until the API fails, for some seconds at most; whether it has."""
        return self._down.wait(timeout)
