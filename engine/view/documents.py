"""The documents at hand: those that were in sight lately, and which of them to ask for next."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence

from engine.models import JobRecord

_KEPT = 4000
_GRACE = 5.0
"""Seconds. A document is stored after its entry is made, and queries find it a second later yet."""


class Documents:
    """Documents by job id; None for a job that the API does not have. Used by one thread only."""

    def __init__(self) -> None:
        self.jobs: Mapping[str, JobRecord | None] = {}
        """Replaced as a whole when something changed, never altered."""
        self._missing: dict[str, float] = {}

    def unknown(self, wanted: Sequence[str]) -> list[str]:
        """Return those that have never been asked for."""
        return [job for job in wanted if job not in self.jobs and job not in self._missing]

    def passing(self, wanted: Sequence[str]) -> list[str]:
        """Return those that can still change."""
        return [job for job in wanted if not self._is_final(job)]

    def keep(self, found: Mapping[str, JobRecord], asked: Sequence[str]) -> bool:
        """Take an answer; return whether something changed.

        Args:
            found: what the API has.
            asked: what was asked for.
        """
        now = time.monotonic()
        jobs = dict(self.jobs)
        for job in asked:
            record = found.get(job)
            if record is not None:
                jobs[job] = record
                self._missing.pop(job, None)
            elif now - self._missing.setdefault(job, now) > _GRACE:
                jobs[job] = None
        while len(jobs) > _KEPT:
            del jobs[next(iter(jobs))]
        return self._replace(jobs, asked)

    def lack(self, job: str) -> bool:
        """Note that the API said for certain that it has no such job."""
        self._missing[job] = float("-inf")
        return self.keep({}, [job])

    def _replace(self, jobs: dict[str, JobRecord | None], asked: Sequence[str]) -> bool:
        # Records compare without what they were made of, and a whole document has more than a
        # part of it.
        same = jobs == self.jobs and all(_raw(jobs, job) == _raw(self.jobs, job) for job in asked)
        if not same:
            self.jobs = jobs
        return not same

    def _is_final(self, job: str) -> bool:
        record = self.jobs.get(job)
        return record is not None and record.is_final


def _raw(jobs: Mapping[str, JobRecord | None], job: str) -> object:
    record = jobs.get(job)
    return None if record is None else record.raw
