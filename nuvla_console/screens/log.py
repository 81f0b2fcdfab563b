"""What the console itself saw and did."""

from __future__ import annotations

from typing import Any

from nuvla_console.commands import Scope
from nuvla_console.render import log
from nuvla_console.render.rows import Rows
from nuvla_console.render.scene import Scene
from nuvla_console.screens.listing import ListScreen


class LogScreen(ListScreen):
    """The notes, newest first."""

    AREA = "log"
    SCOPES = (Scope.LIST, Scope.MOVE)
    SOURCES = ()
    NOUN = ("note", "notes")
    EMPTY = log.EMPTY

    def make_rows(self) -> Rows[Any]:
        """Return rows of notes."""
        return Rows(log.COLUMNS, key=log.key, text=log.text)

    def records(self, scene: Scene) -> Any:
        """Return the notes, newest first."""
        return self.desk.picture.notes[::-1]
