"""The rows of the API's documents; the children of an unfolded bulk job stand below it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NamedTuple

from engine.models import JobRecord
from nuvla_console.render import values
from nuvla_console.render.cells import Cell, Tone
from nuvla_console.render.scene import Scene
from nuvla_console.render.table import Column

EMPTY = "No job matches.\nEsc shows all jobs;  :jobs state=FAILED age<1h  asks for others."


class JobRow(NamedTuple):
    """A document with its place in the tree."""

    record: JobRecord
    depth: int = 0
    is_last: bool = False
    unfolded: bool = False


def is_bulk(record: JobRecord) -> bool:
    """Whether the job is one that has children. Source: the server's cancel looks at the name."""
    return record.action.startswith("bulk")


def rows(records: Sequence[JobRecord], children: Mapping[str, Sequence[JobRecord]]) -> list[JobRow]:
    """Return the documents with the children of those that are unfolded below them."""
    found: list[JobRow] = []
    for record in records:
        below = children.get(record.id)
        found.append(JobRow(record, unfolded=below is not None))
        for child in below or ():
            found.append(JobRow(child, depth=1, is_last=child is below[-1] if below else False))
    return found


def key(row: JobRow) -> str:
    """Return what a row is known by; a child can also stand in the list by itself."""
    return f"{row.record.parent}>{row.record.id}" if row.depth else row.record.id


def text(row: JobRow) -> str:
    """Return what a filter looks at."""
    record = row.record
    head = record.status_message[:200]
    return f"{record.id} {record.action} {record.state} {record.target or ''} {head}"


def run_time(record: JobRecord, scene: Scene) -> Cell:
    """Return how long the job has run, or ran."""
    if record.duration is not None:
        return Cell(values.age(record.duration), Tone.DIM)
    return scene.age(record.started) if record.started and not record.is_final else Cell("")


def summary(record: JobRecord) -> Cell:
    """Return the last line of the status message that says anything: of a traceback, the error."""
    lines = [line.strip() for line in record.status_message.splitlines() if line.strip()]
    return Cell(lines[-1] if lines else "", Tone.DIM)


def _job(row: JobRow, _scene: Scene) -> Cell:
    if row.depth:
        return Cell(f"{'└' if row.is_last else '├'} {row.record.id}")
    sign = ("▾ " if row.unfolded else "▸ ") if is_bulk(row.record) else ""
    return Cell(sign + row.record.id)


def _youth(row: JobRow) -> float | None:
    created = row.record.created
    return None if created is None else -created.timestamp()


COLUMNS: tuple[Column[JobRow], ...] = (
    Column(
        title="job",
        width=15,
        grow=3,
        most=42,
        middle=True,
        cell=_job,
        sort=lambda row: row.record.id,
    ),
    Column(
        title="action",
        width=14,
        grow=2,
        most=32,
        cell=lambda row, _: Cell(row.record.action),
        sort=lambda row: row.record.action,
    ),
    Column(
        title="state",
        width=10,
        cell=lambda row, _: values.STATES[row.record.state],
        sort=lambda row: row.record.state,
    ),
    Column(
        title="prog",
        width=4,
        right=True,
        rank=1,
        cell=lambda row, _: Cell(f"{row.record.progress}%"),
        sort=lambda row: row.record.progress,
    ),
    Column(
        title="age",
        width=5,
        right=True,
        cell=lambda row, scene: scene.age(row.record.created),
        sort=_youth,
    ),
    Column(
        title="ran",
        width=5,
        right=True,
        cell=lambda row, scene: run_time(row.record, scene),
        sort=lambda row: row.record.duration,
    ),
    Column(
        title="target",
        width=12,
        grow=2,
        most=50,
        middle=True,
        cell=lambda row, _: Cell(row.record.target or "", Tone.DIM),
        sort=lambda row: row.record.target,
    ),
    Column(
        title="code",
        width=4,
        right=True,
        rank=2,
        cell=lambda row, _: _code(row.record),
        sort=lambda row: row.record.return_code,
    ),
    Column(
        title="message",
        width=16,
        grow=4,
        most=100,
        rank=1,
        cell=lambda row, _: summary(row.record),
    ),
    Column(
        title="mode",
        width=5,
        rank=4,
        cell=lambda row, _: Cell(str(row.record.execution_mode), Tone.DIM),
        sort=lambda row: row.record.execution_mode,
    ),
    Column(
        title="by",
        width=10,
        grow=1,
        most=24,
        rank=3,
        cell=lambda row, _: Cell(row.record.created_by, Tone.DIM),
        sort=lambda row: row.record.created_by,
    ),
)


def _code(record: JobRecord) -> Cell:
    if record.return_code is None:
        return Cell("")
    return Cell(str(record.return_code), Tone.BAD if record.return_code else Tone.DIM)
