"""Lines of text with their tones, scrolled by line; draws only the part of a line that changed."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import zip_longest
from typing import ClassVar

from rich.cells import cell_len
from rich.segment import Segment
from textual import events
from textual.geometry import Region, Size
from textual.strip import Strip

from nuvla_console.render.cells import Cell, Line, Tone, steady
from nuvla_console.widgets.toned import Toned, slider

_SLIDER = 1
_NEAR = 30
"""Columns before the edge in which a blank is looked for."""


class TextPane(Toned):
    """Lines of text. Long lines are wrapped where `wrap` says so, else cut at the edge."""

    PREFIX = "pane"
    COMPONENT_CLASSES: ClassVar[set[str]] = {*(f"pane--{tone}" for tone in Tone), "pane--slider"}

    def __init__(
        self,
        *,
        wrap: bool = False,
        hang: int = 0,
        focusable: bool = False,
        id: str | None = None,
    ) -> None:
        """Args:
        wrap: fold long lines.
        hang: columns by which the rest of a folded line is moved in.
        focusable: whether keys can scroll it.
        id: the widget's id.
        """
        super().__init__(id=id)
        self.can_focus = focusable
        self._wrap = wrap
        self._hang = hang
        self._given: Sequence[Line] = ()
        self._lines: list[Line] = []
        self._top = 0

    @property
    def lines(self) -> Sequence[Line]:
        """The lines as they were given."""
        return self._given

    def draw(self, lines: Sequence[Line]) -> None:
        """Show these lines: draw the difference to those that are shown."""
        if lines == self._given:
            return
        self._given = lines
        before, self._lines = self._lines, self._folded()
        top = self._top
        self._top = max(0, min(self._top, len(self._lines) - max(1, self.size.height)))
        if top != self._top or len(before) != len(self._lines):
            self.refresh()
            return
        for y, (old, new) in enumerate(zip_longest(before, self._lines)):
            if old != new and 0 <= y - self._top < self.size.height:
                start, end = _changed(_text(old), _text(new))
                if end <= start or _tones(old) != _tones(new):
                    start, end = 0, self.size.width
                self.refresh(Region(start, y - self._top, end - start, 1))

    def move(self, lines: int) -> None:
        """Scroll by lines."""
        self._go_to(self._top + lines)

    wheel = move

    def move_page(self, pages: int) -> None:
        """Scroll by pages."""
        self._go_to(self._top + pages * max(1, self.size.height - 1))

    def move_end(self, *, last: bool) -> None:
        """Scroll to the first or the last line."""
        self._go_to(len(self._lines) if last else 0)

    def _go_to(self, top: int) -> None:
        top = max(0, min(top, len(self._lines) - self.size.height))
        if top != self._top:
            self._top = top
            self.refresh()

    def get_content_height(self, container: Size, viewport: Size, width: int) -> int:
        """Return the lines that the text takes at a width, where the height is its own."""
        return max(1, len(self._folded(width)))

    def _folded(self, width: int | None = None) -> list[Line]:
        width = (self.size.width if width is None else width) - _SLIDER
        if not self._wrap or width <= 0:
            return list(self._given)
        return [part for line in self._given for part in fold(line, width, self._hang)]

    def render_line(self, y: int) -> Strip:
        """Return one line of the widget."""
        width = self.size.width
        at = self._top + y
        line = self._lines[at] if at < len(self._lines) else ()
        segments = [Segment(steady(cell.text), self.style_of(cell.tone)) for cell in line]
        # Without the ground below it, a terminal's own would show through.
        strip = Strip(segments).adjust_cell_length(width).apply_style(self.rich_style)
        thumb = slider(len(self._lines), self.size.height, self._top)
        if not thumb.length:
            return strip
        bar = Segment("▐" if thumb.covers(y) else " ", self.style_of("slider"))
        return Strip.join(
            [strip.crop(0, width - _SLIDER), Strip([bar]).apply_style(self.rich_style)]
        )

    def on_resize(self, _event: events.Resize) -> None:
        """Fold anew."""
        self._lines = self._folded()
        self._top = max(0, min(self._top, len(self._lines) - self.size.height))
        self.refresh()


def fold(line: Line, width: int, hang: int = 0) -> list[Line]:
    """Return a line folded at a width in columns, at a blank where one is near: nothing hides."""
    if sum(cell_len(cell.text) for cell in line) <= width:
        return [line]
    folded: list[Line] = []
    current: list[Cell] = []
    room = width
    hang = hang if 2 * hang <= width else 0
    for cell in line:
        text = cell.text
        while cell_len(text) > room:
            # A letter of two columns fits no window of one, and goes on all the same.
            size = _fitting(text, room) or (room == width)
            blank = text.rfind(" ", max(1, size - _NEAR), size + 1)
            size = blank if blank > 0 else size
            current.append(cell._replace(text=text[:size]))
            folded.append(tuple(current))
            text, room = text[size + (blank > 0) :], width - hang
            current = [Cell(" " * hang)] if hang else []
        current.append(cell._replace(text=text))
        room -= cell_len(text)
    folded.append(tuple(current))
    return folded


def _fitting(text: str, room: int) -> int:
    """Return how many characters fit the room; at least one where the room is a whole line."""
    used = 0
    for size, char in enumerate(text):
        used += cell_len(char)
        if used > room:
            return size
    return len(text)


def _text(line: Line | None) -> str:
    return "".join(cell.text for cell in line or ())


def _tones(line: Line | None) -> list[tuple[int, Tone]]:
    return [(len(cell.text), cell.tone) for cell in line or ()]


def _changed(old: str, new: str) -> tuple[int, int]:
    """Return the columns between which two texts differ; (0, 0) where that is not plain."""
    if len(old) != len(new) or any(cell_len(text) != len(text) for text in (old, new)):
        return (0, 0)
    differ = [i for i, (a, b) in enumerate(zip(old, new, strict=True)) if a != b]
    return (differ[0], differ[-1] + 1) if differ else (0, 0)
