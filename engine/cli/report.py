"""From the live read-models to reports: queue, taken, elections, members."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from datetime import datetime
from functools import partial
from itertools import islice
from typing import TypeVar

from engine.cli.json_forms import (
    election_json,
    entry_json,
    lock_json,
    member_json,
    seconds_since,
)
from engine.cli.output import Column, Report
from engine.models import (
    ElectionSnapshot,
    ElectionStatus,
    Lock,
    Member,
    MemberSnapshot,
    Owner,
    QueueEntry,
    QueueSnapshot,
    Source,
    TakenSnapshot,
)
from engine.wording import age, count, counted

Thing = TypeVar("Thing")
NO_ENTRIES = "The queue is empty: every job has been taken and finished; 'start' creates one."
NO_LOCKS = "Nothing is held: no executor works on a job of the queue."
NO_ELECTIONS = "There is no election: no distributor has been started on this ZooKeeper."
NO_MEMBERS = (
    "No executor or distributor of this engine runs here. Those of the published "
    "nuvla-job-engine do not announce themselves; 'taken' shows what they hold."
)
NO_MATCH = "Nothing matches the filter."
QUEUE_COLUMNS = (
    Column("PRIO", right=True),
    Column("SEQUENCE", right=True),
    Column("JOB", is_id=True),
    Column("AGE", right=True),
    Column("HELD BY"),
)
TAKEN_COLUMNS = (
    Column("ENTRY"),
    Column("JOB", is_id=True),
    Column("HELD", right=True),
    Column("BY"),
)
ELECTION_COLUMNS = (
    Column("ELECTION"),
    Column("LEADER"),
    Column("SINCE", right=True),
    Column("WAITING", right=True),
    Column("LAST", right=True),
    Column("EVERY", right=True),
    Column("JOBS", right=True),
)
MEMBER_COLUMNS = (
    Column("KIND"),
    Column("NAME"),
    Column("PROCESS"),
    Column("STATE"),
    Column("BUSY", right=True),
    Column("UP", right=True),
    Column("VERSION"),
    Column("TROUBLE"),
)


def queue_report(snapshot: QueueSnapshot, *, text: str, limit: int | None) -> Report:
    """Return the report of the verb `queue`."""
    now = snapshot.taken_at
    oldest = snapshot.oldest(now)
    oldest_s = None if oldest is None else max(0.0, oldest.total_seconds())
    chosen = choose(snapshot.entries, partial(_entry_row, now=now), text, limit)
    summary = f"{counted(snapshot.depth, 'entry', 'entries')}: {count(snapshot.waiting)} waiting, "
    summary += f"{count(snapshot.held)} held, oldest waiting {age(oldest_s)}"
    if len(chosen) < snapshot.depth:
        summary += f"; {count(len(chosen))} shown"
    if snapshot.foreign:
        summary += f"; {counted(len(snapshot.foreign), 'foreign node')}, never taken"
    return Report(
        schema="nuvla-engine/queue/1",
        taken_at=now,
        sources=[zookeeper_source(now)],
        facts={
            "depth": snapshot.depth,
            "waiting": snapshot.waiting,
            "held": snapshot.held,
            "oldest_waiting_s": oldest_s,
            "foreign": snapshot.foreign,
        },
        items_name="entries",
        items=(entry_json(entry, now) for entry in chosen),
        columns=QUEUE_COLUMNS,
        rows=(_entry_row(entry, now) for entry in chosen),
        summary=summary,
        empty=NO_MATCH if text and snapshot.entries else NO_ENTRIES,
    )


def taken_report(snapshot: TakenSnapshot, *, text: str, limit: int | None) -> Report:
    """Return the report of the verb `taken`."""
    now = snapshot.taken_at
    orphans = sum(lock.is_orphan for lock in snapshot.locks)
    summary = counted(len(snapshot.locks), "lock")
    if orphans:
        summary += f", {count(orphans)} of them without an entry"
    chosen = choose(snapshot.locks, partial(_lock_row, now=now), text, limit)
    return Report(
        schema="nuvla-engine/taken/1",
        taken_at=now,
        sources=[zookeeper_source(now)],
        facts={"held": len(snapshot.locks), "orphans": orphans},
        items_name="locks",
        items=(
            {"entry": lock.entry, "job_id": lock.job_id, **lock_json(lock, now)} for lock in chosen
        ),
        columns=TAKEN_COLUMNS,
        rows=(_lock_row(lock, now) for lock in chosen),
        summary=summary,
        empty=NO_MATCH if text and snapshot.locks else NO_LOCKS,
    )


def elections_report(snapshot: ElectionSnapshot, *, text: str, limit: int | None) -> Report:
    """Return the report of the verb `elections`."""
    now = snapshot.taken_at
    vacant = sum(election.is_vacant for election in snapshot.elections)
    summary = counted(len(snapshot.elections), "election")
    if vacant:
        summary += f", {count(vacant)} without a contender: nothing is distributed there"
    chosen = choose(snapshot.elections, partial(_election_row, now=now), text, limit)
    return Report(
        schema="nuvla-engine/elections/1",
        taken_at=now,
        sources=[zookeeper_source(now)],
        facts={"vacant": vacant},
        items_name="elections",
        items=(election_json(election, now) for election in chosen),
        columns=ELECTION_COLUMNS,
        rows=(_election_row(election, now) for election in chosen),
        summary=summary,
        empty=NO_MATCH if text and snapshot.elections else NO_ELECTIONS,
    )


def members_report(snapshot: MemberSnapshot, *, text: str, limit: int | None) -> Report:
    """Return the report of the verb `members`."""
    now = snapshot.taken_at
    summary = counted(len(snapshot.members), "member")
    if snapshot.paused:
        summary += f"; the executors are paused: {snapshot.paused}"
    if snapshot.unreadable:
        summary += f"; unreadable: {', '.join(snapshot.unreadable)}"
    chosen = choose(snapshot.members, partial(_member_row, now=now), text, limit)
    return Report(
        schema="nuvla-engine/members/1",
        taken_at=now,
        sources=[zookeeper_source(now)],
        facts={"paused": snapshot.paused, "unreadable": snapshot.unreadable},
        items_name="members",
        items=(member_json(member, now) for member in chosen),
        columns=MEMBER_COLUMNS,
        rows=(_member_row(member, now) for member in chosen),
        summary=summary,
        empty=NO_MATCH if text and snapshot.members else NO_MEMBERS,
    )


def choose(
    things: Sequence[Thing],
    row: Callable[[Thing], Iterable[str]],
    text: str,
    limit: int | None,
) -> Sequence[Thing]:
    """Return at most limit of the things whose row holds the text in some cell."""
    if not text:
        return things if limit is None else things[:limit]
    wanted = text.casefold()
    matching = (t for t in things if any(wanted in cell.casefold() for cell in row(t)))
    return tuple(islice(matching, limit))


def zookeeper_source(read_at: datetime) -> Source:
    """Return ZooKeeper as a source that answered."""
    return Source(name="zookeeper", read_at=read_at)


def holder_text(owner: Owner) -> str:
    """Return who holds a lock: the process and its thread, or the session of a foreign one."""
    if owner.instance is None:
        return f"foreign, session {owner.session:#x}"
    return f"{owner.instance} {owner.thread}" if owner.thread else owner.instance


def _entry_row(entry: QueueEntry, now: datetime) -> tuple[str, ...]:
    job = entry.job_id or entry.problem or "-"
    seconds = seconds_since(entry.created, now)
    holder = holder_text(entry.lock.owner) if entry.lock else "-"
    return f"{entry.priority:03d}", str(entry.sequence), job, age(seconds), holder


def _lock_row(lock: Lock, now: datetime) -> tuple[str, ...]:
    job = "no entry" if lock.is_orphan else lock.job_id or "no job id"
    return lock.entry, job, age(seconds_since(lock.since, now)), holder_text(lock.owner)


def _election_row(election: ElectionStatus, now: datetime) -> tuple[str, ...]:
    leader, last = election.leader, election.distribution
    return (
        election.name,
        leader.name if leader else "nobody",
        age(seconds_since(leader.since, now)) if leader else "-",
        str(max(0, len(election.contenders) - 1)),
        age(seconds_since(last.last, now)) if last else "-",
        age(last.interval) if last else "-",
        str(last.jobs) if last else "-",
    )


def _member_row(member: Member, now: datetime) -> tuple[str, ...]:
    holds = [f"{hold.reason} (for {age(seconds_since(hold.since, now))})" for hold in member.holds]
    return (
        str(member.kind),
        member.name,
        f"{member.host}:{member.pid}",
        str(member.state),
        f"{len(member.jobs)}/{member.threads}" if member.threads else "-",
        age(seconds_since(member.started, now)),
        member.version,
        "; ".join((*holds, *member.broken)) or "-",
    )
