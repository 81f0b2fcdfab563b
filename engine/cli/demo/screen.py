"""Draws a picture of the demonstration: a screen for a terminal, a line for a log."""

from __future__ import annotations

from datetime import datetime

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from engine.cli.demo.watch import DemoPicture
from engine.cli.json_forms import seconds_since
from engine.models import Member
from engine.states import JobState
from engine.wording import age, count, short_id

JOBS_OF_EXECUTOR = 4
"""Running jobs shown for each executor."""
STYLES = {
    JobState.SUCCESS: "green",
    JobState.FAILED: "red",
    JobState.CANCELED: "yellow",
    JobState.RUNNING: "cyan",
    JobState.QUEUED: "dim",
}


def summary_line(picture: DemoPicture) -> str:
    """Return the picture in one line of plain text."""
    states = picture.states
    leaders = sum(not election.is_vacant for election in picture.elections.elections)
    return (
        f"queue {count(picture.depth - picture.held)} waiting, {picture.held} held; "
        f"running {picture.running} on {len(picture.executors)} executors; "
        f"done {count(states[JobState.SUCCESS])} ({picture.done_rate:.1f}/s), "
        f"failed {count(states[JobState.FAILED])} ({picture.failed_rate:.1f}/s); "
        f"{leaders} elections led"
    )


def screen(picture: DemoPicture, where: str) -> RenderableType:
    """Return the picture as a screen.

    Args:
        picture: what to draw.
        where: the last line: how to look at the same platform from another terminal.
    """
    now = picture.taken_at
    return Group(
        _headline(picture),
        Text(),
        _executors(picture, now),
        Text(),
        _elections(picture, now),
        Text(),
        _recent(picture, now),
        Text(),
        Text(where, style="dim"),
    )


def _headline(picture: DemoPicture) -> Text:
    text = Text()
    text.append("nuvla-engine demo", style="bold")
    text.append(f"   {summary_line(picture)}")
    return text


def _table(*titles: str) -> Table:
    table = Table(box=None, header_style="dim", pad_edge=False, padding=(0, 2, 0, 0))
    for title in titles:
        table.add_column(title.removeprefix(">"), justify="right" if title[0] == ">" else "left")
    return table


def _executors(picture: DemoPicture, now: datetime) -> Table:
    table = _table("EXECUTOR", ">BUSY", "JOB", "ACTION", ">SINCE")
    for executor in picture.executors:
        _add_executor(table, executor, now)
    if not picture.executors:
        table.add_row("none yet", "", "", "", "")
    return table


def _add_executor(table: Table, executor: Member, now: datetime) -> None:
    head = (executor.name, f"{len(executor.jobs)}/{executor.threads}")
    # The longest-running first: a job that hangs stays in sight.
    jobs = sorted(executor.jobs, key=lambda job: job.since)[:JOBS_OF_EXECUTOR]
    for job in jobs:
        row = (short_id(job.job_id, 13), job.action, age(seconds_since(job.since, now)))
        table.add_row(*(Text(cell) for cell in (*head, *row)))
        head = ("", "")
    if not jobs:
        table.add_row(*(Text(cell) for cell in (*head, "idle", "", "")))


def _elections(picture: DemoPicture, now: datetime) -> Table:
    table = _table("ELECTION", "LEADER", ">LAST", ">EVERY")
    for election in picture.elections.elections:
        leader, last = election.leader, election.distribution
        table.add_row(
            Text(election.name),
            Text(leader.name if leader else "nobody"),
            age(seconds_since(last.last, now)) if last else "-",
            age(last.interval) if last else "-",
        )
    return table


def _recent(picture: DemoPicture, now: datetime) -> Table:
    table = _table("RECENT JOB", "ACTION", "STATE", ">PROG", ">AGE", "MESSAGE")
    for job in picture.recent:
        message = job.status_message.splitlines()
        table.add_row(
            Text(short_id(job.id, 13)),
            Text(job.action),
            Text(str(job.state), style=STYLES[job.state]),
            f"{job.progress}%",
            age(seconds_since(job.created, now)),
            Text(message[-1][:60] if message else ""),
        )
    return table
