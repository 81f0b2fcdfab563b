"""A plan: the exact operations of one act, what they rest on, and the reasons to refuse.

Planning only reads. `engine.act.apply` plans anew from fresh state before it writes anything, and
refuses a plan whose ground has changed.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import asdict, dataclass, field, replace
from datetime import UTC, datetime
from typing import Any

from engine.act.bases import Basis
from engine.act.operations import Operation
from engine.act.sources import Sources
from engine.models import Evidence, format_time

__all__ = ["Guard", "Look", "Options", "Plan", "Planner", "Sight"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Options:
    """What an operator adds to an act and its subject. Each act takes some of them."""

    by: str = ""
    """Who acts, such as ``jane@node1``."""
    reason: str = ""
    force: bool = False
    """Do it although it may do harm; the plan says which. Needs a reason."""
    priority: int | None = None
    """0 to 999, lower runs sooner."""
    target: str | None = None
    """The href of the resource that a new job is about."""
    payload: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """What one act would do. Text is safe to draw."""

    act: str
    subject: str
    """A job id, an entry's name, a member, an action, or "" where the act has no subject."""
    operations: tuple[Operation, ...] = ()
    rests_on: tuple[Basis, ...] = ()
    effects: tuple[str, ...] = ()
    """What will be true after, a sentence each."""
    refusals: tuple[str, ...] = ()
    """Why it will not be applied; empty where it will."""
    warnings: tuple[str, ...] = ()
    """What the operator should know and may accept."""
    evidence: tuple[Evidence, ...] = ()
    options: Options = field(default_factory=Options)
    """What it was planned with, so that it can be planned anew."""
    taken_at: datetime = field(default_factory=lambda: datetime.now(UTC))

    @property
    def is_refused(self) -> bool:
        """Whether it will not be applied."""
        return bool(self.refusals)

    def refuse(self, reason: str) -> Plan:
        """Return the plan with one more reason why it will not be applied."""
        return replace(self, refusals=(*self.refusals, reason))

    def to_json(self) -> dict[str, Any]:
        """Return it for a record or a program."""
        options = {k: v for k, v in asdict(self.options).items() if v not in (None, "", False)}
        return {
            "act": self.act,
            "subject": self.subject,
            "taken_at": format_time(self.taken_at),
            "options": options,
            "operations": [
                {"words": operation.words, **operation.to_json()} for operation in self.operations
            ],
            "rests_on": [{"words": b.state, **b.to_json()} for b in self.rests_on],
            "effects": list(self.effects),
            "refusals": list(self.refusals),
            "warnings": list(self.warnings),
            "evidence": [asdict(evidence) for evidence in self.evidence],
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class Sight:
    """What a look after an act found."""

    is_done: bool
    detail: str
    """A sentence, safe to draw."""
    made: str = ""
    """The id of the job or the name of the entry that it made."""


Planner = Callable[[Sources, str, Options], Plan]
"""Reads and plans: (sources, subject, options). Raises EngineError where a source fails."""
Look = Callable[[Sources, Plan, str], Sight]
"""Looks whether a plan has come true: (sources, plan, what the API said it made, or "")."""
Guard = Callable[[Sources, str], AbstractContextManager[object]]
"""Keeps a second such act away while one is planned anew and done: (sources, subject)."""
