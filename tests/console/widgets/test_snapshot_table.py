"""The table: its cursor, its marks, and how little it draws."""

from __future__ import annotations

import random
from datetime import timedelta
from typing import Any

from textual.app import App, ComposeResult
from textual.geometry import Region

from nuvla_console import theme
from nuvla_console.render import queue as render
from nuvla_console.render.cells import Cell, Tone
from nuvla_console.render.rows import Rows
from nuvla_console.render.scene import Scene
from nuvla_console.render.table import Column
from nuvla_console.widgets.snapshot_table import SnapshotTable
from tests.console.planted import NOW, queue

Item = tuple[str, int]

COLUMNS: tuple[Column[Item], ...] = (
    Column(title="name", width=8, cell=lambda item, _: Cell(item[0]), sort=lambda item: item[0]),
    Column(
        title="size",
        width=6,
        right=True,
        cell=lambda item, _: Cell(str(item[1]), Tone.GOOD if item[1] else Tone.DIM),
        sort=lambda item: item[1],
    ),
)


class Watched(SnapshotTable):
    """Notes what it asks to have drawn again."""

    def __init__(self, rows: Rows[Any]) -> None:
        super().__init__(rows, empty="nothing here")
        self.drawn: list[tuple[Region, ...]] = []

    def refresh(self, *regions: Region, **options: Any) -> Any:
        """Note the regions."""
        self.drawn.append(regions)
        return super().refresh(*regions, **options)


class TableApp(App[None]):
    """A table alone."""

    def __init__(self, rows: Rows[Any]) -> None:
        super().__init__()
        self.table = Watched(rows)
        for known in theme.THEMES:
            self.register_theme(known)
        self.theme = theme.DEFAULT

    def compose(self) -> ComposeResult:
        """Yield the table."""
        yield self.table


def items(count: int = 100) -> list[Item]:
    """Return rows."""
    return [(f"row{number:04d}", number) for number in range(count)]


def made(records: list[Item] | None = None) -> Rows[Item]:
    """Return rows of items."""
    rows = Rows(COLUMNS, key=lambda item: item[0], text=lambda item: item[0])
    rows.update(items() if records is None else records)
    return rows


async def test_the_cursor_stays_on_its_row_through_a_thousand_random_changes() -> None:
    chance = random.Random(3)
    records, rows = items(), made()
    app = TableApp(rows)
    async with app.run_test(size=(40, 20)):
        table = app.table
        table.draw(Scene(now=NOW))
        table.move_to_key("row0050")
        line = table.cursor - table.window.start
        for number in range(1000):
            if chance.random() < 0.5 or len(records) < 80:
                records.insert(chance.randrange(len(records)), (f"new{number:05d}", 1))
            else:
                gone = chance.randrange(len(records))
                if records[gone][0] != "row0050":
                    del records[gone]
            rows.update(list(records))
            table.draw(Scene(now=NOW))
            assert table.cursor_key == "row0050"
            assert rows.key_at(table.cursor) == "row0050"
        if 20 < table.cursor < len(rows) - 20:
            assert table.cursor - table.window.start == line, "rows before it do not push it"


async def test_when_its_row_goes_the_cursor_takes_the_row_that_took_its_place() -> None:
    rows = made()
    app = TableApp(rows)
    async with app.run_test(size=(40, 20)):
        app.table.draw(Scene(now=NOW))
        app.table.move_to(5)
        rows.update([item for item in items() if item[0] != "row0005"])
        app.table.draw(Scene(now=NOW))
        assert app.table.cursor_key == "row0006"
        rows.update([])
        app.table.draw(Scene(now=NOW))
        assert app.table.cursor_key is None
        assert app.table.current() is None


async def test_only_cells_that_changed_are_drawn_again() -> None:
    rows = made()
    app = TableApp(rows)
    async with app.run_test(size=(40, 20)) as pilot:
        table = app.table
        table.draw(Scene(now=NOW))
        await pilot.pause()
        table.drawn.clear()
        table.draw(Scene(now=NOW))
        assert table.drawn == []
        changed = items()
        changed[3] = ("row0003", 777)
        rows.update(changed)
        table.draw(Scene(now=NOW))
        assert table.drawn == [(Region(12, 4, 6, 1),)]


async def test_moving_the_cursor_draws_two_lines() -> None:
    app = TableApp(made())
    async with app.run_test(size=(40, 20)) as pilot:
        app.table.draw(Scene(now=NOW))
        await pilot.pause()
        app.table.drawn.clear()
        app.table.move(1)
        assert [regions[0].y for regions in app.table.drawn] == [1, 2]


async def test_marks_of_rows_that_vanished_drop_out() -> None:
    rows = made()
    app = TableApp(rows)
    async with app.run_test(size=(40, 20)):
        app.table.draw(Scene(now=NOW))
        app.table.toggle_mark()
        app.table.toggle_mark()
        assert app.table.marks == {"row0000", "row0001"}
        rows.update(items()[1:])
        app.table.draw(Scene(now=NOW))
        assert app.table.marks == {"row0001"}


async def test_an_empty_table_says_why() -> None:
    app = TableApp(made([]))
    async with app.run_test(size=(40, 20)) as pilot:
        app.table.draw(Scene(now=NOW))
        await pilot.pause()
        assert "nothing here" in app.table.render_line(2).text
        app.table.rows.update(items(3))
        app.table.draw(Scene(now=NOW))
        await pilot.pause()
        assert "row0001" in app.table.render_line(2).text


async def test_a_hundred_thousand_rows_cost_what_is_visible() -> None:
    cells = 0

    def count(entry: Any, scene: Scene) -> Cell:
        nonlocal cells
        cells += 1
        return render.job_cell(entry.job_id)

    column = Column(title="job", width=13, cell=count)
    rows = Rows((column,), key=render.key, text=render.text)
    rows.update(queue(100_000).entries)
    app = TableApp(rows)
    async with app.run_test(size=(80, 24)):
        app.table.draw(Scene(now=NOW))
        cells = 0
        app.table.move_end(last=True)
        app.table.draw(Scene(now=NOW + timedelta(seconds=1)))
        assert cells < 100
        assert app.table.cursor == 99_999
