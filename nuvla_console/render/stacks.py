"""The rows of threads that stand at the same place, and their stack."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from engine import wording
from engine.view.stacks import MemberStacks, StackGroup, group
from nuvla_console.render import values
from nuvla_console.render.cells import Cell, Line, Tone
from nuvla_console.render.scene import Scene
from nuvla_console.render.table import Column

EMPTY = "No process of ours is present that could be asked:  6  shows who is there."
_MOST = 12
"""Threads that are named above a stack."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Taken:
    """What members answered at one moment."""

    subject: str
    """A member or a job; empty for all."""
    taken_at: datetime
    members: tuple[MemberStacks, ...] = ()
    error: str = ""
    """Why nothing could be asked, safe to draw."""

    def groups(self) -> tuple[StackGroup, ...]:
        """Return threads that stand at the same place as one row, those with jobs first."""
        return group((_name(each), each.reports[-1]) for each in self.members if each.reports)

    def troubles(self) -> list[str]:
        """Return which members did not answer, and what those that did say is wrong."""
        found = [f"{_name(each)}: {each.error}" for each in self.members if each.error]
        for each in self.members:
            if each.reports and each.reports[-1].trouble:
                found.append(f"{_name(each)}: {each.reports[-1].trouble}")
        return found


def _name(stacks: MemberStacks) -> str:
    return stacks.member.name if stacks.member else stacks.name


def key(row: StackGroup) -> str:
    """Return what a row is known by."""
    first = row.standing[0]
    return f"{first.member} {first.thread} {first.job_id}"


def text(row: StackGroup) -> str:
    """Return what a filter looks at."""
    names = " ".join(f"{each.member} {each.thread} {each.job_id or ''}" for each in row.standing)
    return f"{names} {' '.join(frame.where for frame in row.frames)}"


def _several(names: Sequence[str]) -> str:
    rest = len(names) - 1
    return f"{names[0]} +{rest}" if rest > 0 else names[0] if names else ""


def _threads(row: StackGroup, _scene: Scene) -> Cell:
    return Cell(_several([each.thread for each in row.standing]))


def _jobs(row: StackGroup, _scene: Scene) -> Cell:
    return Cell(_several(row.jobs), Tone.STRONG)


def _members(row: StackGroup, _scene: Scene) -> Cell:
    return Cell(_several(row.members), Tone.DIM)


def _place(row: StackGroup, _scene: Scene) -> Cell:
    """Return where they stand: in the action's own code, where there is any."""
    own = next((frame for frame in row.frames if frame.is_own), None)
    frame = own or (row.frames[0] if row.frames else None)
    return Cell(frame.where if frame else "", Tone.PLAIN if own else Tone.DIM)


COLUMNS: tuple[Column[StackGroup], ...] = (
    Column(
        title="n",
        width=3,
        right=True,
        cell=lambda row, _: values.number(len(row.standing)),
        sort=lambda row: len(row.standing),
    ),
    Column(title="job", width=13, grow=1, most=44, middle=True, cell=_jobs),
    Column(title="member", width=10, grow=1, most=24, rank=1, cell=_members),
    Column(title="thread", width=12, grow=1, most=28, rank=2, cell=_threads),
    Column(title="in", width=24, grow=3, cell=_place),
)


def in_full(row: StackGroup) -> list[Line]:
    """Return who stands there and the stack, the innermost call first: that is where they stand."""
    lines: list[Line] = []
    for each in row.standing[:_MOST]:
        job = Cell(f"  {each.job_id}" if each.job_id else "", Tone.STRONG)
        lines.append((Cell(each.member), Cell(f"  {each.thread}", Tone.DIM), job))
    rest = len(row.standing) - _MOST
    if rest > 0:
        lines.append((Cell(f"and {wording.counted(rest, 'further thread')}", Tone.DIM),))
    lines.append(())
    for frame in row.frames:
        tone = Tone.STRONG if frame.is_own else Tone.DIM
        lines.append((Cell(frame.where, tone),))
        if frame.code:
            lines.append((Cell("    " + frame.code),))
    return lines


def counted(taken: Taken | None, asking: bool, scene: Scene) -> Line:
    """Return whose threads these are, and how old they are."""
    if taken is None or asking:
        return (Cell("… asking for the stacks", Tone.DIM),)
    if taken.error:
        return (Cell(f"✗ {taken.error}", Tone.BAD),)
    threads = sum(len(each.standing) for each in taken.groups())
    answered = [each for each in taken.members if each.reports]
    whose = taken.subject or wording.counted(len(answered), "member")
    sources = ", ".join(sorted({each.reports[-1].source for each in answered}))
    how = f" ({sources})" if sources else ""
    line = [
        Cell(wording.counted(threads, "thread"), Tone.STRONG),
        Cell(f"  of {whose}{how}, {scene.age(taken.taken_at).text} old", Tone.DIM),
    ]
    troubles = taken.troubles()
    if troubles:
        rest = f" and {len(troubles) - 1} more" if len(troubles) > 1 else ""
        line.append(Cell(f"  ▲ {troubles[0]}{rest}", Tone.DOUBT))
    else:
        line.append(Cell("  r takes them again", Tone.DIM))
    return tuple(line)
