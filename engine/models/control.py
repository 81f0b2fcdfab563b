"""What is asked of a running member over ZooKeeper, and what it answers."""

from __future__ import annotations

import json
import re
import secrets
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any

from engine.models.job import format_time, parse_time
from engine.models.stacks import StackReport
from engine.text import clean, clean_bytes

MAX_PATIENCE = 300.0
"""Seconds that a member gives an action to end, at most."""
PATIENCE = 10.0
"""The same where a request does not say."""
_MAX_OPTIONS = 16
_MAX_NUMBER = 1e15
_TEXT = 512
_ID = re.compile(r"[0-9a-f]{32}")

Option = str | int | float | bool


class Command(StrEnum):
    """What a member can be asked to do."""

    PING = "ping"
    STACKS = "stacks"
    DRAIN = "drain"
    RESUME = "resume"
    RELEASE = "release"
    INTERRUPT = "interrupt"

    @property
    def is_read_only(self) -> bool:
        """Whether nothing changes by it."""
        return self in (Command.PING, Command.STACKS)

    @property
    def needs_job(self) -> bool:
        """Whether it is about one job."""
        return self in (Command.RELEASE, Command.INTERRUPT)


class RemoteControl(StrEnum):
    """What a member lets others ask of it."""

    ALL = "all"
    READ_ONLY = "read-only"
    NONE = "none"

    def allows(self, command: Command) -> bool:
        """Whether a member with this setting does what a command asks."""
        return self is RemoteControl.ALL or (
            self is RemoteControl.READ_ONLY and command.is_read_only
        )


class Outcome(StrEnum):
    """How a request ended."""

    DONE = "done"
    REFUSED = "refused"
    """It could not be done, for the reason in the detail; all is as it was."""
    NOT_MINE = "not-mine"
    """The member does not hold the job."""
    FAILED = "failed"
    """The member met an error of its own; look at the job before it is asked again."""
    LIMITED = "limited"
    """The member's setting remote-control forbids it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """One request, as its node holds it."""

    command: Command
    by: str
    """Who asks, as the audit names them. It is what the asker says of itself: nothing proves it."""
    asked_at: datetime
    """By the asker's clock."""
    id: str
    """128 random bits in hex; the reply has to repeat them."""
    job_id: str | None = None
    options: Mapping[str, Option] = field(default_factory=dict)
    """`reason`, `patience` (seconds), `entry` (the name of the entry that is meant)."""

    @classmethod
    def new(
        cls,
        command: Command,
        *,
        by: str,
        now: datetime,
        job_id: str | None = None,
        **options: Option,
    ) -> Request:
        """Return a request with an id of its own.

        Raises:
            ValueError: the command is about a job, and none is named.
        """
        if command.needs_job and not job_id:
            raise ValueError(f"{command.value} names no job")
        return cls(
            command=command,
            by=clean(by, limit=_TEXT),
            asked_at=now,
            id=secrets.token_hex(16),
            job_id=job_id,
            options=options,
        )

    @property
    def patience(self) -> float:
        """Seconds that the member gives the action to end."""
        asked = self.options.get("patience", PATIENCE)
        if isinstance(asked, str | bool):
            return PATIENCE
        return min(MAX_PATIENCE, max(0.0, float(asked)))

    @property
    def reason(self) -> str:
        """Why it is asked; safe to draw, and empty where nobody said."""
        return str(self.options.get("reason", ""))

    @property
    def entry(self) -> str | None:
        """The name of the entry that is meant, where the asker says it."""
        entry = self.options.get("entry")
        return entry if isinstance(entry, str) else None

    def to_json(self) -> bytes:
        """Return the data of the request's node."""
        raw = {
            "command": self.command.value,
            "job_id": self.job_id,
            "by": self.by,
            "asked_at": format_time(self.asked_at),
            "id": self.id,
            "options": dict(self.options),
        }
        return json.dumps(raw).encode()

    @classmethod
    def from_json(cls, data: bytes) -> Request:
        """Read a request; its texts become safe to draw.

        Raises:
            ValueError: it is not what `to_json` gives.
        """
        raw = _object(data)
        command = Command(_text(raw, "command"))
        job_id = raw.get("job_id")
        if not isinstance(job_id, str | None):
            raise ValueError("job_id is no text")
        if command.needs_job and not job_id:
            raise ValueError(f"{command.value} names no job")
        return cls(
            command=command,
            by=_text(raw, "by"),
            asked_at=_time(raw, "asked_at"),
            id=_identity(raw, "id"),
            job_id=None if job_id is None else clean(job_id, limit=_TEXT),
            options=_options(raw.get("options")),
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Reply:
    """The answer to one request."""

    request_id: str
    outcome: Outcome
    detail: str
    """In words: what was done, or why it was not."""
    instance: str
    """The member that answers."""
    answered_at: datetime
    """By the member's clock."""
    stacks: StackReport | None = None
    """What `stacks` asked for."""

    @property
    def is_done(self) -> bool:
        """Whether what was asked for is so now."""
        return self.outcome is Outcome.DONE

    def to_json(self) -> bytes:
        """Return the text of the reply."""
        raw = {
            "request_id": self.request_id,
            "outcome": self.outcome.value,
            "detail": self.detail,
            "instance": self.instance,
            "answered_at": format_time(self.answered_at),
            "stacks": None if self.stacks is None else self.stacks.to_json(),
        }
        return json.dumps(raw, separators=(",", ":")).encode()

    @classmethod
    def from_json(cls, data: bytes) -> Reply:
        """Read a reply; its texts become safe to draw.

        Raises:
            ValueError: it is not what `to_json` gives.
        """
        raw = _object(data)
        stacks = raw.get("stacks")
        return cls(
            request_id=_identity(raw, "request_id"),
            outcome=Outcome(_text(raw, "outcome")),
            detail=_text(raw, "detail", limit=4 * _TEXT),
            instance=_text(raw, "instance"),
            answered_at=_time(raw, "answered_at"),
            stacks=None if stacks is None else StackReport.from_json(stacks),
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Pause:
    """The pause node: while it is there, no executor of ours claims."""

    by: str
    """Who paused, as they call themselves; empty where the node does not say."""
    at: datetime | None
    """When, by the clock of whoever paused."""
    reason: str

    def to_node(self) -> bytes:
        """Return the data of the node."""
        at = None if self.at is None else format_time(self.at)
        return json.dumps({"by": self.by, "at": at, "reason": self.reason}).encode()

    @classmethod
    def from_node(cls, data: bytes | None) -> Pause:
        """Read the node. Whatever it holds pauses: text that is not ours is the reason, since the
        node may be made by hand."""
        try:
            raw = _object(data or b"")
            return cls(
                by=_text(raw, "by"), at=parse_time(raw.get("at")), reason=_text(raw, "reason")
            )
        except ValueError:
            return cls(by="", at=None, reason=clean_bytes(data or b"", limit=_TEXT))

    def describe(self) -> str:
        """Return all of it in one line, safe to draw."""
        parts = [self.reason or "no reason is given"]
        if self.by:
            parts.append(f"by {self.by}")
        if self.at is not None:
            parts.append(f"since {format_time(self.at)}")
        return ", ".join(parts)


def _object(data: bytes) -> dict[str, Any]:
    try:
        raw = json.loads(data)
    except RecursionError as error:
        raise ValueError("it is nested too deeply") from error
    if not isinstance(raw, dict):
        raise ValueError("it is no JSON object")
    return raw


def _text(raw: Mapping[str, Any], key: str, *, limit: int = _TEXT) -> str:
    value = raw.get(key)
    if not isinstance(value, str):
        raise ValueError(f"{key} is no text")
    return clean(value, limit=limit)


def _time(raw: Mapping[str, Any], key: str) -> datetime:
    when = parse_time(raw.get(key))
    if when is None:
        raise ValueError(f"{key} is no time")
    return when


def _identity(raw: Mapping[str, Any], key: str) -> str:
    value = raw.get(key)
    if not isinstance(value, str) or _ID.fullmatch(value) is None:
        raise ValueError(f"{key} is not 32 hex digits")
    return value


def _options(raw: object) -> dict[str, Option]:
    if raw is None:
        return {}
    if not isinstance(raw, dict) or len(raw) > _MAX_OPTIONS:
        raise ValueError(f"options is no object of at most {_MAX_OPTIONS} values")
    found: dict[str, Option] = {}
    for key, value in raw.items():
        if not isinstance(value, str | int | float | bool):
            raise ValueError(f"option {clean(key, limit=40)} is neither text nor number")
        if isinstance(value, int | float) and not abs(value) < _MAX_NUMBER:
            raise ValueError(f"option {clean(key, limit=40)} is too large a number")
        text = clean(value, limit=_TEXT) if isinstance(value, str) else value
        found[clean(key, limit=64)] = text
    return found
