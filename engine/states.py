"""The states of a job and the ways it may be executed, as the Nuvla server names them."""

from __future__ import annotations

from enum import StrEnum


class JobState(StrEnum):
    """State of a job document. Source: the server's job schema, version 2."""

    QUEUED = "QUEUED"
    RUNNING = "RUNNING"
    SUCCESS = "SUCCESS"
    FAILED = "FAILED"
    CANCELED = "CANCELED"

    @property
    def is_final(self) -> bool:
        """Whether the server refuses (409) every edit of a job in this state."""
        return self in FINAL_STATES


FINAL_STATES = frozenset({JobState.SUCCESS, JobState.FAILED, JobState.CANCELED})
"""States that a job never leaves."""


class ExecutionMode(StrEnum):
    """Who fetches a job: an executor from the queue (push), the edge device itself (pull), or
    an executor first and the device after a failed first attempt (mixed)."""

    PUSH = "push"
    PULL = "pull"
    MIXED = "mixed"

    @property
    def is_queued(self) -> bool:
        """Whether the server puts a job of this mode into the queue."""
        return self is not ExecutionMode.PULL


JOB_VERSION = 2
"""The job document version this engine runs: older ones fail, newer ones are left to others."""
