"""How often this process has put a job back, and how long to leave it alone next time."""

from __future__ import annotations

import threading
import time

from engine.backoff import jittered

_REMEMBERED = 10_000
"""Jobs; beyond that the one that was put back first is forgotten."""


class Attempts:
    """Counts per job. Forgetting one only makes its next wait shorter."""

    def __init__(self, *, first: float = 1.0, cap: float = 60.0) -> None:
        """Args: first, cap: seconds to leave a job alone, the first time and at most."""
        self._first = first
        self._cap = cap
        self._seen: dict[str, tuple[int, float]] = {}
        self._lock = threading.Lock()

    def again(self, job_id: str) -> tuple[int, float]:
        """Count one more and return how many there are and the seconds since the first one."""
        now = time.monotonic()
        with self._lock:
            count, since = self._seen.get(job_id, (0, now))
            self._seen[job_id] = (count + 1, since)
            if len(self._seen) > _REMEMBERED:
                del self._seen[next(iter(self._seen))]
        return count + 1, now - since

    def cooldown(self, job_id: str) -> float:
        """Return the seconds to leave the job alone, longer with every attempt."""
        count, _ = self._seen.get(job_id, (1, 0.0))
        return jittered(max(0, count - 1), first=self._first, cap=self._cap)

    def forget(self, job_id: str) -> None:
        """Forget a job that ran or is gone."""
        if self._seen:
            with self._lock:
                self._seen.pop(job_id, None)
