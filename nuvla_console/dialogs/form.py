"""What all dialogs with fields have: Enter goes on, a button does it, Esc leaves."""

from __future__ import annotations

from typing import ClassVar

from textual import on
from textual.binding import Binding, BindingType
from textual.screen import ModalScreen, ScreenResultType
from textual.widgets import Button, Input, Static

from nuvla_console.window import WindowScreen


class FormDialog(ModalScreen[ScreenResultType], WindowScreen[ScreenResultType]):
    """Fields, the buttons `yes` and `no`, and a line `said` for what is wrong with a field."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape", "leave", show=False),
        Binding("enter", "enter", show=False, priority=True),
    ]

    def give(self) -> None:
        """Look at the fields, and leave with what they hold or say what is wrong."""
        raise NotImplementedError

    def say(self, text: str, *, field: str) -> None:
        """Say what is wrong, and go to the field of that id."""
        self.query_one("#said", Static).update(text)
        self.query_one(f"#{field}", Input).focus()

    def action_enter(self) -> None:
        """Go to the next field, or do what the button says."""
        if isinstance(self.focused, Input):
            self.focus_next()
        elif self.focused is not None and self.focused.id == "yes":
            self.give()
        else:
            self.dismiss(None)

    @on(Button.Pressed)
    def _pressed(self, event: Button.Pressed) -> None:
        event.stop()
        if event.button.id == "yes":
            self.give()
        else:
            self.dismiss(None)

    def action_leave(self) -> None:
        """Change nothing."""
        self.dismiss(None)
