"""What an act needs of the audit: a record before anything is changed, and a note of its end."""

from __future__ import annotations

from typing import Protocol

from engine.act.plan import Plan
from engine.models import Ending, Who


class Attempt(Protocol):
    """An act that is on record."""

    def outcome(self, ending: Ending, detail: str = "") -> str | None:
        """Note how it ended; return why that could not be noted, if so."""


class Recorder(Protocol):
    """The audit."""

    def attempt(self, plan: Plan, *, by: Who, reason: str | None) -> Attempt:
        """Put an act on record, or raise: only then may it be done."""
