"""The one table widget: windowed, so that it costs what is visible and not what there is.

Rows are known by their keys. The cursor stays on its row and the row on its line while others come
and go; only cells whose text or tone changed are drawn again.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

from textual import events
from textual.geometry import Region
from textual.message import Message
from textual.strip import Strip

from nuvla_console.render.cells import Cell, Line, Tone
from nuvla_console.render.rows import Rows
from nuvla_console.render.scene import Scene
from nuvla_console.render.table import Place, arrange
from nuvla_console.widgets.table_lines import (
    BAR,
    GUTTER,
    SLIDER,
    header_cells,
    header_strip,
    row_strip,
    said_strip,
)
from nuvla_console.widgets.toned import Slider, Toned, slider

_HEADER = 1
"""Lines of the header."""


class SnapshotTable(Toned, can_focus=True):
    """A table over `Rows`. Call `draw` with each new scene; it draws what changed."""

    PREFIX = "table"
    COMPONENT_CLASSES: ClassVar[set[str]] = {
        *(f"table--{tone}" for tone in Tone),
        "table--header",
        "table--sorted",
        "table--cursor",
        "table--cursor-blurred",
        "table--slider",
        "table--empty",
    }

    @dataclass
    class Moved(Message):
        """The cursor stands on another row, or the window shows other rows."""

        table: SnapshotTable

        @property
        def control(self) -> SnapshotTable:
            """The table."""
            return self.table

    @dataclass
    class Chosen(Message):
        """A row was entered."""

        table: SnapshotTable
        key: str

        @property
        def control(self) -> SnapshotTable:
            """The table."""
            return self.table

    @dataclass
    class SortAsked(Message):
        """A column's header was clicked."""

        table: SnapshotTable
        column: int

    def __init__(self, rows: Rows[Any], *, empty: str = "", id: str | None = None) -> None:
        """Args:
        rows: what is shown.
        empty: said where there is no row: why, and what would fill it.
        id: the widget's id.
        """
        super().__init__(id=id)
        self.rows = rows
        self.empty = empty
        self.marks: set[str] = set()
        self.scene: Scene | None = None
        self._cursor = 0
        self._cursor_key: str | None = None
        self._top = 0
        self._places: tuple[Place, ...] = ()
        self._drawn: list[Line | None] = []
        self._drawn_places: tuple[Place, ...] = ()
        """Where the cells of the header and of the drawn lines stand."""
        self._header: Line = ()
        self._slider = Slider(0, 0)
        self._shape: object = None
        """What changes the whole window when it changes."""

    # What it shows

    @property
    def page(self) -> int:
        """Rows that fit the window."""
        return max(1, self.size.height - _HEADER)

    @property
    def cursor(self) -> int:
        """The place of the cursor's row."""
        return self._cursor

    @property
    def cursor_key(self) -> str | None:
        """The key of the row under the cursor."""
        return self._cursor_key

    @property
    def window(self) -> range:
        """The places of the rows in sight."""
        return range(self._top, min(len(self.rows), self._top + self.page))

    def current(self) -> Any | None:
        """Return the record under the cursor."""
        return self.rows[self._cursor] if self._cursor < len(self.rows) else None

    def in_sight(self) -> list[Any]:
        """Return the records in sight."""
        return [self.rows[index] for index in self.window]

    def draw(self, scene: Scene) -> None:
        """Draw the rows as they are now: the cells that changed, and no others."""
        self.scene = scene
        before = (self._cursor_key, self.window)
        self._keep_place()
        self._drop_marks()
        self._redraw()
        if before != (self._cursor_key, self.window):
            self.post_message(self.Moved(self))

    def _keep_place(self) -> None:
        """Find the cursor's row again, and keep it on the line where it was."""
        count = len(self.rows)
        line = self._cursor - self._top
        place = None
        if self._cursor_key is not None:
            place = self.rows.place_of(self._cursor_key, self._cursor)
        if place is None:
            # Its row is gone: the row that took its place is the nearest in meaning.
            place = max(0, min(self._cursor, count - 1))
            self._cursor_key = self.rows.key_at(place) if count else None
        self._cursor = place
        self._top = max(0, min(place - line, count - self.page))
        self._into_sight()

    def _drop_marks(self) -> None:
        if self.marks:
            self.marks.intersection_update(self.rows.keys())

    def _into_sight(self) -> None:
        self._top = max(min(self._top, self._cursor), self._cursor - self.page + 1, 0)

    # Moving

    def move_to(self, place: int) -> None:
        """Put the cursor on a row, and the row into sight."""
        if not len(self.rows):
            return
        self._cursor = max(0, min(place, len(self.rows) - 1))
        self._cursor_key = self.rows.key_at(self._cursor)
        self._into_sight()
        self._redraw()
        self.post_message(self.Moved(self))

    def move_to_key(self, key: str) -> bool:
        """Put the cursor on the row of a key; False where it is not shown."""
        place = self.rows.place_of(key, self._cursor)
        if place is not None:
            self.move_to(place)
        return place is not None

    def move(self, lines: int) -> None:
        """Move the cursor by lines."""
        self.move_to(self._cursor + lines)

    def move_page(self, pages: int) -> None:
        """Move the cursor and the window by pages."""
        self._top = max(0, min(self._top + pages * self.page, len(self.rows) - self.page))
        self.move_to(self._cursor + pages * self.page)

    def move_end(self, *, last: bool) -> None:
        """Move the cursor to the first or the last row."""
        self.move_to(len(self.rows) - 1 if last else 0)

    def wheel(self, lines: int) -> None:
        """Move the window; the cursor comes along at its edge."""
        if not len(self.rows):
            return
        self._top = max(0, min(self._top + lines, len(self.rows) - self.page))
        place = max(self._top, min(self._cursor, self._top + self.page - 1))
        self.move_to(place)

    # Marking

    def toggle_mark(self) -> None:
        """Mark the row under the cursor, or take its mark away, and go one down."""
        if self._cursor_key is not None:
            self.marks.symmetric_difference_update({self._cursor_key})
            self.move(1)
            self._redraw()

    def mark_all(self) -> None:
        """Mark all rows that are shown, or unmark them where all are marked."""
        keys = set(self.rows.keys())
        self.marks = set() if keys <= self.marks else keys
        self._redraw()

    # Drawing

    def _redraw(self) -> None:
        """Compare what the window should show with what it shows, and draw the difference."""
        if self.scene is None or not self.size:
            return
        header, lines = header_cells(self.rows, self._places), self._lines(self.scene)
        thumb = slider(len(self.rows), self.page, self._top)
        shape = (header, len(lines), thumb, "" if len(self.rows) else self.empty)
        if self._shape != shape:
            self._shape, self._header, self._slider, self._drawn = shape, header, thumb, lines
            self._drawn_places = self._places
            self.refresh()
            return
        previous, self._drawn = self._drawn, lines
        for y, (old, new) in enumerate(zip(previous, lines, strict=True)):
            if old != new:
                self._refresh_cells(y + _HEADER, old, new)

    def _refresh_cells(self, y: int, old: Line | None, new: Line | None) -> None:
        if old is None or new is None or old[0] != new[0]:
            self.refresh(Region(0, y, self.size.width, 1))
            return
        for place, before, after in zip(self._places, old[1:], new[1:], strict=True):
            if before != after:
                self.refresh(Region(GUTTER + place.start, y, place.width, 1))

    def _lines(self, scene: Scene) -> list[Line | None]:
        lines: list[Line | None] = []
        for place in range(self._top, self._top + self.page):
            lines.append(self._line(place, scene) if place < len(self.rows) else None)
        return lines

    def _line(self, place: int, scene: Scene) -> Line:
        record, key = self.rows[place], self.rows.key_at(place)
        bar = BAR if place == self._cursor else " "
        mark = "●" if key in self.marks else " "
        # The first piece also says whether the line is the cursor's: its whole line differs then.
        tone = Tone.STRONG if place == self._cursor and self.has_focus else Tone.DIM
        columns = self.rows.columns
        cells = (columns[p.column].cell(record, scene) for p in self._places)
        return (Cell(bar + mark, tone), *cells)

    def render_line(self, y: int) -> Strip:
        """Return one line of the widget. Called for lines that were refreshed only."""
        # Without the ground below it, a terminal's own would show through.
        return self._strip(y).apply_style(self.rich_style)

    def _strip(self, y: int) -> Strip:
        width = self.size.width
        if y < _HEADER:
            return header_strip(self._header, self._drawn_places, width, self.style_of)
        line = self._drawn[y - _HEADER] if y - _HEADER < len(self._drawn) else None
        if line is None:
            said = "" if len(self.rows) or self.scene is None else self.empty
            return said_strip(said, y - _HEADER - 1, width, self.style_of)
        return row_strip(
            line,
            self.rows.columns,
            self._drawn_places,
            width,
            self.style_of,
            focused=self.has_focus,
            thumb=self._slider.covers(y - _HEADER),
        )

    # Events

    def on_resize(self, _event: events.Resize) -> None:
        """Arrange the columns anew."""
        self._places = arrange(self.rows.columns, self.size.width - GUTTER - SLIDER)
        self._top = max(0, min(self._top, len(self.rows) - self.page))
        self._into_sight()
        self._shape = None
        self._redraw()
        self.post_message(self.Moved(self))

    def on_focus(self) -> None:
        """Draw the cursor as the focus."""
        self._redraw()
        self.refresh()

    def on_blur(self) -> None:
        """Draw the cursor as what will have the focus."""
        self._redraw()
        self.refresh()

    def on_click(self, event: events.Click) -> None:
        """Put the cursor on a row; enter it on the second click; sort by a header."""
        event.stop()
        if event.y < _HEADER:
            self._ask_sort(event.x - GUTTER)
            return
        place = self._top + event.y - _HEADER
        if place >= len(self.rows):
            return
        if event.x >= self.size.width - SLIDER and self._slider.length:
            self.move_to(round((event.y - _HEADER) / self.page * len(self.rows)))
        elif event.chain > 1 or place == self._cursor:
            self.choose()
        else:
            self.move_to(place)

    def _ask_sort(self, x: int) -> None:
        for place in self._places:
            if place.start <= x < place.start + place.width:
                self.post_message(self.SortAsked(self, place.column))

    def choose(self) -> None:
        """Enter the row under the cursor."""
        if self._cursor_key is not None:
            self.post_message(self.Chosen(self, self._cursor_key))
