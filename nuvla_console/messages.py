"""Messages between the feed, the app, and the screens."""

from __future__ import annotations

from dataclasses import dataclass

from textual.message import Message


@dataclass
class Ticked(Message):
    """The picture changed, or a second has passed: draw what is different."""

    def can_replace(self, message: Message) -> bool:
        """A slow screen draws only the newest."""
        return isinstance(message, Ticked)


@dataclass
class BarLeft(Message):
    """The filter bar or the command bar was left."""
