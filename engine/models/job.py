"""Jobs: the document that the API holds, and the request that creates one."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import MAXYEAR, MINYEAR, UTC, datetime, timedelta
from typing import Any

from engine.errors import MalformedAnswer
from engine.states import ExecutionMode, JobState
from engine.text import clean

MONITOR_TAG = "monitor"
"""A bulk job's tag once its monitor follows it. Source: the published engine's bulk actions."""

_TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{1,3})?(Z|[+-]\d\d:\d\d)")


def parse_time(text: object) -> datetime | None:
    """Return a timestamp of the API as an aware datetime, or None where it is none."""
    if not isinstance(text, str) or not _TIME.fullmatch(text):
        return None
    try:
        when = datetime.fromisoformat(text)
    except ValueError:
        return None
    # The first and the last year of the calendar cannot be told in every zone.
    return when.astimezone(UTC) if MINYEAR + 1 < when.year < MAXYEAR - 1 else None


def format_time(when: datetime) -> str:
    """Return an aware datetime as the API writes it: UTC, three fraction digits, Z."""
    return when.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


@dataclass(frozen=True, slots=True, kw_only=True)
class JobRecord:
    """A job document as read. Text is safe to draw; `raw` is the document as it came."""

    id: str
    action: str
    state: JobState
    priority: int | None = None
    """None where the document does not say: an edit removes it (the entry's name still has it)."""
    execution_mode: ExecutionMode = ExecutionMode.PUSH
    version: int = 0
    """0 where the document does not say."""
    target: str | None = None
    """The href of the target resource."""
    progress: int = 0
    """Percent."""
    return_code: int | None = None
    status_message: str = ""
    created: datetime | None = None
    updated: datetime | None = None
    started: datetime | None = None
    duration: int | None = None
    """Seconds from started to final."""
    status_changed: datetime | None = None
    created_by: str = ""
    parent: str | None = None
    tags: tuple[str, ...] = ()
    raw: Mapping[str, Any] = field(default_factory=dict, repr=False, compare=False)

    @classmethod
    def from_json(cls, document: object) -> JobRecord:
        """Read a job document.

        Raises:
            MalformedAnswer: the document is no object, or lacks a usable id, action or state.
        """
        if not isinstance(document, dict):
            raise MalformedAnswer(f"a job document is a {type(document).__name__}, not an object")
        job_id, action = document.get("id"), document.get("action")
        if not isinstance(job_id, str) or not isinstance(action, str) or not action.strip():
            raise MalformedAnswer("a job document lacks its id or its action")
        try:
            state = JobState(str(document.get("state")))
            mode = ExecutionMode(document.get("execution-mode", ExecutionMode.PUSH))
        except ValueError as error:
            raise MalformedAnswer(f"job document {clean(job_id, limit=60)}: {error}") from error
        return cls(
            id=clean(job_id, limit=256),
            action=clean(action, limit=256),
            state=state,
            priority=_integer(document.get("priority")),
            execution_mode=mode,
            version=_integer(document.get("version")) or 0,
            target=_href(document.get("target-resource")),
            progress=max(0, min(_integer(document.get("progress")) or 0, 100)),
            return_code=_integer(document.get("return-code")),
            status_message=_text(document.get("status-message"), 100_005, lines=True),
            created=parse_time(document.get("created")),
            updated=parse_time(document.get("updated")),
            started=parse_time(document.get("started")),
            duration=_integer(document.get("duration")),
            status_changed=parse_time(document.get("time-of-status-change")),
            created_by=_text(document.get("created-by"), 256),
            parent=_text(document.get("parent-job"), 256) or None,
            tags=tuple(_text(tag, 256) for tag in _items(document.get("tags"))),
            raw=document,
        )

    @property
    def is_final(self) -> bool:
        """Whether the job has ended."""
        return self.state.is_final

    @property
    def is_queued(self) -> bool:
        """Whether the queue ought to hold an entry of it."""
        return not (self.is_final or self.is_followed) and self.execution_mode.is_queued

    @property
    def is_followed(self) -> bool:
        """Whether it is a bulk job that its monitor ends: its entry is consumed before that."""
        is_bulk = self.action.startswith("bulk")
        return is_bulk and self.state is JobState.RUNNING and MONITOR_TAG in self.tags

    def age(self, now: datetime) -> timedelta | None:
        """Return the time since the job was created, or None where that is not known."""
        return None if self.created is None else max(now - self.created, timedelta())


@dataclass(frozen=True, slots=True, kw_only=True)
class JobRequest:
    """A job to create."""

    action: str
    target: str | None = None
    """The href of the target resource."""
    priority: int | None = None
    """0 to 999, lower runs sooner; None leaves it to the server, which queues at 999."""
    payload: str | None = None
    execution_mode: ExecutionMode = ExecutionMode.PUSH
    parent: str | None = None
    name: str | None = None
    description: str | None = None
    affected: tuple[str, ...] = ()
    extra: Mapping[str, Any] = field(default_factory=dict)
    """Further attributes of the document, by their name in the API."""

    def to_json(self) -> dict[str, Any]:
        """Return the document to post.

        Raises:
            ValueError: the action is blank or the priority is not within 0 to 999.
        """
        if not self.action.strip():
            raise ValueError("the action of a job request is blank")
        if self.priority is not None and not 0 <= self.priority <= 999:
            raise ValueError(f"priority {self.priority} is not within 0 to 999")
        document: dict[str, Any] = {
            **self.extra,
            "action": self.action,
            "execution-mode": str(self.execution_mode),
            "target-resource": {"href": self.target} if self.target else None,
            "affected-resources": [{"href": href} for href in self.affected] or None,
            "priority": self.priority,
            "payload": self.payload,
            "parent-job": self.parent,
            "name": self.name,
            "description": self.description,
        }
        return {key: value for key, value in document.items() if value is not None}


@dataclass(frozen=True, slots=True, kw_only=True)
class JobPage:
    """One answer of a query for jobs."""

    taken_at: datetime
    jobs: tuple[JobRecord, ...] = ()
    count: int = 0
    """Documents that match, before paging; the server stops counting at 10,000."""
    aggregations: Mapping[str, Any] = field(default_factory=dict)
    unreadable: int = 0
    """Documents of the answer that follow no contract and were left out."""


def _integer(value: object) -> int | None:
    return value if isinstance(value, int) and not isinstance(value, bool) else None


def _text(value: object, limit: int, *, lines: bool = False) -> str:
    return clean(value, limit=limit, keep_lines=lines) if isinstance(value, str) else ""


def _href(value: object) -> str | None:
    return _text(value.get("href"), 256) or None if isinstance(value, dict) else None


def _items(value: object) -> list[object]:
    return value if isinstance(value, list) else []
