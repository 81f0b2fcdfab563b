"""What the areas share whose rows are jobs: the dossier, the document, the message, the stack."""

from __future__ import annotations

from typing import Any

from engine.view.picture import Sight
from nuvla_console.render.cells import Tone
from nuvla_console.screens.job import DocumentScreen, JobScreen, MessageScreen
from nuvla_console.screens.listing import ListScreen


class JobListScreen(ListScreen):
    """A table whose rows are jobs."""

    def job_of(self, record: Any) -> str | None:
        """Return the job of a record."""
        job_id: str | None = record.job_id
        return job_id

    def entry_of(self, record: Any) -> str:
        """Return the queue's entry that a record is of."""
        raise NotImplementedError

    def sight(self) -> Sight:
        """Return the entries in sight and their jobs."""
        shown = self.table.in_sight()
        return Sight(
            entries=tuple(map(self.entry_of, shown)),
            jobs=tuple(job for job in map(self.job_of, shown) if job),
        )

    def job_here(self) -> str | None:
        """Return the job under the cursor."""
        record = self.table.current()
        return None if record is None else self.job_of(record)

    def subject(self) -> str:
        """Return the marked jobs' ids, or the one under the cursor."""
        marks = self.table.marks
        if not marks:
            return self.job_here() or ""
        keys = self.rows.keys()
        chosen = (self.rows[i] for i, key in enumerate(keys) if key in marks)
        return "\n".join(job for job in map(self.job_of, chosen) if job)

    async def action_open(self) -> None:
        """Open the dossier of the row under the cursor."""
        self.action_dossier()

    def _job_or_say(self) -> str | None:
        job_id = self.job_here()
        if job_id is None:
            self.say("no job stands under the cursor", Tone.DOUBT)
        return job_id

    def action_dossier(self) -> None:
        """Open all that is known of the job."""
        job_id = self._job_or_say()
        if job_id:
            self.app.push_screen(JobScreen(self.desk, job_id))

    def action_document(self) -> None:
        """Open the job's document."""
        job_id = self._job_or_say()
        if job_id:
            self.app.push_screen(DocumentScreen(self.desk, job_id))

    def action_message(self) -> None:
        """Open the job's status message."""
        job_id = self._job_or_say()
        if job_id:
            self.app.push_screen(MessageScreen(self.desk, job_id))

    async def action_stack(self) -> None:
        """Go to the stacks of the process that runs the job."""
        job_id = self._job_or_say()
        if job_id:
            await self.app.run_action(f"app.given('stacks', {job_id!r})")
