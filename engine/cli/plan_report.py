"""Writes a plan and what became of it: lines for people, one JSON object for programs."""

from __future__ import annotations

import textwrap
from collections.abc import Iterable, Iterator
from typing import Any

from engine.act.plan import Plan
from engine.models import Outcome

WIDTH = 80
LABEL = 10
"""Columns of the words at the left."""


def plan_lines(plan: Plan, *, width: int | None = WIDTH) -> Iterator[str]:
    """Yield the lines of a plan.

    Args:
        plan: what to show.
        width: columns; None breaks no line.
    """
    yield f"{plan.act} {plan.subject}".rstrip()
    evidence = [f"{each.claim} ({each.datum})" for each in plan.evidence]
    parts = (
        ("refused", plan.refusals),
        ("warning", plan.warnings),
        ("does", [operation.words for operation in plan.operations]),
        ("then", plan.effects),
        ("rests on", [f"{basis.subject}: {basis.state}" for basis in plan.rests_on]),
        ("because", evidence),
    )
    for label, texts in parts:
        yield from _part(label, texts, width)


def outcome_line(outcome: Outcome) -> str:
    """Return what became of an act, in one line."""
    word = "done" if outcome.done else "unknown" if outcome.is_unknown else "refused"
    return f"{f'{outcome.operation} {outcome.subject}'.rstrip()}: {word}: {outcome.detail}"


def act_json(plan: Plan, outcome: Outcome | None, *, dry_run: bool) -> dict[str, Any]:
    """Return a plan with its outcome; none where it was not applied."""
    return {
        "schema": "nuvla-engine/act/1",
        "dry_run": dry_run,
        "plan": plan.to_json(),
        "outcome": None
        if outcome is None
        else {
            "done": outcome.done,
            "is_unknown": outcome.is_unknown,
            "detail": outcome.detail,
            "made": outcome.made or None,
        },
    }


def _part(label: str, texts: Iterable[str], width: int | None) -> Iterator[str]:
    for text in texts:
        lines = [text]
        if width is not None:
            lines = textwrap.wrap(
                text, width - LABEL - 2, break_long_words=False, break_on_hyphens=False
            )
        for line in lines or [""]:
            yield f"  {label:<{LABEL}}{line}".rstrip()
            label = ""
        label = ""
