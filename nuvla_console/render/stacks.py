"""The rows of threads, and one thread's stack."""

from __future__ import annotations

import re

from engine.service.stacks import ThreadStack
from engine.text import clean
from nuvla_console.render.cells import Cell, Line, Tone
from nuvla_console.render.scene import Scene
from nuvla_console.render.table import Column

_FAR = re.compile(r'File "[^"]*?(site-packages/|lib/python3\.\d+/)')
EMPTY = "No thread is known."


def key(stack: ThreadStack) -> str:
    """Return what a row is known by."""
    return str(stack.ident)


def text(stack: ThreadStack) -> str:
    """Return what a filter looks at."""
    return f"{stack.name} {stack.job_id or ''} {' '.join(stack.frames)}"


def _top(stack: ThreadStack, _scene: Scene) -> Cell:
    """Return the innermost call."""
    frame = stack.frames[-1].strip().split("\n") if stack.frames else [""]
    return Cell(clean(frame[-1].strip()), Tone.DIM)


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
    for frame in reversed(stack.frames):
        head, _, code = clean(_near(frame), keep_lines=True).partition("\n")
        lines.append((Cell(head.strip(), Tone.DIM),))
        lines += [(Cell("    " + line.strip()),) for line in code.split("\n") if line.strip()]
    return lines


def _near(frame: str) -> str:
    """Leave out where libraries are installed: it says nothing, and fills the line."""
    return _FAR.sub('File "', frame)
