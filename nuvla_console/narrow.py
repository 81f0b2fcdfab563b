"""Writes only the columns that changed.

Textual 8.2.8 writes a changed span from the beginning of its widget's line (`ChopsUpdate`): with a
table that is the whole row for each cell. Over SSH that is most of what the console would send.
"""

from __future__ import annotations

import re

from rich.console import Console
from rich.control import Control
from textual._compositor import ChopsUpdate, CompositorUpdate

_RESET = "\x1b[0m"
_TOKEN = re.compile(r"(?P<move>\x1b\[\d+;\d+H)|(?P<style>\x1b\[[\d;]+m)|[^\x1b]+|\x1b")


class NarrowUpdate(CompositorUpdate):
    """A partial update of the screen that writes its spans and nothing beside them."""

    def __init__(self, update: ChopsUpdate) -> None:
        """Args: update: as Textual's compositor made it."""
        self._update = update

    def render_segments(self, console: Console) -> str:
        """Return the sequences for the terminal.

        Args:
            console: encodes the styles.
        """
        written: list[str] = []
        for y, start, end in self._update.spans:
            pieces = self._update.chops[y].items()
            for (x, strip), stop in zip(pieces, self._update.chop_ends[y], strict=False):
                left, right = max(x, start), min(stop, end)
                if strip is None or left >= right:
                    continue
                written.append(Control.move_to(left, y).segment.text)
                written.append(strip.crop(left - x, right - x).render(console))
        return saving("".join(written))


def saving(sequences: str) -> str:
    """Return the same sequences without those that set a style which is set already."""
    kept: list[str] = []
    active, is_reset = "", False
    for match in _TOKEN.finditer(sequences):
        token = match[0]
        if token == _RESET:
            is_reset = True
        elif match["style"]:
            if is_reset and token != active:
                kept.append(_RESET)
            if token != active:
                kept.append(token)
            active, is_reset = token, False
        else:
            if is_reset and not match["move"]:
                kept.append(_RESET)
                active, is_reset = "", False
            kept.append(token)
    if is_reset:
        kept.append(_RESET)
    return "".join(kept)
