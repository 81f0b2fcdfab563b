"""The queue: /job/entries, in the order in which executors take entries."""

from __future__ import annotations

from typing import Any

from engine import wording
from engine.models import QueueEntry
from nuvla_console.commands import Scope
from nuvla_console.render import queue
from nuvla_console.render.cells import Cell, Line, Tone
from nuvla_console.render.rows import Rows
from nuvla_console.render.scene import Scene
from nuvla_console.screens.job_list import JobListScreen


class QueueScreen(JobListScreen):
    """What waits and what is held."""

    AREA = "queue"
    SCOPES = (Scope.JOB, Scope.LIST, Scope.MOVE)
    NOUN = ("entry", "entries")
    EMPTY = queue.EMPTY
    NO_MATCH = (
        "\nActions are known for entries that were in sight;  :jobs action=NAME  asks for all."
    )

    def make_rows(self) -> Rows[Any]:
        """Return rows of entries."""
        return Rows(queue.COLUMNS, key=queue.key, text=self._text)

    def _text(self, entry: QueueEntry) -> str:
        """Return what a filter looks at: with action and state, where the document is at hand."""
        record = self.desk.job(entry.job_id or "")
        known = f" {record.action} {record.state}" if record else ""
        return queue.text(entry) + known

    def records(self, scene: Scene) -> Any:
        """Return the entries."""
        snapshot = self.desk.picture.queue
        if snapshot is None or (snapshot.depth and not snapshot.entries):
            return None  # counted, and not yet listed
        return snapshot.entries

    def entry_of(self, record: Any) -> str:
        """Return the entry itself."""
        name: str = record.name
        return name

    def counted(self, scene: Scene) -> Line:
        """Return how many wait and how many are held."""
        snapshot = self.desk.picture.queue
        if snapshot is None:
            return (Cell("… the queue is being read", Tone.DIM),)
        line = [
            Cell(wording.counted(snapshot.depth, "entry", "entries"), Tone.STRONG),
            Cell(f"  {wording.count(snapshot.waiting)} waiting", Tone.DIM),
            Cell(f"  {wording.count(snapshot.held)} held", Tone.DIM),
        ]
        if self.desk.picture.unread:
            line.append(Cell(f"  … {wording.count(self.desk.picture.unread)} unread", Tone.DIM))
        if snapshot.foreign:
            nodes = wording.counted(len(snapshot.foreign), "foreign node")
            line.append(Cell(f"  ▲ {nodes}: {', '.join(snapshot.foreign[:3])}", Tone.DOUBT))
        return tuple(line)
