"""The stacks of processes as text and as JSON: what has a job first, what idles in one line."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import asdict
from datetime import datetime
from typing import Any

from engine.cli.json_forms import seconds_since
from engine.cli.output import Column, Report
from engine.models import (
    Frame,
    Member,
    MemberKind,
    RunningJob,
    Source,
    StackReport,
    ThreadStack,
    format_time,
)
from engine.view.stacks import MemberStacks, StackGroup, group
from engine.wording import age, count, counted, fit

SCHEMA = "nuvla-engine/stacks/1"
NO_MEMBERS = (
    "nobody is there to be asked: `nuvla-engine members` shows who is; "
    "--pid reads a process of this host"
)
_WHERE = 52
"""Columns for a call; its source line stands beside it."""
_NAMES = 3
_NAMES_WIDTH = 28

GROUP_COLUMNS = (
    Column("JOBS", right=True),
    Column("THREADS", right=True),
    Column("MEMBERS", right=True),
    Column("IN"),
    Column("WHICH"),
)


def stacks_json(stacks: MemberStacks, now: datetime) -> dict[str, Any]:
    """Return one process with all its samples."""
    member = stacks.member
    return {
        "name": stacks.name,
        "host": member.host if member else None,
        "pid": member.pid if member else None,
        "error": stacks.error or None,
        "samples": [
            {
                "source": report.source,
                "taken_at": format_time(report.taken_at),
                "age_s": seconds_since(report.taken_at, now),
                "pid": report.pid,
                "trouble": report.trouble or None,
                "threads": [_thread_json(thread) for thread in report.threads],
            }
            for report in stacks.reports
        ],
    }


def _thread_json(thread: ThreadStack) -> dict[str, Any]:
    return {
        "ident": thread.ident,
        "name": thread.name,
        "job_id": thread.job_id,
        "frames": [asdict(frame) for frame in thread.frames],
    }


def fleet_report(fleet: Sequence[MemberStacks], now: datetime, sources: Sequence[Source]) -> Report:
    """Return all members' threads, equal stacks as one line: the newest sample of each."""
    answered = [each for each in fleet if each.reports]
    groups = group((each.name, each.reports[-1]) for each in answered)
    busy = [each for each in groups if each.jobs]
    idle = sum(len(each.standing) for each in groups) - sum(len(each.standing) for each in busy)
    summary = (
        f"{len(answered)} of {counted(len(fleet), 'member')} answered; "
        f"{counted(sum(len(each.jobs) for each in busy), 'thread')} with a job "
        f"in {counted(len(busy), 'place')}, {count(idle)} without"
    )
    return Report(
        schema=SCHEMA,
        taken_at=now,
        sources=sources,
        facts={
            "groups": [_group_json(each) for each in groups],
        },
        items_name="processes",
        items=(stacks_json(each, now) for each in fleet),
        columns=GROUP_COLUMNS,
        rows=(_group_row(each) for each in busy),
        summary=summary,
        empty=NO_MEMBERS if not fleet else "no thread works on a job",
    )


def troubles(fleet: Iterable[MemberStacks]) -> Iterator[str]:
    """Yield a line for each member that did not answer, or is not well."""
    for each in fleet:
        if each.error:
            yield f"{each.name}: {each.error}"
        elif each.reports and each.reports[-1].trouble:
            yield f"{each.name}: {each.reports[-1].trouble}"


def detail_lines(
    stacks: MemberStacks, now: datetime, *, job_id: str | None, width: int | None
) -> Iterator[str]:
    """Yield one process as text.

    Args:
        stacks: its samples; the newest is shown, the others tell whether it moves.
        now: for ages.
        job_id: the only job to show; None for all threads.
        width: columns; None does not cut.
    """
    for line in _details(stacks, now, job_id):
        yield line if width is None else fit(line, width)


def _details(stacks: MemberStacks, now: datetime, job_id: str | None) -> Iterator[str]:
    newest = stacks.reports[-1]
    yield _title(stacks, newest, now)
    if newest.trouble:
        yield f"! {newest.trouble}"
    busy = [thread for thread in newest.threads if thread.job_id is not None]
    if job_id is not None:
        busy = [thread for thread in busy if thread.job_id == job_id]
        if not busy:
            yield f"no thread of it works on {job_id}"
    for thread in busy:
        yield ""
        yield from _busy(thread, stacks, now)
    if job_id is None:
        idle = [thread for thread in newest.threads if thread.job_id is None]
        is_executor = stacks.member is not None and stacks.member.kind is MemberKind.EXECUTOR
        yield from _idle(idle, in_full=not busy and not is_executor)


def _title(stacks: MemberStacks, report: StackReport, now: datetime) -> str:
    parts = [stacks.name]
    if stacks.member is not None:
        parts.append(f"{stacks.member.host}:{stacks.member.pid}")
    busy = sum(thread.job_id is not None for thread in report.threads)
    parts.append(f"{counted(len(report.threads), 'thread')}, {busy} with a job")
    parts.append(f"{report.source}, {age(seconds_since(report.taken_at, now))} ago")
    return "  ".join(parts)


def _busy(thread: ThreadStack, stacks: MemberStacks, now: datetime) -> Iterator[str]:
    place = thread.own or thread.top
    facts = [thread.job_id or "", _what(stacks.member, thread, now)]
    facts.append(_steadiness(thread, stacks.reports))
    yield "  ".join(word for word in facts if word)
    yield f"  in {place.where if place else 'no Python code'}"
    frames, left_out = _without_engine(thread.frames)
    yield from (_frame_line(frame, frame == thread.own) for frame in frames)
    if left_out:
        yield f"      ({counted(left_out, 'outer frame')} left out)"


def _what(member: Member | None, thread: ThreadStack, now: datetime) -> str:
    """Return the action of a thread's job and for how long it runs, where the member tells."""
    jobs: tuple[RunningJob, ...] = member.jobs if member is not None else ()
    for job in jobs:
        if job.job_id == thread.job_id:
            return f"{job.action} for {age(seconds_since(job.since, now))}"
    return ""


def _steadiness(thread: ThreadStack, reports: Sequence[StackReport]) -> str:
    """Return in how many samples the thread stood where it stands now."""
    if len(reports) < 2 or thread.job_id is None:
        return ""
    same = 0
    for report in reports:
        former = report.working_on(thread.job_id)
        same += former is not None and former.frames == thread.frames
    return f"equal in {same} of {len(reports)} samples"


def _without_engine(frames: tuple[Frame, ...]) -> tuple[tuple[Frame, ...], int]:
    """Leave out who called the action: that is the same for all."""
    for place in range(len(frames) - 1, -1, -1):
        if frames[place].is_own:
            return frames[: place + 1], len(frames) - place - 1
    return frames, 0


def _frame_line(frame: Frame, is_own: bool) -> str:
    mark = ">" if is_own else " "
    if not frame.code:
        return f"    {mark} {frame.where}"
    return f"    {mark} {frame.where:<{_WHERE}}  {frame.code}"


def _idle(threads: Sequence[ThreadStack], *, in_full: bool) -> Iterator[str]:
    if not threads:
        return
    report = StackReport(source="", taken_at=datetime.min, threads=tuple(threads))
    yield ""
    yield "without a job:"
    for each in group([("", report)]):
        top = each.frames[0].near if each.frames else "no Python code"
        names = fit(_names(each), _NAMES_WIDTH)
        yield f"  {count(len(each.standing)):>3}  {names:<{_NAMES_WIDTH}}  {top}"
        if in_full:
            yield from (_frame_line(frame, False) for frame in each.frames)


def _names(each: StackGroup) -> str:
    names = sorted({standing.thread for standing in each.standing})
    shown = ", ".join(names[:_NAMES])
    return shown if len(names) <= _NAMES else f"{names[0]} .. {names[-1]}"


def _group_row(each: StackGroup) -> tuple[str, ...]:
    own = next((frame for frame in each.frames if frame.is_own), None)
    top = each.frames[0] if each.frames else None
    words = [frame.near for frame in (own, top) if frame is not None]
    jobs = ", ".join(each.jobs[:_NAMES])
    more = len(each.jobs) - _NAMES
    return (
        count(len(each.jobs)),
        count(len(each.standing)),
        count(len(each.members)),
        " > ".join(dict.fromkeys(words)) or "no Python code",
        f"{jobs} and {more:,} more" if more > 0 else jobs,
    )


def _group_json(each: StackGroup) -> dict[str, Any]:
    return {
        "threads": len(each.standing),
        "members": list(each.members),
        "jobs": list(each.jobs),
        "frames": [asdict(frame) for frame in each.frames],
    }
