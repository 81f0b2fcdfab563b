"""A form for a new job; what it asks for becomes a plan."""

from __future__ import annotations

from collections.abc import Sequence

from textual.app import ComposeResult
from textual.containers import Horizontal, Vertical
from textual.suggester import SuggestFromList
from textual.widgets import Button, Input, Label, Static

from engine.act.plan import Options
from nuvla_console.dialogs.form import FormDialog

LOWEST = 999


class StartDialog(FormDialog[tuple[str, Options]]):
    """Returns the action and what was said about the job."""

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

    def give(self) -> None:
        """Leave with what was said about the job."""
        texts = {box.id or "": box.value.strip() for box in self.query(Input)}
        if not texts["action"]:
            self.say("▲ a job needs an action", field="action")
            return
        number = texts["priority"]
        if number and not (number.isdecimal() and int(number) <= LOWEST):
            self.say(f"▲ a priority is a whole number from 0 to {LOWEST}", field="priority")
            return
        options = Options(
            target=texts["target"] or None,
            priority=int(number) if number else None,
            payload=texts["payload"] or None,
        )
        self.dismiss((texts["action"], options))
