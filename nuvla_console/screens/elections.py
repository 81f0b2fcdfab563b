"""The elections: who distributes, and who waits to."""

from __future__ import annotations

from typing import Any

from engine import wording
from nuvla_console.commands import Scope
from nuvla_console.render import elections
from nuvla_console.render.cells import Cell, Line, Tone
from nuvla_console.render.rows import Rows
from nuvla_console.render.scene import Scene
from nuvla_console.screens.listing import ListScreen


class ElectionsScreen(ListScreen):
    """Each election with its contenders."""

    AREA = "elections"
    SCOPES = (Scope.LIST, Scope.MOVE)
    SOURCES = ("zookeeper",)
    NOUN = ("election", "elections")
    EMPTY = elections.EMPTY

    def make_rows(self) -> Rows[Any]:
        """Return rows of elections and contenders, in their own order."""
        return Rows(elections.COLUMNS, key=elections.key, text=elections.text, groups=True)

    def records(self, scene: Scene) -> Any:
        """Return the elections."""
        snapshot = self.desk.picture.elections
        return None if snapshot is None else elections.rows(snapshot)

    def counted(self, scene: Scene) -> Line:
        """Return how many elections there are, and how many are vacant."""
        snapshot = self.desk.picture.elections
        if snapshot is None:
            return (Cell("… the elections are being read", Tone.DIM),)
        line = [Cell(wording.counted(len(snapshot.elections), "election"), Tone.STRONG)]
        vacant = sum(election.is_vacant for election in snapshot.elections)
        if vacant:
            line.append(Cell(f"  ✗ {vacant} vacant: nobody distributes", Tone.BAD))
        return tuple(line)

    async def action_open(self) -> None:
        """Go to the process of the contender under the cursor."""
        row = self.table.current()
        owner = row.contender.owner if row is not None and row.contender else None
        if owner is None and row is not None and row.election.leader:
            owner = row.election.leader.owner
        if owner is not None and owner.instance:
            await self.app.run_action(f"app.given('executors', {owner.instance!r})")
        else:
            self.say("that contender says nothing of its process", Tone.DOUBT)
