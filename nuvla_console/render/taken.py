"""The rows of what is held: /job/taken joined with owners and documents."""

from __future__ import annotations

from engine.models import Lock
from nuvla_console.render import owners, values
from nuvla_console.render.cells import Cell, Tone
from nuvla_console.render.queue import action_cell, job_cell, state_cell
from nuvla_console.render.scene import Scene
from nuvla_console.render.table import Column

EMPTY = (
    "Nothing is held: no executor works on a job of the queue.\n"
    "A lock appears here when an executor claims an entry."
)


def key(lock: Lock) -> str:
    """Return what a row is known by."""
    return lock.entry


def text(lock: Lock) -> str:
    """Return what a filter looks at."""
    owner = lock.owner
    who = f"{owner.instance or 'foreign'} {owner.thread or ''} {values.session(owner.session)}"
    return f"{lock.entry} {lock.job_id or ''} {who}{' orphan' if lock.is_orphan else ''}"


def job(lock: Lock, _scene: Scene) -> Cell:
    """Return the job that a lock is for."""
    if lock.is_orphan:
        return Cell("no entry", Tone.DOUBT)
    return job_cell(lock.job_id, None if lock.job_id else "unreadable")


def _progress(lock: Lock, scene: Scene) -> Cell:
    record = scene.jobs.get(lock.job_id or "")
    return Cell(f"{record.progress}%") if record else Cell("")


COLUMNS: tuple[Column[Lock], ...] = (
    Column(
        title="job",
        width=13,
        grow=3,
        most=40,
        middle=True,
        cell=job,
        sort=lambda lock: lock.job_id,
    ),
    Column(title="action", width=12, grow=2, most=32, cell=lambda k, s: action_cell(k.job_id, s)),
    Column(title="state", width=10, cell=lambda k, s: state_cell(k.job_id, s)),
    Column(
        title="owner",
        width=10,
        grow=2,
        most=28,
        cell=lambda k, s: owners.name(k.owner, s),
        sort=lambda k: (k.owner.instance or "~", k.owner.session),
    ),
    Column(
        title="where",
        width=12,
        grow=2,
        most=28,
        cell=lambda k, s: owners.where(k.owner, s),
    ),
    Column(
        title="thread",
        width=10,
        grow=1,
        most=20,
        rank=2,
        cell=lambda k, s: owners.thread(k.owner, s),
    ),
    Column(
        title="held",
        width=5,
        right=True,
        cell=lambda k, s: s.age(k.since),
        sort=lambda k: k.since,
    ),
    Column(title="prog", width=4, right=True, rank=1, cell=_progress),
    Column(title="session", width=18, rank=3, cell=lambda k, _: _session(k)),
    Column(title="entry", width=20, rank=4, cell=lambda k, _: Cell(k.entry, Tone.DIM)),
)


def _session(lock: Lock) -> Cell:
    return Cell(values.session(lock.owner.session), Tone.DIM)
