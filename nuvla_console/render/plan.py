"""What a plan says, as lines; and what an act on many subjects would do."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from engine import wording
from engine.act.acts import ACTS
from engine.act.plan import Plan
from engine.models import Outcome
from nuvla_console.render.cells import Cell, Line, Tone

_LABEL = 10
_LISTED = 5
"""Ids that are listed of many."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Question:
    """What the operator is asked before anything is done."""

    title: str
    verb: str
    lines: tuple[Line, ...]
    is_refused: bool = False
    word: str = ""
    """What has to be typed where a mistake would be dear: a short id, or a count."""


def ask(plan: Plan) -> Question:
    """Return the question for a plan."""
    parts: tuple[tuple[str, Iterable[str], Tone], ...] = (
        ("refused", plan.refusals, Tone.BAD),
        ("warning", plan.warnings, Tone.DOUBT),
        ("does", [operation.words for operation in plan.operations], Tone.PLAIN),
        ("then", plan.effects, Tone.PLAIN),
        ("because", [f"{each.claim} ({each.datum})" for each in plan.evidence], Tone.DIM),
    )
    lines = [line for label, texts, tone in parts for line in _part(label, texts, tone)]
    return Question(
        title=f"{plan.act} {plan.subject}".rstrip(),
        verb=plan.act,
        lines=tuple(lines),
        is_refused=plan.is_refused,
        word=plan.subject[-4:] or plan.act,
    )


def ask_many(act: str, subjects: Sequence[str]) -> Question:
    """Return the question for an act on many subjects."""
    number = wording.count(len(subjects))
    rest = len(subjects) - _LISTED
    lines: list[Line] = [
        *_part("jobs", subjects[:_LISTED], Tone.STRONG),
        *_part("", [f"and {wording.count(rest)} more"] if rest > 0 else [], Tone.DIM),
        *_part("does", [f"{act}: {ACTS[act].summary}, for each of them"], Tone.PLAIN),
        *_part(
            "then",
            [
                "Each is looked at anew first, put on record and done; one for which it would do "
                "harm is left alone, and said.",
                "It goes on in the background, at a pace that servers bear;  :stop-bulk  ends it.",
            ],
            Tone.PLAIN,
        ),
    ]
    return Question(
        title=f"{act} {number} jobs", verb=act, lines=tuple(lines), word=str(len(subjects))
    )


def outcome(result: Outcome) -> tuple[str, Tone]:
    """Return what became of an act, and how good that is."""
    word = "done" if result.done else "unknown" if result.is_unknown else "refused"
    what = f"{result.operation} {result.subject}".rstrip()
    return f"{what}: {word}: {result.detail}", Tone.GOOD if result.done else Tone.DOUBT


def _part(label: str, texts: Iterable[str], tone: Tone) -> list[Line]:
    return [
        (Cell(f"{label if not at else '':<{_LABEL}}", Tone.DIM), Cell(text, tone))
        for at, text in enumerate(texts)
    ]
