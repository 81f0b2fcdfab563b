"""What every view carries beside its facts: where they came from, and how old they are."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Source:
    """One source of a view, with its age or its error."""

    name: str
    """"zookeeper" or "api"."""
    read_at: datetime | None = None
    """When it last answered."""
    error: str | None = None
    """Why it did not answer, safe to draw."""

    def age(self, now: datetime) -> float | None:
        """Return the seconds since the source last answered, or None where it never did."""
        return None if self.read_at is None else max(0.0, (now - self.read_at).total_seconds())


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """What an act did."""

    operation: str
    subject: str
    done: bool
    detail: str = ""
    is_unknown: bool = False
    """Whether the answer was lost and nothing could be read since: it may be done all the same."""
    made: str = ""
    """The id of the job or the name of the entry that the act made."""
