"""One job in full: document, place in the queue, lock, owner, timeline and message."""

from __future__ import annotations

import json
from collections.abc import Sequence
from datetime import datetime

from engine import wording
from engine.models import JobRecord, Lock, QueueEntry
from engine.text import clean
from nuvla_console.render import owners, values
from nuvla_console.render.cells import Cell, Line, Tone
from nuvla_console.render.queue import place_in
from nuvla_console.render.scene import Scene

_LABEL = 10


def fact(label: str, *pieces: Cell) -> Line:
    """Return a line of a fact sheet: what it is, then what it is now."""
    return (Cell(f"{label:<{_LABEL}}", Tone.DIM), *pieces)


def sheet(
    job_id: str, record: JobRecord | None, entries: Sequence[QueueEntry], scene: Scene
) -> list[Line]:
    """Return the facts of a job, the most important line first.

    Args:
        job_id: the job.
        record: its document, or None where the API has none or has not answered yet.
        entries: its entries in the queue; several mean that it can run twice.
        scene: the moment.
    """
    head = _verdict(record, job_id, entries, scene)
    return [head, (), *_document(job_id, record, scene), (), *_place(record, entries, scene)]


def _verdict(
    record: JobRecord | None, job_id: str, entries: Sequence[QueueEntry], scene: Scene
) -> Line:
    if record is None:
        if scene.jobs.get(job_id, record) is None and job_id in scene.jobs:
            return (Cell("✗ the API has no such job", Tone.BAD),)
        return (Cell("… the document is being read", Tone.DIM),)
    state = values.STATES[record.state]
    lock = next((entry.lock for entry in entries if entry.lock), None)
    return (
        state,
        Cell("  "),
        Cell(record.action, Tone.STRONG),
        *_gist(record, entries, lock, scene),
    )


def _gist(
    record: JobRecord, entries: Sequence[QueueEntry], lock: Lock | None, scene: Scene
) -> tuple[Cell, ...]:
    """Say in a few words where the job stands."""
    if record.is_final:
        return (Cell(f"  {scene.age(record.updated).text} ago", Tone.DIM),)
    if lock is not None:
        held = scene.age(lock.since).text
        return (Cell(f"  held {held} by "), owners.name(lock.owner, scene))
    if entries:
        place = place_in(scene.entries, entries[0])
        return (
            Cell(f"  waits at place {wording.count(place)} of "),
            values.number(len(scene.entries)),
        )
    if record.is_queued and scene.entries_known:
        return (Cell("  ▲ no entry in the queue holds it", Tone.DOUBT),)
    return ()


def _document(job_id: str, record: JobRecord | None, scene: Scene) -> list[Line]:
    lines = [fact("job", Cell(job_id))]
    if record is None:
        return lines
    code = "" if record.return_code is None else f"   return code {record.return_code}"
    lines += [
        fact("target", Cell(record.target or "none", Tone.PLAIN if record.target else Tone.DIM)),
        fact("progress", _bar(record.progress), Cell(f" {record.progress}%{code}")),
        fact(
            "mode", Cell(f"{record.execution_mode}, version {record.version}, {_priority(record)}")
        ),
        fact("by", Cell(record.created_by or "-")),
    ]
    if record.parent:
        lines.append(fact("parent", Cell(record.parent)))
    return lines


def _bar(progress: int) -> Cell:
    text = values.bar(progress / 100, 20)
    return Cell(f"{text:·<20}", Tone.DIM)


def _priority(record: JobRecord) -> str:
    # An edit removes the priority from the document; the entry's name still has it.
    return "priority not said" if record.priority is None else f"priority {record.priority}"


def _place(record: JobRecord | None, entries: Sequence[QueueEntry], scene: Scene) -> list[Line]:
    if not entries:
        return [fact("entry", _no_entry(record, scene))]
    lines: list[Line] = []
    for entry in entries:
        place = wording.count(place_in(scene.entries, entry))
        lines.append(
            fact(
                "entry",
                Cell(entry.name),
                Cell(f"  place {place}, made ", Tone.DIM),
                scene.age(entry.created),
                Cell(" ago", Tone.DIM),
            )
        )
        lines.extend(_lock(entry.lock, scene))
    if len(entries) > 1:
        lines.append(
            fact("", Cell("▲ several entries hold this job: it can run twice", Tone.DOUBT))
        )
    return lines


def _no_entry(record: JobRecord | None, scene: Scene) -> Cell:
    if not scene.entries_known:
        return Cell("… the queue is being read", Tone.DIM)
    if record is not None and record.is_queued:
        return Cell("▲ none, though its state calls for one", Tone.DOUBT)
    return Cell("none", Tone.DIM)


def _lock(lock: Lock | None, scene: Scene) -> list[Line]:
    if lock is None:
        return [fact("lock", Cell("free: nobody holds it", Tone.DIM))]
    return [
        fact("lock", Cell("held for "), scene.age(lock.since)),
        fact("owner", *owners.in_full(lock.owner, scene)),
    ]


def timeline(record: JobRecord, entries: Sequence[QueueEntry], scene: Scene) -> list[Line]:
    """Return what is known of the job's past, oldest first, with the time between."""
    lock = next((entry.lock for entry in entries if entry.lock), None)
    steps: list[tuple[datetime | None, Cell]] = [
        (record.created, Cell("created")),
        (entries[0].created if entries else None, Cell("queued")),
        (lock.since if lock else None, Cell("claimed")),
        (record.started, Cell("started")),
        (record.status_changed, Cell("last message")),
        (record.updated, values.STATES[record.state] if record.is_final else Cell("last edit")),
    ]
    known = sorted(((when, what) for when, what in steps if when), key=lambda step: step[0])
    lines: list[Line] = []
    before: datetime | None = None
    for when, what in known:
        passed = "" if before is None else f"+{values.age((when - before).total_seconds())}"
        lines.append((scene.clock(when), Cell(f"  {passed:>7}  ", Tone.DIM), what))
        before = when
    return lines


def message(record: JobRecord | None) -> list[Line]:
    """Return the status message in full."""
    if record is None:
        return []
    if not record.status_message:
        return [(Cell("no status message", Tone.DIM),)]
    return [(Cell(line),) for line in record.status_message.expandtabs(4).split("\n")]


def document(record: JobRecord) -> list[Line]:
    """Return the document as the API keeps it, its text made safe."""
    try:
        written = json.dumps(record.raw, indent=2, ensure_ascii=False, sort_keys=True, default=str)
    except RecursionError:
        return [(Cell("▲ the document is nested too deeply to be shown", Tone.DOUBT),)]
    return [_json_line(line) for line in clean(written, limit=400_000, keep_lines=True).split("\n")]


def _json_line(line: str) -> Line:
    name, colon, value = line.partition('": ')
    if colon and name.lstrip().startswith('"'):
        return (Cell(f'{name}": ', Tone.DIM), Cell(value))
    return (Cell(line),)
