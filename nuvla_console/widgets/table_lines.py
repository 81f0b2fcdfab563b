"""A table's cells as styled lines of exactly its width."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from rich.segment import Segment
from rich.style import Style
from textual.strip import Strip

from nuvla_console.render.cells import Cell, Line, Tone, fit
from nuvla_console.render.rows import Rows
from nuvla_console.render.table import Column, Place

GUTTER = 2
"""Columns before the first cell: the cursor's bar and the mark."""
SLIDER = 1
"""Columns of the scroll bar."""
BAR = "▌"

StyleOf = Callable[[str], Style]
"""Returns the style of a tone or of a part of the table."""


def header_cells(rows: Rows[Any], places: Sequence[Place]) -> Line:
    """Return the titles, with an arrow at the column that the rows are sorted by."""
    return tuple(_title(rows, place) for place in places)


def _title(rows: Rows[Any], place: Place) -> Cell:
    column = rows.columns[place.column]
    if place.column != rows.sorted_by:
        return Cell(fit(column.title, place.width, right=column.right), Tone.DIM)
    arrow = "↓" if rows.reverse else "↑"
    title = fit(column.title, place.width - 1).rstrip() + arrow
    return Cell(fit(title, place.width, right=column.right), Tone.ACCENT)


def header_strip(cells: Line, places: Sequence[Place], width: int, style: StyleOf) -> Strip:
    """Return the header."""
    plain = style("header")
    segments = [Segment(" " * GUTTER, plain)]
    at = 0
    for place, cell in zip(places, cells, strict=True):
        segments.append(Segment(" " * (place.start - at), plain))
        name = "sorted" if cell.tone is Tone.ACCENT else "header"
        segments.append(Segment(cell.text, style(name)))
        at = place.start + place.width
    return Strip(segments).adjust_cell_length(width, plain)


def row_strip(
    line: Line,
    columns: Sequence[Column[Any]],
    places: Sequence[Place],
    width: int,
    style: StyleOf,
    *,
    focused: bool,
    thumb: bool,
) -> Strip:
    """Return a row: its first cell is the gutter, and says whether the cursor stands there.

    Args:
        line: the gutter and the cells.
        columns: of the table.
        places: where the columns stand.
        width: of the table.
        style: gives the styles.
        focused: whether the table has the focus.
        thumb: whether the scroll bar's thumb covers the line.
    """
    is_cursor = line[0].text.startswith(BAR)
    over = style("cursor" if focused else "cursor-blurred") if is_cursor else Style()
    bar = Tone.ACCENT if focused or not is_cursor else Tone.DIM
    segments = [Segment(line[0].text, style(bar) + over)]
    at = 0
    for place, cell in zip(places, line[1:], strict=True):
        column = columns[place.column]
        text = fit(cell.text, place.width, right=column.right, middle=column.middle)
        segments.append(Segment(" " * (place.start - at), over))
        segments.append(Segment(text, style(cell.tone) + over))
        at = place.start + place.width
    segments.append(Segment(" " * max(0, width - GUTTER - at - SLIDER), over))
    segments.append(Segment("▐" if thumb else " ", style("slider")))
    return Strip(segments).adjust_cell_length(width)


def said_strip(text: str, line: int, width: int, style: StyleOf) -> Strip:
    """Return a line of what an empty table says, or a blank one."""
    lines = text.split("\n")
    if not 0 <= line < len(lines):
        return Strip.blank(width)
    shown = " " * GUTTER + fit(lines[line], max(1, width - GUTTER))
    return Strip([Segment(shown, style("empty"))]).adjust_cell_length(width)
