"""Diagnoses: why a job does not move, with the evidence, and what is wrong in the cluster."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import IntEnum, StrEnum

from engine.models.report import Source


class Severity(IntEnum):
    """How bad a verdict is; worse is higher."""

    GOOD = 0
    DOUBT = 1
    BAD = 2


class Verdict(StrEnum):
    """The rows of the catalogue of stuck states, in its order, then two that it has no row for."""

    WAITING = "waiting"
    WORKING = "working"
    HUNG = "hung"
    GHOST_LOCK = "ghost-lock"
    WEDGED_OWNER = "wedged-owner"
    LOCK_EXPIRING = "lock-expiring"
    LOST = "lost"
    ELSEWHERE = "elsewhere"
    LEFTOVER = "leftover"
    CANCELLED_RUNNING = "cancelled-running"
    DUPLICATE = "duplicate"
    POISON = "poison"
    STARVED = "starved"
    NO_CONSUMER = "no-consumer"
    NO_DISTRIBUTOR = "no-distributor"
    ORPHAN_ENTRY = "orphan-entry"
    OVERSIZED = "oversized"
    API_DOWN = "api-down"
    UNKNOWN_ACTION = "unknown-action"
    FINISHED = "finished"
    """The job has ended and left nothing behind."""
    UNKNOWN = "unknown"
    """What would settle it could not be read."""

    @property
    def is_healthy(self) -> bool:
        """Whether nothing needs to be done. A verdict that is not known is not healthy."""
        return self in _HEALTHY

    @property
    def is_stuck(self) -> bool:
        """Whether something is wrong for certain."""
        return not (self.is_healthy or self is Verdict.UNKNOWN)

    @property
    def severity(self) -> Severity:
        """How bad it is."""
        if self.is_healthy:
            return Severity.GOOD
        return Severity.DOUBT if self in _DOUBTFUL else Severity.BAD


_HEALTHY = frozenset(
    {
        Verdict.WAITING,
        Verdict.WORKING,
        Verdict.ELSEWHERE,
        Verdict.LEFTOVER,
        Verdict.FINISHED,
    }
)
_DOUBTFUL = frozenset(
    {
        Verdict.LOCK_EXPIRING,
        Verdict.CANCELLED_RUNNING,
        Verdict.STARVED,
        Verdict.ORPHAN_ENTRY,
        Verdict.UNKNOWN,
    }
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Evidence:
    """One claim and the datum that it rests on. All text is safe to draw."""

    claim: str
    """A sentence that a tired person understands."""
    datum: str
    """What was read: a field with its value, a node with its version, a session, a sample."""
    source: str
    """"zookeeper", "api", "presence", "stacks", "watch" or "settings"."""
    age_s: float | None = None
    """Seconds since the datum was read; None where it could not be."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SafeAct:
    """What mends it without making it worse."""

    act: str
    """A word, such as "release"."""
    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Diagnosis:
    """The verdict on one job at the moment of its dossier."""

    job_id: str
    taken_at: datetime
    verdict: Verdict
    summary: str
    evidence: tuple[Evidence, ...] = ()
    acts: tuple[SafeAct, ...] = ()
    sources: tuple[Source, ...] = ()

    @property
    def is_healthy(self) -> bool:
        """Whether nothing needs to be done."""
        return self.verdict.is_healthy


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """Something that is wrong: one part of the cluster, or a group of jobs with one cause."""

    verdict: Verdict
    subject: str
    """The action, executor or election that it is about; "" where it is about the whole queue."""
    summary: str
    count: int = 0
    """Jobs that are affected."""
    jobs: tuple[str, ...] = ()
    """The first of them."""
    evidence: tuple[Evidence, ...] = ()
    """Of the first of them."""
    acts: tuple[SafeAct, ...] = ()

    @property
    def severity(self) -> Severity:
        """How bad it is."""
        return self.verdict.severity


@dataclass(frozen=True, slots=True, kw_only=True)
class Checkup:
    """All findings of one moment, worst first."""

    taken_at: datetime
    findings: tuple[Finding, ...] = ()
    sources: tuple[Source, ...] = ()
    depth: int = 0
    """Entries in the queue."""
    documents: int = 0
    """Unfinished documents that were read."""
    unread: int = 0
    """Unfinished documents that were left out, since there are too many: the newest."""
    left_out: tuple[str, ...] = ()
    """What the bounds left no time or room for, in words, the documents included."""

    @property
    def is_stuck(self) -> bool:
        """Whether something is wrong for certain."""
        return any(finding.verdict.is_stuck for finding in self.findings)
