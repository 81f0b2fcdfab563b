"""From job documents, joined with the queue, to reports: jobs, job."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime

from engine.cli.json_forms import entry_json, job_json, seconds_since
from engine.cli.output import Column, Report
from engine.cli.report import holder_text
from engine.models import JobPage, JobRecord, JoinedJob, QueueEntry, Source, format_time
from engine.wording import age, count, counted

SERVER_STOPS = 10_000
"""The server counts no further."""
NO_JOBS = "There are no jobs that this account can see; 'start' creates one."
NO_MATCH = "No job matches the filter."


def jobs_report(
    page: JobPage, joined: Sequence[JoinedJob], sources: Sequence[Source], *, is_filtered: bool
) -> Report:
    """Return the report of the verb `jobs`."""
    now = page.taken_at
    more = " or more" if page.count >= SERVER_STOPS else ""
    summary = f"{counted(page.count, 'job')}{more}"
    if len(joined) < page.count:
        summary += f"; the newest {count(len(joined))} shown"
    if page.unreadable:
        summary += f"; {counted(page.unreadable, 'document')} could not be read"
    return Report(
        schema="nuvla-engine/jobs/1",
        taken_at=now,
        sources=sources,
        facts={"count": page.count, "unreadable": page.unreadable},
        items_name="jobs",
        items=({**job_json(job.record, now), **_place_json(job, now)} for job in joined),
        columns=(
            Column("JOB", is_id=True),
            Column("STATE"),
            Column("PROG", right=True),
            Column("AGE", right=True),
            Column("ACTION"),
            Column("TARGET", is_id=True),
            Column("QUEUE"),
        ),
        rows=(_row(job, now) for job in joined),
        summary=summary,
        empty=NO_MATCH if is_filtered else NO_JOBS,
    )


def job_report(job: JoinedJob, now: datetime, sources: Sequence[Source]) -> Report:
    """Return the report of the verb `job`."""
    record = job.record
    facts = {
        "job": job_json(record, now),
        "is_missing": job.is_missing,
        "is_located": job.is_located,
        "document": record.raw,
    }
    return Report(
        schema="nuvla-engine/job/1",
        taken_at=now,
        sources=sources,
        facts=facts,
        items_name="entries",
        items=(entry_json(entry, now) for entry in job.entries),
        columns=(Column("FIELD"), Column("VALUE")),
        rows=[(name, text) for name, text in _sheet(job, now) if text],
        summary=f"{record.id}  {record.action}  {record.state}, {place_text(job)}",
        empty="",
        is_sheet=True,
    )


def place_text(job: JoinedJob) -> str:
    """Return where the job stands: in the queue, held, gone, or missing from it."""
    if not job.is_located:
        return "queue not read"
    if not job.entries:
        return "no entry!" if job.is_missing else "no entry"
    entry = job.entries[0]
    more = f" (+{len(job.entries) - 1} more)" if len(job.entries) > 1 else ""
    if job.owner is None:
        return f"waits at {entry.priority:03d}{more}"
    return f"held by {holder_text(job.owner)}{more}"


def _row(job: JoinedJob, now: datetime) -> tuple[str, ...]:
    record = job.record
    return (
        record.id,
        str(record.state),
        f"{record.progress}%",
        age(seconds_since(record.created, now)),
        record.action,
        record.target or "-",
        place_text(job),
    )


def _place_json(job: JoinedJob, now: datetime) -> dict[str, object]:
    return {
        "entries": [entry_json(entry, now) for entry in job.entries],
        "is_missing": job.is_missing,
    }


def _sheet(job: JoinedJob, now: datetime) -> Iterator[tuple[str, str]]:
    record = job.record
    yield "id", record.id
    yield "action", record.action
    yield "state", f"{record.state}, {record.progress}%"
    yield "mode", f"{record.execution_mode}, version {record.version}"
    yield "priority", "" if record.priority is None else str(record.priority)
    yield "return code", "" if record.return_code is None else str(record.return_code)
    yield "target", record.target or ""
    yield "parent", record.parent or ""
    yield from _times(record, now)
    yield "created by", record.created_by
    yield "tags", ", ".join(record.tags)
    yield "queue", place_text(job)
    for entry in job.entries:
        yield from _entry_lines(entry, now)
    for number, line in enumerate(record.status_message.splitlines()):
        yield ("message" if number == 0 else " "), line or " "


def _times(record: JobRecord, now: datetime) -> Iterator[tuple[str, str]]:
    for name, when in (
        ("created", record.created),
        ("updated", record.updated),
        ("started", record.started),
    ):
        yield name, f"{format_time(when)} ({age(seconds_since(when, now))} ago)" if when else ""
    yield "duration", "" if record.duration is None else age(record.duration)


def _entry_lines(entry: QueueEntry, now: datetime) -> Iterator[tuple[str, str]]:
    yield "entry", f"{entry.name} ({age(seconds_since(entry.created, now))} ago)"
    if entry.lock is not None:
        held = age(seconds_since(entry.lock.since, now))
        yield "lock", f"version {entry.lock.version}, held for {held}"
        yield "owner", holder_text(entry.lock.owner)
