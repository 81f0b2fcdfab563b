"""One job: the dossier, its document, and its status message."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import ClassVar

from textual.widget import Widget

from engine.models import JobRecord, QueueEntry, SafeAct
from engine.view.picture import Sight
from nuvla_console.commands import Scope
from nuvla_console.desk import Desk
from nuvla_console.render import diagnosis, job
from nuvla_console.render.cells import Cell, Line, Tone
from nuvla_console.render.scene import Scene
from nuvla_console.screens.live import LiveScreen
from nuvla_console.widgets.text_pane import TextPane


class _OneJob(LiveScreen):
    """A view of one job."""

    SCOPES: ClassVar[tuple[Scope, ...]] = (Scope.JOB, Scope.MOVE)
    VIEW = ""
    JUDGED = False
    """Whether it shows the verdict."""

    def __init__(self, desk: Desk, job_id: str) -> None:
        """Args:
        desk: what it draws from.
        job_id: the job.
        """
        super().__init__(desk)
        self.job_id = job_id

    def crumbs(self) -> Sequence[str]:
        """Return the job, and what is shown of it."""
        return (self.job_id, self.VIEW) if self.VIEW else (self.job_id,)

    def job_here(self) -> str | None:
        """Return the job."""
        return self.job_id

    def sight(self) -> Sight:
        """Return the job, whole."""
        return Sight(in_full=self.job_id, judged=self.JUDGED)

    def record(self) -> JobRecord | None:
        """Return the document, as far as it is at hand."""
        return self.desk.job(self.job_id)

    def entries(self) -> list[QueueEntry]:
        """Return the entries that hold the job."""
        queue = self.desk.picture.queue
        if queue is None:
            return []
        return [entry for entry in queue.entries if entry.job_id == self.job_id]

    def _open(self, kind: type[_OneJob]) -> None:
        if not isinstance(self, kind):
            self.app.push_screen(kind(self.desk, self.job_id))

    def action_dossier(self) -> None:
        """Open all that is known of the job."""
        self._open(JobScreen)

    def action_document(self) -> None:
        """Open its document."""
        self._open(DocumentScreen)

    def action_message(self) -> None:
        """Open its status message."""
        self._open(MessageScreen)

    async def action_stack(self) -> None:
        """Go to the stacks of the process that runs it."""
        await self.app.run_action(f"app.given('stacks', {self.job_id!r})")


class JobScreen(_OneJob):
    """The dossier: the verdict with its evidence on top, then document, entry, lock, owner,
    timeline and message."""

    JUDGED = True
    SCOPES = (Scope.ADVICE, Scope.JOB, Scope.MOVE)

    def advice(self) -> Sequence[SafeAct]:
        """Return what the verdict advises."""
        judged = self.desk.picture.judgement
        is_ours = judged is not None and judged.job_id == self.job_id and judged.diagnosis
        return judged.diagnosis.acts if judged and judged.diagnosis and is_ours else ()

    def body(self) -> Iterable[Widget]:
        """Yield the facts with the timeline, and the message beside them."""
        yield TextPane(id="main", wrap=True, hang=10, focusable=True)
        yield TextPane(id="side", wrap=True, focusable=True)

    def draw_body(self, scene: Scene) -> None:
        """Draw what changed; in a narrow window the message stands below the facts."""
        record, entries = self.record(), self.entries()
        judgement = self.desk.picture.judgement
        facts = [*diagnosis.judged(judgement, self.job_id, scene), ()]
        facts += job.sheet(self.job_id, record, entries, scene)
        if record is not None:
            facts += [(), (Cell("timeline", Tone.DIM),), *job.timeline(record, entries, scene)]
        message: list[Line] = [(Cell("status message", Tone.DIM),), *job.message(record)]
        side = self.query_one("#side", TextPane)
        is_wide = self.has_class("-wide")
        side.display = is_wide
        side.draw(message if is_wide else ())
        self.query_one("#main", TextPane).draw(facts if is_wide else [*facts, (), *message])

    def as_text(self) -> str:
        """Return the dossier as plain text."""
        scene, record, entries = self.desk.scene(), self.record(), self.entries()
        lines = [*diagnosis.judged(self.desk.picture.judgement, self.job_id, scene), ()]
        lines += job.sheet(self.job_id, record, entries, scene)
        if record is not None:
            lines += [(), *job.timeline(record, entries, scene), (), *job.message(record)]
        return "\n".join("".join(cell.text for cell in line).rstrip() for line in lines)


class MessageScreen(_OneJob):
    """The status message on the whole screen."""

    VIEW = "message"
    SOURCES = ("api",)

    def body(self) -> Iterable[Widget]:
        """Yield the message."""
        yield TextPane(id="main", wrap=True, focusable=True)

    def draw_body(self, scene: Scene) -> None:
        """Draw what changed."""
        self.query_one("#main", TextPane).draw(job.message(self.record()))


class DocumentScreen(_OneJob):
    """The document as the API keeps it."""

    VIEW = "document"
    SOURCES = ("api",)

    def __init__(self, desk: Desk, job_id: str) -> None:
        """Args:
        desk: what it draws from.
        job_id: the job.
        """
        super().__init__(desk, job_id)
        self._shown: JobRecord | None = None

    def body(self) -> Iterable[Widget]:
        """Yield the document."""
        yield TextPane(id="main", wrap=True, focusable=True)

    def draw_body(self, scene: Scene) -> None:
        """Draw the document where it changed."""
        record = self.record()
        if record is None:
            lines: list[Line] = [(Cell("no document at hand", Tone.DIM),)]
            self.query_one("#main", TextPane).draw(lines)
        elif record is not self._shown:
            self.query_one("#main", TextPane).draw(job.document(record))
        self._shown = record
