"""A job's document joined with its place in the queue."""

from __future__ import annotations

from dataclasses import dataclass

from engine.models.job import JobRecord
from engine.models.queue import Owner, QueueEntry


@dataclass(frozen=True, slots=True, kw_only=True)
class JoinedJob:
    """A document with the entries that hold its id, in queue order, each with its lock."""

    record: JobRecord
    entries: tuple[QueueEntry, ...] = ()
    """Usually one; several mean that the job can run twice."""
    is_located: bool = True
    """False where the queue could not be read, so that nothing is known of entries."""

    @property
    def owner(self) -> Owner | None:
        """Who holds the job, as its first lock says."""
        return next((entry.lock.owner for entry in self.entries if entry.lock), None)

    @property
    def is_missing(self) -> bool:
        """Whether the job has no entry although its state and execution mode call for one."""
        return self.is_located and not self.entries and self.record.is_queued
