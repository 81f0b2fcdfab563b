"""The live picture: all snapshots of one moment, each source with its health."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import NamedTuple

from engine.models import (
    Checkup,
    Diagnosis,
    ElectionSnapshot,
    Flapping,
    JobRecord,
    MemberSnapshot,
    QueueSnapshot,
    Starving,
    TakenSnapshot,
)
from engine.states import JobState


class Condition(StrEnum):
    """How it stands with a source."""

    WAITING = "waiting"
    """It has not answered yet."""
    LIVE = "live"
    STALE = "stale"
    """What was read from it may not be true any more."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Health:
    """One source: whether what it said still holds."""

    name: str
    """"zookeeper" or "api"."""
    condition: Condition = Condition.WAITING
    read_at: datetime | None = None
    """When it last answered, or was last known to be as we show it."""
    latency: float | None = None
    """Seconds of the last answer."""
    error: str | None = None
    """Why it is not live, safe to draw."""
    where: str = ""
    """The hosts or the address, safe to draw, without any secret."""

    @property
    def is_live(self) -> bool:
        """Whether its facts are fresh."""
        return self.condition is Condition.LIVE

    def age(self, now: datetime) -> float | None:
        """Return the seconds since it last answered, or None where it never did."""
        return None if self.read_at is None else max(0.0, (now - self.read_at).total_seconds())


@dataclass(frozen=True, slots=True, kw_only=True)
class JobCounts:
    """What the API counts: aggregations, not a list of documents."""

    taken_at: datetime
    states: Mapping[JobState, int] = field(default_factory=dict)
    """Jobs that are not final, by state."""
    actions: tuple[tuple[str, int], ...] = ()
    """Queued jobs by action, most first; the API names ten at most."""
    other_actions: int = 0
    """Queued jobs of the actions that it does not name."""
    finished: Mapping[JobState, int] = field(default_factory=dict)
    """Jobs that ended within the last minute, by state."""


class Sample(NamedTuple):
    """One point of the charts; None where that source was not live."""

    at: datetime
    depth: int | None
    running: int | None
    done: int | None
    """Jobs that ended well, a minute."""
    failed: int | None
    """Jobs that failed, a minute."""


class Note(NamedTuple):
    """A line of the log: what the console itself saw or did."""

    number: int
    at: datetime
    level: str
    """"info", "good", "doubt" or "bad"."""
    text: str
    """Safe to draw."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Search:
    """A list of jobs that was asked of the API, and its answer."""

    filter: str | None = None
    """A filter in the API's language, or None for all jobs."""
    orderby: str = "created:desc"
    limit: int = 200
    taken_at: datetime | None = None
    """None while no answer has come."""
    jobs: tuple[JobRecord, ...] = ()
    count: int = 0
    """Jobs that match; the server stops counting at 10,000."""
    unreadable: int = 0
    error: str | None = None
    """Why the API refused, safe to draw."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Sight:
    """What is looked at: the store reads this first, and job documents for nothing else."""

    entries: tuple[str, ...] = ()
    """Entries of the queue in sight, by name."""
    jobs: tuple[str, ...] = ()
    """Jobs whose documents are shown."""
    in_full: str | None = None
    """The one job that is shown whole."""
    search: Search | None = None
    unfolded: tuple[str, ...] = ()
    """Bulk jobs whose children are shown."""
    judged: bool = False
    """Whether the one job in full is to be diagnosed."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Judgement:
    """The verdict on the job that is looked at."""

    job_id: str
    diagnosis: Diagnosis | None = None
    error: str = ""
    """Why there is no diagnosis, safe to draw."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Picture:
    """All that is known at one moment. None stands for what has not been read yet."""

    zookeeper: Health
    api: Health
    queue: QueueSnapshot | None = None
    unread: int = 0
    """Entries of the queue whose job is not known yet."""
    oldest_waiting: datetime | None = None
    """When the oldest entry that nobody holds was made."""
    taken: TakenSnapshot | None = None
    flapping: tuple[Flapping, ...] = ()
    """Entries that are taken and released again and again while this watches, the worst first."""
    starving: tuple[Starving, ...] = ()
    """Priorities whose turn does not come while this watches."""
    elections: ElectionSnapshot | None = None
    members: MemberSnapshot | None = None
    counts: JobCounts | None = None
    search: Search | None = None
    jobs: Mapping[str, JobRecord | None] = field(default_factory=dict)
    """Documents at hand, by id: those of the rows in sight. None: the API has no such job."""
    children: Mapping[str, tuple[JobRecord, ...]] = field(default_factory=dict)
    """Children of the bulk jobs that were unfolded, by the parent's id."""
    failures: tuple[JobRecord, ...] = ()
    """Jobs that failed within the last hour, newest first; at most ten."""
    checkup: Checkup | None = None
    """All that is stuck or sick, worst first."""
    checked_at: datetime | None = None
    """When the check-up ended."""
    checkup_error: str = ""
    """Why the last check-up came to no end, safe to draw."""
    judgement: Judgement | None = None
    """On the job that is looked at, or was last."""
    samples: tuple[Sample, ...] = ()
    """For the charts, oldest first."""
    notes: tuple[Note, ...] = ()
    """The log, oldest first."""
