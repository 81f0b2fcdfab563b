"""Thread stacks: what every thread of a process does right now."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from textual.widget import Widget

from engine import wording
from nuvla_console.commands import Scope
from nuvla_console.desk import Desk
from nuvla_console.render import stacks
from nuvla_console.render.cells import Cell, Line, Tone
from nuvla_console.render.rows import Rows
from nuvla_console.render.scene import Scene
from nuvla_console.screens.listing import ListScreen
from nuvla_console.stacks import StackSample, StackSource
from nuvla_console.widgets.snapshot_table import SnapshotTable
from nuvla_console.widgets.text_pane import TextPane


class StacksScreen(ListScreen):
    """Threads, and the stack of the one under the cursor."""

    AREA = "stacks"
    SCOPES = (Scope.LIST, Scope.MOVE)
    SOURCES = ()
    NOUN = ("thread", "threads")
    EMPTY = stacks.EMPTY

    def __init__(self, desk: Desk, source: StackSource) -> None:
        """Args:
        desk: what it draws from.
        source: answers with stacks.
        """
        super().__init__(desk)
        self._source = source
        self._sample: StackSample | None = None
        self._asked_for = ""

    def make_rows(self) -> Rows[Any]:
        """Return rows of threads."""
        return Rows(stacks.COLUMNS, key=stacks.key, text=stacks.text)

    def body(self) -> Iterable[Widget]:
        """Yield the threads, and the stack."""
        yield SnapshotTable(self.rows, id="main")
        yield TextPane(id="stack", wrap=True)

    def show(self, subject: str) -> None:
        """Show the stacks of a process or of the thread that runs a job, where they can be had."""
        self._asked_for = subject
        self.read_again()

    def read_again(self) -> None:
        """Take the stacks anew."""
        self._sample = self._source.sample(self.desk.now())
        self.redraw()

    def on_screen_resume(self) -> None:
        """Take the stacks when the screen comes to the front."""
        if self._sample is None:
            self._sample = self._source.sample(self.desk.now())
        super().on_screen_resume()

    def records(self, scene: Scene) -> Any:
        """Return the threads."""
        return self._sample.stacks if self._sample else None

    def draw_body(self, scene: Scene) -> None:
        """Draw what changed."""
        super().draw_body(scene)
        self.cursor_moved()

    def cursor_moved(self) -> None:
        """Show the stack of the thread under the cursor."""
        stack = self.table.current()
        lines = stacks.in_full(stack) if stack is not None else []
        self.query_one("#stack", TextPane).draw(lines)

    def counted(self, scene: Scene) -> Line:
        """Return how many threads there are, whose, and how old the sample is."""
        if self._sample is None:
            return ()
        line = [
            Cell(wording.counted(len(self._sample.stacks), "thread"), Tone.STRONG),
            Cell(f"  of {self._sample.source}, {scene.age(self._sample.taken_at).text} old"),
            Cell("  r takes them again", Tone.DIM),
        ]
        if self._asked_for:
            line.insert(0, Cell("▲ other processes do not answer yet;  ", Tone.DOUBT))
        return tuple(line)
