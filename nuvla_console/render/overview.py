"""The overview: is anything wrong, and the figures that tell."""

from __future__ import annotations

from collections.abc import Sequence

from engine import wording
from engine.models import JobRecord, Lock, MemberKind, MemberState
from engine.states import JobState
from engine.view.picture import Picture, Sample
from nuvla_console.render import jobs, owners, taken, values
from nuvla_console.render.cells import Cell, Line, Tone, cut_end, width_of
from nuvla_console.render.queue import action_cell
from nuvla_console.render.scene import Scene
from nuvla_console.render.table import Column

_LABEL, _VALUE = 11, 8


def verdict(picture: Picture, width: int) -> Line:
    """Return the line that answers whether anything is wrong, from facts that need no diagnosis."""
    found = concerns(picture)
    silent = [h for h in (picture.zookeeper, picture.api) if h.error and not h.is_live]
    if silent and not found:
        return (Cell("✗ not known: facts below are old", Tone.BAD),)
    if not found:
        known = picture.queue is not None and picture.members is not None
        return (
            (Cell("✓ nothing here looks wrong", Tone.GOOD),)
            if known
            else (Cell("… reading", Tone.DIM),)
        )
    worst = Tone.BAD if any(c.tone is Tone.BAD for c in found) else Tone.DOUBT
    sign = "✗" if worst is Tone.BAD else "▲"
    text = ";  ".join(cell.text for cell in found)
    return (Cell(cut_end(f"{sign} {text}", width), worst),)


def concerns(picture: Picture) -> list[Cell]:
    """Return what an engineer should look at, the worst first."""
    found: list[Cell] = []
    queue, members, elections = picture.queue, picture.members, picture.elections
    if members is not None and queue is not None:
        found += _executors(picture)
    for election in elections.elections if elections else ():
        if election.is_vacant:
            found.append(Cell(f"nobody distributes {election.name}", Tone.DOUBT))
    if queue is not None and queue.foreign:
        nodes = wording.counted(len(queue.foreign), "foreign node")
        found.append(Cell(f"{nodes} in the queue", Tone.DOUBT))
    orphans = [lock for lock in picture.taken.locks if lock.is_orphan] if picture.taken else []
    if orphans:
        found.append(Cell(f"{wording.counted(len(orphans), 'lock')} without entry", Tone.DOUBT))
    if queue is not None and any(entry.problem for entry in queue.entries[:2000]):
        found.append(Cell("entries that are no job", Tone.DOUBT))
    return sorted(found, key=lambda cell: cell.tone is not Tone.BAD)


def _executors(picture: Picture) -> list[Cell]:
    members, queue = picture.members, picture.queue
    if members is None or queue is None:
        return []
    found = []
    executors = [m for m in members.members if m.kind is MemberKind.EXECUTOR]
    foreign = any(lock.owner.is_foreign for lock in picture.taken.locks) if picture.taken else False
    if members.paused:
        found.append(Cell(f"executors are paused: {members.paused}", Tone.DOUBT))
    if queue.waiting and not executors and not foreign:
        waiting = wording.counted(queue.waiting, "job waits", "jobs wait")
        found.append(Cell(f"{waiting}, and no executor is present", Tone.BAD))
    elif (
        queue.waiting
        and executors
        and not (foreign or members.paused)
        and all(m.state is not MemberState.RUNNING for m in executors)
    ):
        found.append(Cell("no executor takes jobs: all drain or are paused", Tone.BAD))
    broken = sum(bool(m.broken) for m in members.members)
    if broken:
        text = wording.counted(broken, "process", "processes")
        found.append(Cell(f"{text} with broken plug-ins", Tone.DOUBT))
    return found


def figures(picture: Picture, scene: Scene, width: int) -> list[Line]:
    """Return the figures in two columns, or in four where there is room."""
    samples, counts, queue = picture.samples, picture.counts, picture.queue
    finished = counts.finished if counts else None
    across = 4 if width >= 150 else 2
    room = width // across
    chart = max(0, room - _LABEL - _VALUE - 4)
    cells = [
        _figure(
            "waiting",
            None if queue is None else queue.waiting,
            _series(samples, "depth"),
            chart,
        ),
        _figure(
            "running",
            None if queue is None else queue.held,
            _series(samples, "running"),
            chart,
            note=_threads(picture),
        ),
        _figure(
            "done/min",
            finished.get(JobState.SUCCESS, 0) if finished is not None else None,
            _series(samples, "done"),
            chart,
        ),
        _figure(
            "failed/min",
            finished.get(JobState.FAILED, 0) if finished is not None else None,
            _series(samples, "failed"),
            chart,
            tone=Tone.BAD if finished and finished.get(JobState.FAILED) else Tone.PLAIN,
        ),
    ]
    oldest = scene.age(picture.oldest_waiting)
    cells += [
        _plain("oldest", oldest, "waiting" if picture.oldest_waiting else "nothing waits"),
        _plain("executors", *_present(picture)),
    ]
    return [_row(cells[at : at + across], room) for at in range(0, len(cells), across)]


def _series(samples: Sequence[Sample], name: str) -> list[float]:
    return [float(getattr(sample, name) or 0) for sample in samples]


def _figure(
    label: str,
    value: int | None,
    series: Sequence[float],
    chart: int,
    *,
    tone: Tone = Tone.PLAIN,
    note: str = "",
) -> Line:
    cell = values.number(value)
    text = f"{cell.text:>{_VALUE}}"
    if tone is Tone.PLAIN and value:
        tone = Tone.STRONG
    spark = values.sparkline(series, max(0, chart - len(note) - (1 if note else 0)))
    return (
        Cell(f"{label:<{_LABEL}}", Tone.DIM),
        Cell(text, tone),
        Cell(f" {note}" if note else "", Tone.DIM),
        Cell(f" {spark}", Tone.DIM),
    )


def _plain(label: str, value: Cell, note: str) -> Line:
    return (
        Cell(f"{label:<{_LABEL}}", Tone.DIM),
        Cell(f"{value.text:>{_VALUE}}", value.tone),
        Cell(f" {note}", Tone.DIM),
    )


def _threads(picture: Picture) -> str:
    threads = sum(m.threads for m in picture.members.members) if picture.members else 0
    return f"of {wording.count(threads)}" if threads else ""


def _present(picture: Picture) -> tuple[Cell, str]:
    if picture.members is None:
        return values.UNKNOWN, ""
    executors = [m for m in picture.members.members if m.kind is MemberKind.EXECUTOR]
    running = sum(m.state is MemberState.RUNNING for m in executors)
    others = len(picture.members.members) - len(executors)
    note = f"+ {wording.counted(others, 'distributor')}"
    if running != len(executors):
        note = f"{len(executors) - running} not taking jobs"
    return values.number(len(executors)), note


def _row(cells: Sequence[Line], room: int) -> Line:
    row: list[Cell] = []
    for cell in cells:
        row += cell
        row.append(Cell(" " * max(1, room - width_of(cell))))
    return tuple(row[:-1])


def actions(picture: Picture) -> tuple[tuple[str, int, float], ...]:
    """Return the actions in the queue with their number and their share of the largest."""
    counts = picture.counts
    if counts is None or not counts.actions:
        return ()
    largest = max(number for _, number in counts.actions)
    rows = [(name, number, number / largest) for name, number in counts.actions]
    if counts.other_actions:
        rows.append(("(others)", counts.other_actions, 0.0))
    return tuple(rows)


ActionRow = tuple[str, int, float]

ACTION_COLUMNS: tuple[Column[ActionRow], ...] = (
    Column(title="action", width=16, grow=1, most=40, cell=lambda row, _: Cell(row[0])),
    Column(title="jobs", width=7, right=True, cell=lambda row, _: values.number(row[1])),
    Column(
        title="",
        width=8,
        grow=1,
        most=30,
        cell=lambda row, _: Cell(values.bar(row[2], 8), Tone.DIM),
    ),
)
NO_ACTIONS = "No job is queued or running."


HELD_COLUMNS: tuple[Column[Lock], ...] = (
    Column(title="held", width=5, right=True, cell=lambda k, scene: scene.age(k.since)),
    Column(title="job", width=13, grow=1, most=40, middle=True, cell=taken.job),
    Column(title="action", width=14, grow=1, most=32, cell=lambda k, s: action_cell(k.job_id, s)),
    Column(title="owner", width=10, grow=1, most=30, cell=lambda k, s: owners.name(k.owner, s)),
)
"""What is held the longest."""

FAILED_COLUMNS: tuple[Column[JobRecord], ...] = (
    Column(title="failed", width=6, right=True, cell=lambda job, scene: scene.age(job.updated)),
    Column(title="job", width=13, middle=True, cell=lambda job, _: Cell(job.id)),
    Column(title="action", width=14, grow=1, most=28, cell=lambda job, _: Cell(job.action)),
    Column(title="why", width=20, grow=3, most=80, cell=lambda job, _: jobs.summary(job)),
)
"""What failed lately."""
NO_FAILURES = "No job has failed within the last hour."
