"""The palette: every command of the view in front, narrowed down as a part of its name is typed."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

from textual import on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.screen import ModalScreen
from textual.widgets import Input, Static

from nuvla_console import commands
from nuvla_console.commands import Command, Scope
from nuvla_console.render.cells import Cell, Tone
from nuvla_console.render.rows import Rows
from nuvla_console.render.scene import Scene
from nuvla_console.render.table import Column
from nuvla_console.widgets.snapshot_table import SnapshotTable
from nuvla_console.window import WindowScreen

_COLUMNS: tuple[Column[Command], ...] = (
    Column(title="command", width=12, cell=lambda command, _: Cell(command.name, Tone.STRONG)),
    Column(title="key", width=5, cell=lambda command, _: Cell(command.key, Tone.ACCENT)),
    Column(title="", width=20, grow=1, cell=lambda command, _: Cell(command.help)),
)


class PaletteDialog(ModalScreen[Command], WindowScreen[Command]):
    """Returns the command that was chosen.

    Textual's own palette searches in the background: an Enter that comes close behind the letters
    runs whatever stands first at that moment, and a second one ends the app.
    """

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape", "leave", show=False),
        Binding("enter", "choose", show=False, priority=True),
        Binding("down", "move(1)", show=False),
        Binding("up", "move(-1)", show=False),
        Binding("pagedown", "page(1)", show=False),
        Binding("pageup", "page(-1)", show=False),
    ]

    def __init__(self, scopes: Sequence[Scope], scene: Scene) -> None:
        """Args:
        scopes: of the commands that work in the view.
        scene: what the rows are drawn against.
        """
        super().__init__()
        self._commands = tuple(commands.within(scopes))
        self._scene = scene
        self._rows = Rows(
            _COLUMNS, key=lambda command: command.id, text=lambda c: f"{c.name} {c.label} {c.help}"
        )

    def compose(self) -> ComposeResult:
        """Yield the line and the list."""
        with Vertical(classes="dialog -wide"):
            yield Input(placeholder="a part of its name or meaning", compact=True)
            yield SnapshotTable(self._rows, empty="No command here has these words.", id="found")
            yield Static(
                "↑ ↓ choose   Enter runs   Esc closes", classes="dialog--hint", markup=False
            )

    def on_mount(self) -> None:
        """List all commands."""
        self._narrow()

    @on(Input.Changed)
    def _narrow(self) -> None:
        typed = self.query_one(Input).value.strip().lower()
        # A name that begins so stands before one that has it somewhere.
        begun = [c for c in self._commands if typed and c.name.startswith(typed)]
        self._rows.update([*begun, *(c for c in self._commands if c not in begun)])
        changed = typed != self._rows.filter
        self._rows.set_filter(typed)
        table = self.query_one("#found", SnapshotTable)
        table.draw(self._scene)
        if changed:
            table.move_end(last=False)

    def on_resize(self) -> None:
        """Draw for the new size."""
        self.call_after_refresh(self.query_one("#found", SnapshotTable).draw, self._scene)

    def action_move(self, lines: int) -> None:
        """Move by lines."""
        self._narrow()
        self.query_one("#found", SnapshotTable).move(lines)

    def action_page(self, pages: int) -> None:
        """Move by pages."""
        self._narrow()
        self.query_one("#found", SnapshotTable).move_page(pages)

    def action_choose(self) -> None:
        """Return the command under the cursor."""
        self._narrow()  # the letters before Enter may not have been heard of yet
        command: Command | None = self.query_one("#found", SnapshotTable).current()
        if command is not None:
            self.dismiss(command)

    @on(SnapshotTable.Chosen)
    def _clicked(self, message: SnapshotTable.Chosen) -> None:
        message.stop()
        self.action_choose()

    def action_leave(self) -> None:
        """Close."""
        self.dismiss()
