"""The rows of the console's own log."""

from __future__ import annotations

from engine.view.picture import Note
from nuvla_console.render.cells import Cell, Tone
from nuvla_console.render.scene import Scene
from nuvla_console.render.table import Column

EMPTY = "Nothing has happened yet."

_MARKS = {
    "good": Cell("✓", Tone.GOOD),
    "doubt": Cell("▲", Tone.DOUBT),
    "bad": Cell("✗", Tone.BAD),
}


def key(note: Note) -> str:
    """Return what a row is known by."""
    return str(note.number)


def text(note: Note) -> str:
    """Return what a filter looks at."""
    return note.text


def _time(note: Note, scene: Scene) -> Cell:
    return scene.clock(note.at)


COLUMNS: tuple[Column[Note], ...] = (
    Column(title="time", width=11, cell=_time),
    Column(title=" ", width=1, cell=lambda note, _: _MARKS.get(note.level, Cell("·", Tone.DIM))),
    Column(title="what", width=40, grow=1, cell=lambda note, _: Cell(note.text)),
)
