"""The rows of threads, and one thread's stack."""

from __future__ import annotations

from engine.models import ThreadStack
from engine.text import clean
from nuvla_console.render.cells import Cell, Line, Tone
from nuvla_console.render.scene import Scene
from nuvla_console.render.table import Column

EMPTY = "No thread is known."


def key(stack: ThreadStack) -> str:
    """Return what a row is known by."""
    return str(stack.ident)


def text(stack: ThreadStack) -> str:
    """Return what a filter looks at."""
    return f"{stack.name} {stack.job_id or ''} {' '.join(frame.where for frame in stack.frames)}"


def _top(stack: ThreadStack, _scene: Scene) -> Cell:
    """Return the innermost call."""
    top = stack.top
    return Cell((top.code or top.where) if top else "", Tone.DIM)


COLUMNS: tuple[Column[ThreadStack], ...] = (
    Column(
        title="thread",
        width=18,
        grow=1,
        most=32,
        cell=lambda stack, _: Cell(clean(stack.name, limit=200)),
        sort=lambda stack: stack.name,
    ),
    Column(
        title="job",
        width=13,
        grow=1,
        most=40,
        middle=True,
        cell=lambda stack, _: Cell(stack.job_id or "", Tone.STRONG),
        sort=lambda stack: stack.job_id,
    ),
    Column(title="in", width=30, grow=3, cell=_top),
)


def in_full(stack: ThreadStack) -> list[Line]:
    """Return a thread's stack, the innermost call first: that is where it stands."""
    lines: list[Line] = []
    for frame in stack.frames:
        lines.append((Cell(frame.where, Tone.DIM),))
        if frame.code:
            lines.append((Cell("    " + frame.code),))
    return lines
