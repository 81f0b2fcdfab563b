"""All that is stuck or sick, worst first, with the evidence of the one under the cursor."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from textual.widget import Widget

from engine.models import Finding, SafeAct
from engine.view.picture import Sight
from nuvla_console.commands import Scope
from nuvla_console.render import diagnosis
from nuvla_console.render.cells import Line
from nuvla_console.render.rows import Rows
from nuvla_console.render.scene import Scene
from nuvla_console.screens.job_list import JobListScreen
from nuvla_console.widgets.snapshot_table import SnapshotTable
from nuvla_console.widgets.text_pane import TextPane


class FindingsScreen(JobListScreen):
    """The findings of the last check-up."""

    AREA = "findings"
    SCOPES = (Scope.ADVICE, Scope.JOB, Scope.LIST, Scope.MOVE)
    NOUN = ("finding", "findings")
    EMPTY = diagnosis.NOTHING

    def make_rows(self) -> Rows[Any]:
        """Return rows of findings, in their own order."""
        return Rows(diagnosis.COLUMNS, key=diagnosis.key, text=diagnosis.text)

    def body(self) -> Iterable[Widget]:
        """Yield the findings, and the one under the cursor."""
        yield SnapshotTable(self.rows, id="main")
        yield TextPane(id="finding", wrap=True, hang=10)

    def records(self, scene: Scene) -> Any:
        """Return the findings."""
        checkup = self.desk.picture.checkup
        return None if checkup is None else checkup.findings

    def counted(self, scene: Scene) -> Line:
        """Return what the last check-up came to."""
        return diagnosis.checked(self.desk.picture, scene)

    def draw_body(self, scene: Scene) -> None:
        """Draw what changed."""
        super().draw_body(scene)
        self.cursor_moved()

    def cursor_moved(self) -> None:
        """Show the finding under the cursor."""
        finding, checkup = self.table.current(), self.desk.picture.checkup
        lines = diagnosis.in_full(finding, checkup) if finding and checkup else []
        self.query_one("#finding", TextPane).draw(lines)

    def job_of(self, record: Finding) -> str | None:
        """Return the first job of a finding."""
        return record.jobs[0] if record.jobs else None

    def meant(self) -> Sequence[str]:
        """Return the jobs of the finding, as far as it names them, or of those that are marked."""
        marks = self.table.marks or {self.table.cursor_key or ""}
        rows = (self.rows[at] for at in range(len(self.rows)))
        jobs = [job for row in rows if diagnosis.key(row) in marks for job in row.jobs]
        return list(dict.fromkeys(jobs))

    def advice(self) -> Sequence[SafeAct]:
        """Return what the finding under the cursor advises."""
        finding: Finding | None = self.table.current()
        return finding.acts if finding is not None else ()

    def show(self, key: str) -> None:
        """Put the cursor on a finding."""
        self.redraw()
        self.table.move_to_key(key)

    def sight(self) -> Sight:
        """Nothing more is needed: a finding has its evidence."""
        return Sight()
