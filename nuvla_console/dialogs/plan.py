"""The plan of an act: what it does, to what, and what will be true; and the question whether to."""

from __future__ import annotations

import time
from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal, Vertical
from textual.widgets import Button, Input, Label, Static

from nuvla_console.dialogs.form import FormDialog
from nuvla_console.render.plan import Question
from nuvla_console.widgets.text_pane import TextPane

DEAD_SECONDS = 0.3
"""An Enter that was meant for the screen before does nothing here."""


class PlanDialog(FormDialog[str]):
    """Returns the reason, which may be empty, where the act is to be done; else None."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("left", "app.focus_previous", show=False),
        Binding("right", "app.focus_next", show=False),
        Binding("ctrl+f,pagedown", "page(1)", show=False),
        Binding("ctrl+b,pageup", "page(-1)", show=False),
    ]
    AUTO_FOCUS = "#no"

    def __init__(self, question: Question, *, profile: str, protected: bool) -> None:
        """Args:
        question: what would be done.
        profile: where.
        protected: whether a word has to be typed.
        """
        super().__init__()
        self._question = question
        self._profile = profile
        self._word = question.word if protected and not question.is_refused else ""
        self._shown_at = float("inf")

    def compose(self) -> ComposeResult:
        """Yield the plan, the fields and the buttons."""
        question = self._question
        with Vertical(classes="dialog -plan"):
            yield Static(question.title, classes="dialog--title", markup=False)
            yield TextPane(id="plan", wrap=True, hang=10)
            if not question.is_refused:
                with Horizontal(classes="field"):
                    yield Label("reason")
                    yield Input(placeholder="why, for the record", id="reason", compact=True)
            if self._word:
                with Horizontal(classes="field"):
                    yield Label(f"type {self._word}")
                    hint = f"{self._profile} is protected"
                    yield Input(placeholder=hint, id="word", compact=True)
            with Horizontal(id="buttons"):
                label = "Close" if question.is_refused else "Cancel: change nothing"
                yield Button(label, id="no", compact=True)
                if not question.is_refused:
                    yield Button(f"Do it: {question.verb}", id="yes", compact=True)
            yield Static("", id="said", markup=False)

    def on_mount(self) -> None:
        """Fill in the plan; from now on the time runs."""
        pane = self.query_one(TextPane)
        pane.draw(self._question.lines)
        pane.refresh(layout=True)
        self._shown_at = time.monotonic()

    def action_enter(self) -> None:
        """Do what has the focus, once the dialog could have been seen."""
        if time.monotonic() - self._shown_at >= DEAD_SECONDS:
            super().action_enter()

    def give(self) -> None:
        """Leave with the reason, if the word that a protected profile asks for was typed."""
        if self._word and self.query_one("#word", Input).value.strip() != self._word:
            said = f"▲ {self._profile} is protected: type {self._word} to do it"
            self.say(said, field="word")
            return
        self.dismiss(self.query_one("#reason", Input).value.strip())

    def action_page(self, pages: int) -> None:
        """Scroll the plan."""
        self.query_one(TextPane).move_page(pages)
