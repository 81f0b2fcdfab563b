"""How long the queue's thread waits after a failure, so that nothing spins."""

from __future__ import annotations

import logging
import time

from engine import backoff

log = logging.getLogger(__name__)

_ALARM_EVERY = 60.0
_DENIED_CAP = 20.0


class Patience:
    """When to try again: anything after a fault, claiming after an ACL forbade it."""

    def __init__(self) -> None:
        """Nothing has failed."""
        self._failures = 0
        self._denials = 0
        self._alarm_at = float("-inf")
        self.not_before = 0.0
        """Monotonic; nothing is sent before."""
        self.claim_not_before = 0.0
        """Monotonic; nothing is listed or claimed before."""

    def succeeded(self) -> None:
        """A round went well."""
        self._failures = 0

    def claimed(self) -> None:
        """Claiming is allowed."""
        self._denials = 0

    def failed(self) -> float:
        """A round failed: wait a little, then longer and longer. Returns the seconds."""
        delay = backoff.jittered(self._failures, first=0.05, cap=2.0)
        self._failures += 1
        self.not_before = time.monotonic() + delay
        return delay

    def begin_again(self) -> None:
        """A new session: what failed in the old one says nothing."""
        self.not_before = 0.0

    def denied(self, what: str) -> None:
        """An ACL stands in the way: say so once a minute, and try less and less often."""
        now = time.monotonic()
        delay = backoff.exponential(self._denials, first=1.0, cap=_DENIED_CAP)
        self.claim_not_before = now + delay
        self._denials += 1
        if now - self._alarm_at >= _ALARM_EVERY:
            self._alarm_at = now
            log.error("ZooKeeper's ACLs stand in the queue's way (%s): trying on", what)
