"""The help of a view: made from the commands that work there."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.screen import ModalScreen
from textual.widgets import Static

from nuvla_console import commands
from nuvla_console.commands import Scope
from nuvla_console.render.cells import Cell, Line, Tone
from nuvla_console.widgets.text_pane import TextPane
from nuvla_console.window import WindowScreen

_HANG = 23
"""Where what a command is for begins."""
_TITLES = {
    Scope.EVERYWHERE: "Everywhere",
    Scope.LIST: "In this list",
    Scope.JOB: "For the job under the cursor",
    Scope.TREE: "For bulk jobs",
    Scope.MEMBER: "For the process under the cursor",
    Scope.ADVICE: "Where an act is advised",
    Scope.PANEL: "Here",
    Scope.MOVE: "Moving",
}
_OWN = (Scope.PANEL, Scope.ADVICE, Scope.JOB, Scope.MEMBER, Scope.TREE, Scope.LIST)
"""Scopes of one view or another, the nearest first."""


class HelpDialog(ModalScreen[None], WindowScreen[None]):
    """Lists keys, names and meanings. Any of its keys closes it."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape,q,question_mark", "dismiss_help", "close", show=False),
        Binding("j,down", "scroll(1)", show=False),
        Binding("k,up", "scroll(-1)", show=False),
        Binding("space,ctrl+f,pagedown", "page(1)", show=False),
        Binding("ctrl+b,pageup", "page(-1)", show=False),
    ]

    def __init__(self, title: str, scopes: Sequence[Scope]) -> None:
        """Args:
        title: the name of the view.
        scopes: of the commands that work there.
        """
        super().__init__()
        self._title = title
        self._scopes = scopes

    def compose(self) -> ComposeResult:
        """Yield title, list and hint."""
        with Vertical(classes="dialog -wide"):
            yield Static(f"Help: {self._title}", classes="dialog--title", markup=False)
            yield TextPane(id="help", wrap=True, hang=_HANG, focusable=True)
            yield Static("j k scroll   Esc closes", classes="dialog--hint", markup=False)

    def on_mount(self) -> None:
        """Fill the list."""
        self.query_one(TextPane).draw(help_lines(self._scopes))

    def action_dismiss_help(self) -> None:
        """Close."""
        self.dismiss()

    def action_scroll(self, lines: int) -> None:
        """Scroll by lines."""
        self.query_one(TextPane).move(lines)

    def action_page(self, pages: int) -> None:
        """Scroll by pages."""
        self.query_one(TextPane).move_page(pages)


def help_lines(scopes: Sequence[Scope]) -> list[Line]:
    """Return the commands of these scopes, those of the view first."""
    lines: list[Line] = []
    order = [scope for scope in _OWN if scope in scopes]
    for scope in (*order, Scope.EVERYWHERE, Scope.MOVE):
        found = [c for c in commands.within(scopes) if c.scope is scope]
        if not found:
            continue
        lines += [(), (Cell(_TITLES[scope], Tone.ACCENT),)]
        for command in found:
            keys = " ".join(commands.shown_key(key) for key in command.keys.split(","))
            argument = f"  :{command.name} {command.argument}" if command.argument else ""
            lines.append(
                (
                    Cell(f" {keys:<8}", Tone.STRONG),
                    Cell(f":{command.name:<13}", Tone.DIM),
                    Cell(command.help),
                    Cell(argument, Tone.DIM),
                )
            )
    return lines[1:]
