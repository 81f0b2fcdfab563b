"""A form for a new job; what it asks for becomes a plan."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

from textual import on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal, Vertical
from textual.screen import ModalScreen
from textual.suggester import SuggestFromList
from textual.widgets import Button, Input, Label, Static

from engine.act.plan import Options
from nuvla_console.window import WindowScreen

LOWEST = 999


class StartDialog(ModalScreen[tuple[str, Options]], WindowScreen[tuple[str, Options]]):
    """Returns the action and what was said about the job."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape", "leave", show=False),
        Binding("enter", "enter", show=False, priority=True),
    ]
    AUTO_FOCUS = "#action"

    def __init__(self, actions: Sequence[str]) -> None:
        """Args: actions: those that executors offer, for completion."""
        super().__init__()
        self._actions = actions

    def compose(self) -> ComposeResult:
        """Yield the fields."""
        known = SuggestFromList(self._actions)
        with Vertical(classes="dialog"):
            yield Static("start a job", classes="dialog--title", markup=False)
            for name, hint, suggester in (
                ("action", "its name;  → takes what is offered", known),
                ("target", "the id of the resource that it is about", None),
                ("priority", "0 to 999, lower runs sooner; 999 where it is left out", None),
                ("payload", "text of the action's own", None),
            ):
                with Horizontal(classes="field"):
                    yield Label(name)
                    yield Input(placeholder=hint, id=name, compact=True, suggester=suggester)
            with Horizontal(id="buttons"):
                yield Button("Cancel", id="no", compact=True)
                yield Button("Show the plan", id="yes", compact=True)
            yield Static("", id="said", markup=False)

    def action_enter(self) -> None:
        """Go to the next field, or do what the button says."""
        if isinstance(self.focused, Input):
            self.focus_next()
        elif self.focused is not None and self.focused.id == "yes":
            self._give()
        else:
            self.dismiss(None)

    @on(Button.Pressed)
    def _pressed(self, event: Button.Pressed) -> None:
        event.stop()
        if event.button.id == "yes":
            self._give()
        else:
            self.dismiss(None)

    def _give(self) -> None:
        texts = {box.id or "": box.value.strip() for box in self.query(Input)}
        if not texts["action"]:
            self._say("▲ a job needs an action", "action")
            return
        number = texts["priority"]
        if number and not (number.isdecimal() and int(number) <= LOWEST):
            self._say(f"▲ a priority is a whole number from 0 to {LOWEST}", "priority")
            return
        options = Options(
            target=texts["target"] or None,
            priority=int(number) if number else None,
            payload=texts["payload"] or None,
        )
        self.dismiss((texts["action"], options))

    def _say(self, text: str, field: str) -> None:
        self.query_one("#said", Static).update(text)
        self.query_one(f"#{field}", Input).focus()

    def action_leave(self) -> None:
        """Start nothing."""
        self.dismiss(None)
