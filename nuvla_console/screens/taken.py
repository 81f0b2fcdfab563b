"""What is held: /job/taken."""

from __future__ import annotations

from typing import Any

from engine import wording
from nuvla_console.commands import Scope
from nuvla_console.render import taken
from nuvla_console.render.cells import Cell, Line, Tone
from nuvla_console.render.rows import Rows
from nuvla_console.render.scene import Scene
from nuvla_console.screens.job_list import JobListScreen


class TakenScreen(JobListScreen):
    """The locks, oldest first."""

    AREA = "taken"
    SCOPES = (Scope.JOB, Scope.LIST, Scope.MOVE)
    NOUN = ("lock", "locks")
    EMPTY = taken.EMPTY

    def make_rows(self) -> Rows[Any]:
        """Return rows of locks."""
        return Rows(taken.COLUMNS, key=taken.key, text=taken.text)

    def records(self, scene: Scene) -> Any:
        """Return the locks."""
        snapshot = self.desk.picture.taken
        return None if snapshot is None else snapshot.locks

    def entry_of(self, record: Any) -> str:
        """Return the entry that the lock is for."""
        entry: str = record.entry
        return entry

    def counted(self, scene: Scene) -> Line:
        """Return how many locks there are, and of how many owners."""
        snapshot = self.desk.picture.taken
        if snapshot is None:
            return (Cell("… the locks are being read", Tone.DIM),)
        owners = len({lock.owner.session for lock in snapshot.locks})
        orphans = sum(lock.is_orphan for lock in snapshot.locks)
        line = [Cell(wording.counted(len(snapshot.locks), "lock"), Tone.STRONG)]
        if owners:
            line.append(Cell(f"  of {wording.counted(owners, 'session')}", Tone.DIM))
        if orphans:
            line.append(Cell(f"  ▲ {orphans} without entry", Tone.DOUBT))
        return tuple(line)
