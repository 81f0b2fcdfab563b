"""The one-line inputs at the foot of a screen: the filter and the command bar."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from textual import events
from textual.app import ComposeResult
from textual.containers import Horizontal
from textual.suggester import Suggester
from textual.widgets import Input, Static

from nuvla_console.messages import BarLeft, CommandGiven, FilterChanged


class _Bar(Horizontal):
    """A sign and an input, hidden until it is opened."""

    sign = ""

    def __init__(self, *, suggester: Suggester | None = None, id: str | None = None) -> None:
        super().__init__(id=id)
        self._suggester = suggester
        self.display = False

    def compose(self) -> ComposeResult:
        """Yield the sign and the input."""
        yield Static(self.sign, classes="bar--sign", markup=False)
        yield Input(compact=True, suggester=self._suggester, select_on_focus=False)

    @property
    def input(self) -> Input:
        """The input."""
        return self.query_one(Input)

    @property
    def is_open(self) -> bool:
        """Whether it is being typed into."""
        return self.display and self.input.has_focus

    def open(self, text: str = "") -> None:
        """Show the bar and take the focus."""
        self.display = True
        self.input.value = text
        self.input.cursor_position = len(text)
        # Not Input.focus(), which waits its turn: the next key may be here already.
        self.screen.set_focus(self.input)

    def close(self) -> None:
        """Hide the bar, and give the focus back."""
        self.display = False
        self.post_message(BarLeft())


class FilterBar(_Bar):
    """Types a filter; the table follows each letter. Enter keeps it, Esc clears it."""

    sign = "/"

    def on_input_changed(self, event: Input.Changed) -> None:
        """Filter as it is typed."""
        event.stop()
        if self.display:
            self.post_message(FilterChanged(event.value))

    def on_input_submitted(self, event: Input.Submitted) -> None:
        """Keep the filter."""
        event.stop()
        self.close()

    def on_key(self, event: events.Key) -> None:
        """Clear with Esc."""
        if event.key == "escape":
            event.stop()
            self.input.value = ""
            self.post_message(FilterChanged(""))
            self.close()


class CommandBar(_Bar):
    """Types a command with its argument; Tab or → takes what is offered."""

    sign = ":"

    def __init__(self, complete: Callable[[str], Sequence[str]], *, id: str | None = None) -> None:
        """Args:
        complete: returns the lines that a beginning can become, the likeliest first.
        id: the widget's id.
        """
        super().__init__(suggester=_Lines(complete), id=id)
        self._complete = complete

    def on_input_changed(self, event: Input.Changed) -> None:
        """Keep what is typed to itself."""
        event.stop()

    def on_input_submitted(self, event: Input.Submitted) -> None:
        """Give the command."""
        event.stop()
        self.close()
        if event.value.strip():
            self.post_message(CommandGiven(event.value))

    def on_key(self, event: events.Key) -> None:
        """Leave with Esc, complete with Tab."""
        if event.key == "escape":
            event.stop()
            self.close()
        elif event.key == "tab":
            event.stop()
            event.prevent_default()
            offered = self._complete(self.input.value)
            if offered:
                self.input.value = offered[0]
                self.input.cursor_position = len(offered[0])


class _Lines(Suggester):
    """Offers the likeliest completion in grey behind what was typed."""

    def __init__(self, complete: Callable[[str], Sequence[str]]) -> None:
        super().__init__(use_cache=False, case_sensitive=True)
        self._complete = complete

    async def get_suggestion(self, value: str) -> str | None:
        """Return the likeliest line."""
        offered = self._complete(value)
        return offered[0] if value and offered else None
