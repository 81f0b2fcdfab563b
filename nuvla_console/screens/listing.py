"""What the areas share whose main part is a table: filter, sort, marks, follow."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from textual import on
from textual.widget import Widget

from engine import wording
from nuvla_console.desk import Desk
from nuvla_console.render.cells import Cell, Line, Tone, fit
from nuvla_console.render.rows import Rows
from nuvla_console.render.scene import Scene
from nuvla_console.render.table import arrange
from nuvla_console.screens.live import LiveScreen
from nuvla_console.widgets.bars import FilterBar
from nuvla_console.widgets.snapshot_table import SnapshotTable

_TEXT_WIDTH = 200
_TEXT_ROWS = 1000


class ListScreen(LiveScreen):
    """An area with a table."""

    NOUN = ("row", "rows")
    EMPTY = ""
    NO_MATCH = ""
    """What else to say where a filter matches nothing."""

    def __init__(self, desk: Desk) -> None:
        """Args: desk: what it draws from."""
        super().__init__(desk)
        self.rows: Rows[Any] = self.make_rows()
        self._followed: str | None = None

    def make_rows(self) -> Rows[Any]:
        """Return the rows of the table, with their columns."""
        raise NotImplementedError

    def records(self, scene: Scene) -> Any:
        """Return the records of the table; None while they have not been read."""
        raise NotImplementedError

    def body(self) -> Iterable[Widget]:
        """Yield the table."""
        yield SnapshotTable(self.rows, empty="", id="main")

    def bars(self) -> Iterable[Widget]:
        """Yield the filter bar."""
        yield FilterBar(self.set_filter, id="filter-bar")

    @property
    def table(self) -> SnapshotTable:
        """The table."""
        return self.query_one("#main", SnapshotTable)

    def draw_body(self, scene: Scene) -> None:
        """Draw the rows that changed."""
        records = self.records(scene)
        table = self.table
        table.empty = self._empty_text(records is not None)
        self.rows.update(() if records is None else records)
        table.draw(scene)
        self._watch_followed()

    def _empty_text(self, known: bool) -> str:
        if not known:
            return "… being read"
        if self.rows.filter:
            return f"No {self.NOUN[0]} matches the filter. Esc clears it.{self.NO_MATCH}"
        return self.EMPTY

    def title_line(self, scene: Scene) -> Line:
        """Return count, filter, sorting, marks and what is followed."""
        line = list(self.counted(scene))
        if self.rows.filter:
            sign = "!" if self.rows.inverse else ""
            line.append(Cell(f"  /{sign}{self.rows.filter} ", Tone.ACCENT))
            total = wording.count(self.rows.total)
            line.append(Cell(f"{wording.count(len(self.rows))} of {total}"))
        if self.rows.sorted_by is not None:
            column = self.rows.columns[self.rows.sorted_by].title
            line.append(Cell(f"  by {column}", Tone.DIM))
        if self.table.marks:
            line.append(Cell(f"  ● {wording.count(len(self.table.marks))} marked", Tone.ACCENT))
        if self._followed:
            line.append(Cell("  ◎ following", Tone.ACCENT))
        return tuple(line)

    def counted(self, scene: Scene) -> Line:
        """Return what the table holds, in words."""
        return (Cell(wording.counted(self.rows.total, *self.NOUN), Tone.STRONG),)

    def subject(self) -> str:
        """Return the marked ids, or the one under the cursor."""
        if self.table.marks:
            keys = self.rows.keys()
            return "\n".join(key for key in keys if key in self.table.marks)
        return self.job_here() or self.table.cursor_key or ""

    def as_text(self) -> str:
        """Return the table as plain text, as far as its first thousand rows."""
        scene = self.desk.scene()
        places = arrange(self.rows.columns, _TEXT_WIDTH)
        columns = self.rows.columns
        lines = ["  ".join(fit(columns[p.column].title, p.width) for p in places).rstrip()]
        for index in range(min(len(self.rows), _TEXT_ROWS)):
            record = self.rows[index]
            cells = (fit(columns[p.column].cell(record, scene).text, p.width) for p in places)
            lines.append("  ".join(cells).rstrip())
        return "\n".join(lines)

    def forget(self) -> None:
        """Let go of filter, marks and what is followed."""
        self.rows.set_filter("")
        self.table.marks.clear()
        self._followed = None

    # Commands

    def action_filter(self) -> None:
        """Open the filter bar."""
        text = ("!" if self.rows.inverse else "") + self.rows.filter
        self.query_one("#hints").display = False
        self.query_one(FilterBar).open(text)

    def given_filter(self, text: str) -> None:
        """Filter by a text."""
        self.set_filter(text)

    def set_filter(self, text: str) -> None:
        """Show rows that hold all words, or with ! those that do not."""
        inverse = text.startswith("!")
        self.rows.set_filter(text.removeprefix("!").strip(), inverse=inverse)
        self.redraw()

    def go_back(self) -> None:
        """Clear what narrows the list first, then leave."""
        if self.rows.filter:
            self.set_filter("")
        elif self.table.marks:
            self.table.marks.clear()
            self.redraw()
        else:
            super().go_back()

    def action_sort(self, step: int) -> None:
        """Sort by the next column to the left or right."""
        self.rows.next_sort(step)
        self.redraw()

    def action_reverse(self) -> None:
        """Turn the order round."""
        self.rows.sort(self.rows.sorted_by, reverse=not self.rows.reverse)
        self.redraw()

    @on(SnapshotTable.SortAsked)
    def sort_by(self, message: SnapshotTable.SortAsked) -> None:
        """Sort by the column whose header was clicked; a second click turns it round."""
        rows = message.table.rows
        if rows.columns[message.column].sort is None:
            self.say(f"{rows.columns[message.column].title} is known for rows in sight only")
            return
        again = rows.sorted_by == message.column
        rows.sort(message.column, reverse=again and not rows.reverse)
        self.redraw()

    def action_mark(self) -> None:
        """Mark the row under the cursor."""
        self.table.toggle_mark()
        self.redraw()

    def action_mark_all(self) -> None:
        """Mark all rows that are shown."""
        self.table.mark_all()
        self.redraw()

    def action_follow(self) -> None:
        """Follow the row under the cursor, or stop following."""
        key = self.table.cursor_key
        self._followed = None if self._followed == key else key
        self.redraw()

    def _watch_followed(self) -> None:
        if self._followed is None:
            return
        if self.rows.place_of(self._followed, self.table.cursor) is None:
            self.say(f"{self._followed} is gone from this list", Tone.DOUBT)
            self._followed = None

    async def action_open(self) -> None:
        """Look into the row under the cursor."""

    @on(SnapshotTable.Chosen)
    async def chosen(self, message: SnapshotTable.Chosen) -> None:
        """Look into the row that was clicked twice."""
        message.stop()
        await self.action_open()

    @on(SnapshotTable.Moved)
    def moved(self, message: SnapshotTable.Moved) -> None:
        """Read what came into sight, and draw what follows the cursor."""
        message.stop()
        self.desk.look(self.sight())
        self.cursor_moved()

    def cursor_moved(self) -> None:
        """Draw what depends on the cursor."""
