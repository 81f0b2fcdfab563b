"""Which jobs this process has put back again and again lately, and why."""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime

from engine.models import PutBack

WINDOW = 600.0
"""Seconds to look back."""
LEAST = 3
TOLD = 20
"""Jobs that are told of."""
_REMEMBERED = 10_000
_TIMES = 100


@dataclass(slots=True)
class _Seen:
    times: deque[float]
    last: datetime
    reason: str


class Releases:
    """Counts per job; asked by the thread that tells of the process, told by the workers."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        """Args: clock: monotonic seconds."""
        self._clock = clock
        self._seen: dict[str, _Seen] = {}
        self._lock = threading.Lock()

    def note(self, job_id: str, reason: str) -> None:
        """Count one more."""
        now, at = self._clock(), datetime.now(UTC)
        with self._lock:
            seen = self._seen.setdefault(job_id, _Seen(deque(maxlen=_TIMES), at, reason))
            seen.times.append(now)
            seen.last, seen.reason = at, reason
            if len(self._seen) > _REMEMBERED:
                del self._seen[next(iter(self._seen))]

    def repeated(self) -> tuple[PutBack, ...]:
        """Return the jobs that were put back at least thrice within the window, the most often
        first: less may be an API that was away for a moment. Cheap where there were none."""
        if not self._seen:
            return ()
        begin = self._clock() - WINDOW
        with self._lock:
            for job_id in list(self._seen):
                times = self._seen[job_id].times
                while times and times[0] < begin:
                    times.popleft()
                if not times:
                    del self._seen[job_id]
            found = [
                PutBack(job_id=job_id, times=len(seen.times), last=seen.last, reason=seen.reason)
                for job_id, seen in self._seen.items()
                if len(seen.times) >= LEAST
            ]
        return tuple(sorted(found, key=lambda each: (-each.times, each.job_id))[:TOLD])
