"""The record of an act: what was attempted, by whom, and how it ended."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any


class Ending(StrEnum):
    """How an attempted act ended."""

    DONE = "done"
    REFUSED = "refused"
    """Nothing was changed: the plan no longer held, or the act is not allowed."""
    FAILED = "failed"
    """It failed, and nothing was changed."""
    MAYBE_APPLIED = "maybe-applied"
    """The answer was lost: it may be done. Look before it is repeated."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Who:
    """Who acts."""

    user: str
    host: str
    pid: int
    login: str | None = None
    """The user who logged in, where it is another one (sudo)."""

    def __str__(self) -> str:
        """``jane@node1``, or ``jane as root@node1``."""
        return f"{self.login} as {self.user}@{self.host}" if self.login else self.name

    @property
    def name(self) -> str:
        """``root@node1``."""
        return f"{self.user}@{self.host}"


@dataclass(frozen=True, slots=True, kw_only=True)
class ActRecord:
    """One attempted act, with its end where one was noted. Text is safe to draw."""

    id: str
    at: datetime
    act: str
    subject: str
    who: Who
    profile: str | None = None
    reason: str | None = None
    ending: Ending | None = None
    """None: no end was noted, so the act may be done or not, or goes on."""
    detail: str = ""
    ended_at: datetime | None = None
    plan: Mapping[str, Any] = field(default_factory=dict, repr=False, compare=False)
    """As it was written: the operations, what they rest on, the evidence."""


@dataclass(frozen=True, slots=True, kw_only=True)
class AuditLog:
    """What a record of acts holds."""

    taken_at: datetime
    records: tuple[ActRecord, ...] = ()
    """Oldest first."""
    left_out: int = 0
    """Older acts that match as well."""
    damaged: int = 0
    """Lines that cannot be read, such as one that a crash cut."""
