"""The one-line inputs at the foot of a screen: the filter and the command bar."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal
from textual.suggester import Suggester
from textual.widget import Widget
from textual.widgets import Input, Static

from nuvla_console.messages import BarLeft


class _Line(Input):
    """An input whose Enter is done with before the next key is looked at."""

    def __init__(self, submit: Callable[[], Awaitable[None]], suggester: Suggester | None) -> None:
        super().__init__(compact=True, suggester=suggester, select_on_focus=False)
        self._submit = submit

    async def action_submit(self) -> None:
        """Hand the line over at once: a message would come after the keys that follow."""
        await self._submit()


class Bar(Horizontal):
    """A sign and an input, hidden until it is opened."""

    BINDINGS: ClassVar[list[BindingType]] = [Binding("escape", "leave", show=False)]
    sign = ""

    def __init__(self, *, suggester: Suggester | None = None, id: str | None = None) -> None:
        super().__init__(id=id)
        self._suggester = suggester
        self._focused_before: Widget | None = None
        self.display = False

    def compose(self) -> ComposeResult:
        """Yield the sign and the input."""
        yield Static(self.sign, classes="bar--sign", markup=False)
        yield _Line(self.submit, self._suggester)

    @property
    def input(self) -> Input:
        """The input."""
        return self.query_one(Input)

    @property
    def is_open(self) -> bool:
        """Whether it is being typed into."""
        return bool(self.display) and self.screen.focused is self.input

    def open(self, text: str = "") -> None:
        """Show the bar and take the focus."""
        if not self.is_open:
            self._focused_before = self.screen.focused
        self.display = True
        self._write(text)
        # Not Input.focus(), which waits its turn: the next key may be here already.
        self.screen.set_focus(self.input)

    def close(self) -> None:
        """Hide the bar, and give the focus back."""
        before, self._focused_before = self._focused_before, None
        self.screen.set_focus(before if before is not None and before.focusable else None)
        self.display = False
        self.post_message(BarLeft())

    def action_leave(self) -> None:
        """Leave the bar without doing anything."""
        self.close()

    async def submit(self) -> None:
        """Take the line as it is."""
        raise NotImplementedError

    def on_input_changed(self, event: Input.Changed) -> None:
        """Keep what is typed to itself."""
        event.stop()

    def _write(self, text: str) -> None:
        self.input.value = text
        self.input.cursor_position = len(text)


class FilterBar(Bar):
    """Types a filter; the table follows each letter. Enter keeps it, Esc clears it."""

    sign = "/"

    def __init__(self, narrow: Callable[[str], None], *, id: str | None = None) -> None:
        """Args:
        narrow: filters by a text.
        id: the widget's id.
        """
        super().__init__(id=id)
        self._narrow = narrow

    def on_input_changed(self, event: Input.Changed) -> None:
        """Filter as it is typed."""
        event.stop()
        if self.is_open:
            self._narrow(self.input.value)

    async def submit(self) -> None:
        """Keep the filter."""
        self._narrow(self.input.value)
        self.close()

    def action_leave(self) -> None:
        """Clear the filter."""
        self._narrow("")
        self.close()


class CommandBar(Bar):
    """Types a command with its argument; Tab or → takes what is offered."""

    BINDINGS: ClassVar[list[BindingType]] = [Binding("tab", "complete", show=False)]
    sign = ":"

    def __init__(
        self,
        complete: Callable[[str], Sequence[str]],
        run: Callable[[str], Awaitable[None]],
        *,
        id: str | None = None,
    ) -> None:
        """Args:
        complete: returns the lines that a beginning can become, the likeliest first.
        run: runs the line that was given.
        id: the widget's id.
        """
        super().__init__(suggester=_Lines(complete), id=id)
        self._complete = complete
        self._run = run

    async def submit(self) -> None:
        """Give the command."""
        line = self.input.value
        self.close()
        if line.strip():
            await self._run(line)

    def action_complete(self) -> None:
        """Take what is offered."""
        offered = self._complete(self.input.value)
        if offered:
            self._write(offered[0])


class _Lines(Suggester):
    """Offers the likeliest completion in grey behind what was typed."""

    def __init__(self, complete: Callable[[str], Sequence[str]]) -> None:
        super().__init__(use_cache=False, case_sensitive=True)
        self._complete = complete

    async def get_suggestion(self, value: str) -> str | None:
        """Return the likeliest line."""
        offered = self._complete(value)
        return offered[0] if value and offered else None
