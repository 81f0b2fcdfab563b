"""What the table and the text pane share: styles by tone, the mouse wheel, and the slider."""

from __future__ import annotations

from typing import ClassVar, NamedTuple

from rich.style import Style
from textual import events
from textual.widget import Widget

_WHEEL = 3
"""Lines for one step of the wheel."""


class Toned(Widget):
    """A widget that draws its own lines, in tones that the theme gives a style."""

    PREFIX: ClassVar[str] = ""
    """What the names of its component classes begin with."""

    def __init__(self, *, id: str | None = None) -> None:
        """Args: id: the widget's id."""
        super().__init__(id=id)
        self._styles_of: dict[str, Style] = {}

    def style_of(self, name: str) -> Style:
        """Return the style of a tone, or of a part of the widget."""
        style = self._styles_of.get(name)
        if style is None:
            style = self.get_component_rich_style(f"{self.PREFIX}--{name}", partial=True)
            self._styles_of[name] = style
        return style

    def notify_style_update(self) -> None:
        """Forget styles of a theme that was left."""
        super().notify_style_update()
        self._styles_of.clear()

    def wheel(self, lines: int) -> None:
        """Scroll by lines, as the mouse wheel asks."""
        raise NotImplementedError

    def on_mouse_scroll_down(self, event: events.MouseScrollDown) -> None:
        """Scroll down."""
        event.stop()
        self.wheel(_WHEEL)

    def on_mouse_scroll_up(self, event: events.MouseScrollUp) -> None:
        """Scroll up."""
        event.stop()
        self.wheel(-_WHEEL)


class Slider(NamedTuple):
    """The thumb of the scroll bar: its first line and its length; no length where all is shown."""

    start: int
    length: int

    def covers(self, line: int) -> bool:
        """Whether the thumb stands on a line."""
        return self.start <= line < self.start + self.length


def slider(count: int, page: int, top: int) -> Slider:
    """Return where the thumb stands for a window of `page` lines that begins at line `top`."""
    if count <= page:
        return Slider(0, 0)
    length = max(1, page * page // count)
    return Slider(round((page - length) * top / (count - page)), length)
