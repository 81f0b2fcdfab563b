"""The queue's rows: /job/entries joined with locks, and with the documents of the rows in sight."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Sequence

from engine import wording
from engine.models import QueueEntry
from nuvla_console.render import owners, values
from nuvla_console.render.cells import Cell, Tone
from nuvla_console.render.scene import Scene
from nuvla_console.render.table import Column

READING = Cell("…", Tone.DIM)
"""Asked for, and not there yet."""

EMPTY = (
    "The queue is empty: nothing waits and nothing runs.\n"
    "Jobs that the API or a distributor creates appear here at once."
)


def key(entry: QueueEntry) -> str:
    """Return what a row is known by."""
    return entry.name


def text(entry: QueueEntry) -> str:
    """Return the facts for a filter that are known for every entry."""
    owner = entry.lock.owner if entry.lock else None
    held = f"{owner.instance or 'foreign'} {owner.thread or ''} held" if owner else "free"
    return f"{entry.name} {entry.job_id or entry.problem or ''} {held}"


def place_in(entries: Sequence[QueueEntry], entry: QueueEntry) -> int:
    """Return the entry's place in the queue, 1 for the next to run."""
    return bisect_left(entries, (entry.name,)) + 1


def job_cell(job_id: str | None, problem: str | None = None) -> Cell:
    """Return a job's id, or what stands in its place."""
    if job_id is not None:
        return Cell(job_id)
    return Cell(problem, Tone.BAD) if problem else READING


def action_cell(job_id: str | None, scene: Scene) -> Cell:
    """Return the action of a job, as far as its document is at hand."""
    if job_id is None:
        return Cell("")
    if job_id not in scene.jobs:
        return READING
    record = scene.jobs[job_id]
    return Cell(record.action) if record else Cell("no document", Tone.DOUBT)


def state_cell(job_id: str | None, scene: Scene) -> Cell:
    """Return the state of a job, as far as its document is at hand."""
    if job_id is None or job_id not in scene.jobs:
        return READING if job_id else Cell("")
    record = scene.jobs[job_id]
    return values.STATES[record.state] if record else Cell("? 404", Tone.DOUBT)


def _place(entry: QueueEntry, scene: Scene) -> Cell:
    return Cell(wording.count(place_in(scene.entries, entry)), Tone.DIM)


def _owner(entry: QueueEntry, scene: Scene) -> Cell:
    return owners.name(entry.lock.owner if entry.lock else None, scene)


COLUMNS: tuple[Column[QueueEntry], ...] = (
    Column(title="place", width=6, right=True, cell=_place),
    Column(
        title="pri",
        width=3,
        right=True,
        cell=lambda e, _: Cell(str(e.priority), Tone.PLAIN if e.priority < 999 else Tone.DIM),
        sort=lambda e: e.priority,
    ),
    Column(
        title="job",
        width=13,
        grow=3,
        most=40,
        middle=True,
        cell=lambda e, _: job_cell(e.job_id, e.problem),
        sort=lambda e: e.job_id,
    ),
    Column(title="action", width=12, grow=2, most=32, cell=lambda e, s: action_cell(e.job_id, s)),
    Column(title="state", width=10, cell=lambda e, s: state_cell(e.job_id, s)),
    Column(
        title="age",
        width=5,
        right=True,
        cell=lambda e, s: s.age(e.created),
        sort=lambda e: e.created,
    ),
    Column(
        title="held",
        width=5,
        right=True,
        rank=1,
        cell=lambda e, s: s.age(e.lock.since) if e.lock else Cell(""),
        sort=lambda e: e.lock.since if e.lock else None,
    ),
    Column(
        title="owner",
        width=10,
        grow=2,
        most=28,
        cell=_owner,
        sort=lambda e: (e.lock.owner.instance or "~", e.lock.owner.session) if e.lock else None,
    ),
    Column(
        title="where",
        width=14,
        grow=1,
        most=28,
        rank=2,
        cell=lambda e, s: owners.where(e.lock.owner if e.lock else None, s),
    ),
    Column(
        title="entry",
        width=20,
        rank=3,
        cell=lambda e, _: Cell(e.name, Tone.DIM),
    ),
)
