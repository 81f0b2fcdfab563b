"""Executors and distributors, and the one under the cursor in full."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from textual.widget import Widget

from engine import wording
from engine.models import MemberKind, MemberState
from engine.view.picture import Sight
from nuvla_console.commands import Scope
from nuvla_console.render import members
from nuvla_console.render.cells import Cell, Line, Tone
from nuvla_console.render.rows import Rows
from nuvla_console.render.scene import Scene
from nuvla_console.screens.listing import ListScreen
from nuvla_console.widgets.snapshot_table import SnapshotTable
from nuvla_console.widgets.text_pane import TextPane


class ExecutorsScreen(ListScreen):
    """Who runs jobs, which ones, and what went wrong there."""

    AREA = "executors"
    SCOPES = (Scope.MEMBER, Scope.LIST, Scope.MOVE)
    SOURCES = ("zookeeper",)
    NOUN = ("process", "processes")
    EMPTY = members.EMPTY

    def make_rows(self) -> Rows[Any]:
        """Return rows of processes."""
        return Rows(members.COLUMNS, key=members.key, text=members.text)

    def body(self) -> Iterable[Widget]:
        """Yield the table, and below it the process under the cursor."""
        yield SnapshotTable(self.rows, id="main")
        yield TextPane(id="member", wrap=True)

    def records(self, scene: Scene) -> Any:
        """Return the processes of ours, and the sessions of others."""
        picture = self.desk.picture
        if picture.members is None:
            return None
        return members.rows(picture.members, picture.taken, picture.elections)

    def draw_body(self, scene: Scene) -> None:
        """Draw what changed."""
        super().draw_body(scene)
        self._draw_member(scene)

    def _draw_member(self, scene: Scene) -> None:
        row = self.table.current()
        lines = members.in_full(row, scene) if row is not None else []
        self.query_one("#member", TextPane).draw(lines)

    def cursor_moved(self) -> None:
        """Show the process under the cursor."""
        self._draw_member(self.desk.scene())

    def sight(self) -> Sight:
        """Nothing of the API is needed: a process says what it runs."""
        return Sight()

    def show(self, instance: str) -> None:
        """Put the cursor on a process."""
        self.redraw()
        self.table.move_to_key(instance)

    def counted(self, scene: Scene) -> Line:
        """Return how many there are of each kind."""
        snapshot = self.desk.picture.members
        if snapshot is None:
            return (Cell("… the processes are being read", Tone.DIM),)
        executors = [m for m in snapshot.members if m.kind is MemberKind.EXECUTOR]
        others = len(snapshot.members) - len(executors)
        busy = sum(len(m.jobs) for m in executors)
        threads = sum(m.threads for m in executors)
        line = [
            Cell(wording.counted(len(executors), "executor"), Tone.STRONG),
            Cell(f"  {wording.count(busy)} of {wording.count(threads)} threads busy", Tone.DIM),
            Cell(f"  {wording.counted(others, 'distributor')}", Tone.DIM),
        ]
        if snapshot.paused:
            line.append(Cell(f"  ▲ paused: {snapshot.paused}", Tone.DOUBT))
        if snapshot.unreadable:
            nodes = wording.counted(len(snapshot.unreadable), "unreadable node")
            line.append(Cell(f"  ▲ {nodes}", Tone.DOUBT))
        return tuple(line)

    def meant(self) -> Sequence[str]:
        """Return the marked processes, or the one under the cursor."""
        chosen = self.table.marks or {self.table.cursor_key or ""}
        return list(filter(chosen.__contains__, self.rows.keys()))

    async def action_act(self, name: str) -> None:
        """Open the plan of an act; one that drains is resumed by the same key."""
        row = self.table.current()
        if name == "drain" and row is not None and row.member is not None:
            drains = row.member.state in (MemberState.DRAINING, MemberState.DRAINED)
            name = "resume" if drains else name
        await super().action_act(name)

    async def action_stack(self) -> None:
        """Go to the stacks of the process."""
        row = self.table.current()
        if row is not None and row.member is not None:
            await self.app.run_action(f"app.given('stacks', {row.member.instance!r})")
        else:
            self.say("only processes of ours answer", Tone.DOUBT)

    async def action_open(self) -> None:
        """Show what the process holds."""
        row = self.table.current()
        if row is not None:
            text = row.member.instance if row.member else members.key(row)
            await self.app.run_action(f"app.given('taken', {text!r})")
