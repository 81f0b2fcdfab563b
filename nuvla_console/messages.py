"""Messages between the feed, the app, and the screens."""

from __future__ import annotations

from dataclasses import dataclass

from textual.message import Message

from engine.act.plan import Options


@dataclass
class Ticked(Message):
    """The picture changed, or a second has passed: draw what is different."""

    def can_replace(self, message: Message) -> bool:
        """A slow screen draws only the newest."""
        return isinstance(message, Ticked)


@dataclass
class ActAsked(Message):
    """The plan of an act is wanted."""

    name: str
    subjects: tuple[str, ...]
    options: Options | None = None


@dataclass
class BarLeft(Message):
    """The filter bar or the command bar was left."""
