"""Each key does its work before the next one is looked at, however close behind it comes.

Textual 8.2.8 hands a key from widget to widget through their queues. Of keys that come in one
piece, as a paste or a slow line sends them, one overtakes the other: what was meant for the screen
is typed into a bar that has just been left, and the other way round.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable

from textual import events
from textual.screen import Screen
from textual.widgets import Input

RunBinding = Callable[[str], Awaitable[bool]]
"""Runs what a key is bound to in front; returns whether there was anything."""


async def take(event: events.Key | events.Paste, screen: Screen[object], run: RunBinding) -> None:
    """Do at once what a key or a paste is for.

    Args:
        event: as it came from the terminal, after the bindings that come first.
        screen: in front, and mounted.
        run: runs what a key is bound to.
    """
    focused, text = screen.focused, _text(event)
    if isinstance(focused, Input) and text:
        _insert(focused, text)
    elif isinstance(event, events.Key):
        await run(event.key)


def _text(event: events.Key | events.Paste) -> str:
    """Return what is typed; of a paste the first line, as Textual takes it."""
    if isinstance(event, events.Paste):
        return (event.text.splitlines() or [""])[0]
    return event.character or "" if event.is_printable else ""


def _insert(line: Input, text: str) -> None:
    if line.selection.is_empty:
        line.insert_text_at_cursor(text)
    else:
        line.replace(text, *line.selection)
