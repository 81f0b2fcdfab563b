"""The first screen: is anything wrong?"""

from __future__ import annotations

from collections.abc import Iterable

from textual import on
from textual.containers import Container
from textual.widget import Widget

from engine.models import Finding, JobRecord, Lock
from engine.view.picture import Sight
from nuvla_console.commands import Scope
from nuvla_console.desk import Desk
from nuvla_console.render import diagnosis, elections, members, overview, taken
from nuvla_console.render.cells import Line
from nuvla_console.render.rows import Rows
from nuvla_console.render.scene import Scene
from nuvla_console.screens.job import JobScreen
from nuvla_console.screens.live import LiveScreen
from nuvla_console.widgets.snapshot_table import SnapshotTable
from nuvla_console.widgets.text_pane import TextPane

_FINDINGS_SHARE = 7
"""Part of the screen that findings take at most."""
_LEAST = 5
"""Lines of the upper panels."""


class OverviewScreen(LiveScreen):
    """Figures, executors, actions in the queue, elections."""

    AREA = "overview"
    SCOPES = (Scope.PANEL, Scope.MOVE)
    AUTO_FOCUS = "#executors"

    def __init__(self, desk: Desk) -> None:
        """Args: desk: what it draws from."""
        super().__init__(desk)
        self._executors = Rows(members.SHORT_COLUMNS, key=members.key, text=members.text)
        self._actions = Rows(overview.ACTION_COLUMNS, key=lambda row: row[0], text=lambda r: r[0])
        self._elections = Rows(
            elections.SHORT_COLUMNS, key=lambda election: election.name, text=lambda e: e.name
        )

        self._findings = Rows(diagnosis.COLUMNS, key=diagnosis.key, text=diagnosis.text)
        self._upper = 0
        self._held = Rows(overview.HELD_COLUMNS, key=taken.key, text=taken.text)
        self._failed = Rows(
            overview.FAILED_COLUMNS, key=lambda record: record.id, text=lambda record: record.id
        )

    def body(self) -> Iterable[Widget]:
        """Yield figures and panels."""
        yield TextPane(id="figures")
        yield TextPane(id="checked")
        yield SnapshotTable(self._findings, id="findings")
        with Container(id="panels"):
            yield SnapshotTable(self._executors, empty=members.EMPTY, id="executors")
            yield SnapshotTable(self._actions, empty=overview.NO_ACTIONS, id="actions")
            yield SnapshotTable(self._elections, empty=elections.EMPTY, id="elections")
            yield SnapshotTable(self._held, empty=taken.EMPTY, id="held")
            yield SnapshotTable(self._failed, empty=overview.NO_FAILURES, id="failed")

    def title_line(self, scene: Scene) -> Line:
        """Return the answer to the screen's question."""
        picture, width = self.desk.picture, self.size.width - 2
        return diagnosis.worst(picture.checkup, width) or overview.verdict(picture, width)

    def draw_body(self, scene: Scene) -> None:
        """Draw what changed."""
        picture = self.desk.picture
        figures = overview.figures(picture, scene, self.size.width - 2)
        pane = self.query_one("#figures", TextPane)
        pane.styles.height = len(figures)
        pane.draw(figures)
        if picture.members is not None:
            rows = members.rows(picture.members, picture.taken, picture.elections)
            self._executors.update([row for row in rows if members.is_executor(row)])
        if picture.counts is not None:
            self._actions.update(overview.actions(picture))
        if picture.elections is not None:
            self._elections.update(elections.vacant_first(picture.elections))
        if picture.taken is not None:
            self._held.update(picture.taken.locks)
        self._failed.update(picture.failures)
        self._draw_findings(scene)
        self._share_height()
        for table in self.query(SnapshotTable):
            table.draw(scene)

    def _draw_findings(self, scene: Scene) -> None:
        picture = self.desk.picture
        self.query_one("#checked", TextPane).draw([diagnosis.checked(picture, scene)])
        found = picture.checkup.findings if picture.checkup else ()
        self._findings.update(found)
        table = self.query_one("#findings", SnapshotTable)
        table.display = bool(found)
        most = max(1, self.size.height // _FINDINGS_SHARE)
        table.styles.height = 1 + min(len(found), most)

    def _share_height(self) -> None:
        """Give the upper panels what they need, at most half. They never shrink: what moves up
        and down with every job is hard to read."""
        panels = self.query_one("#panels")
        half = panels.size.height // 2
        upper = (self._executors, self._actions, self._elections)
        needed = max(len(rows) for rows in upper if self.has_class("-wide") or rows is not upper[2])
        height = max(_LEAST, min(max(self._upper, needed + 2), half))
        if half and height != self._upper:
            self._upper = height
            panels.styles.grid_rows = f"{height} 1fr"

    def sight(self) -> Sight:
        """Return what is held the longest, where it is shown; counts are read in any case."""
        held = self.query_one("#held", SnapshotTable)
        shown = held.in_sight() if held.region else []
        return Sight(jobs=tuple(lock.job_id for lock in shown if lock.job_id))

    def subject(self) -> str:
        """Return what the cursor stands on."""
        main = self.main()
        if not isinstance(main, SnapshotTable):
            return ""
        record = main.current()
        return getattr(record, "job_id", None) or main.cursor_key or ""

    def as_text(self) -> str:
        """Return the verdict and the figures as plain text."""
        scene = self.desk.scene()
        lines = [self.title_line(scene), *self.query_one("#figures", TextPane).lines]
        return "\n".join("".join(cell.text for cell in line).rstrip() for line in lines)

    async def action_open(self) -> None:
        """Look into the row under the cursor."""
        main = self.main()
        if isinstance(main, SnapshotTable):
            await self._look_into(main)

    @on(SnapshotTable.Chosen)
    async def chosen(self, message: SnapshotTable.Chosen) -> None:
        """Look into the row that was clicked twice."""
        message.stop()
        await self._look_into(message.table)

    async def _look_into(self, table: SnapshotTable) -> None:
        """Go to the area of the row, with the cursor on it."""
        record, key = table.current(), table.cursor_key
        if key is None:
            return
        if isinstance(record, Finding):
            await self.app.run_action(f"app.given('findings', {key!r})")
            return
        job_id = getattr(record, "job_id", None) or getattr(record, "id", None)
        if isinstance(record, Lock | JobRecord) and job_id:
            await self.app.push_screen(JobScreen(self.desk, job_id))
            return
        line = {
            "executors": ("executors", key),
            "actions": ("jobs", f"action={key} state=QUEUED,RUNNING"),
            "elections": ("elections", key),
        }.get(table.id or "")
        if line is not None:
            await self.app.run_action(f"app.given({line[0]!r}, {line[1]!r})")
