"""Builders of dossiers: one healthy job that waits, and what can be different about it."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

from engine.models import (
    Dossier,
    JobRecord,
    Lock,
    Member,
    MemberKind,
    MemberSnapshot,
    MemberState,
    Owner,
    Pace,
    QueueEntry,
    RunningJob,
    RunTimes,
    Source,
)
from engine.states import ExecutionMode, JobState

NOW = datetime(2026, 11, 24, 12, 0, 0, tzinfo=UTC)
JOB = "job/3d2f5b0e-5f5e-4a6c-9d5e-0a6b7c8d9e0f"
ENTRY = "entry-999-0000000041"
SESSION = 0x100001
HISTORY = RunTimes(count=40, average=20.0, longest=60.0)


def ago(seconds: float) -> datetime:
    """Return a moment before NOW."""
    return NOW - timedelta(seconds=seconds)


def make_record(state: JobState = JobState.QUEUED, **changes: Any) -> JobRecord:
    """Return a document that was created and written ten minutes ago."""
    base = JobRecord(
        id=JOB,
        action="act",
        state=state,
        version=2,
        created=ago(600),
        updated=ago(600),
        execution_mode=ExecutionMode.PUSH,
    )
    return replace(base, **changes)


def make_entry(lock: Lock | None = None, *, name: str = ENTRY, old: float = 600) -> QueueEntry:
    """Return an entry of the job."""
    return QueueEntry(name, int(name[6:9]), int(name[10:]), JOB, ago(old), lock)


def make_lock(*, foreign: bool = False, old: float = 590, session: int = SESSION) -> Lock:
    """Return a lock of `make_member`'s session."""
    instance = None if foreign else f"exec-{session:x}"
    return Lock(entry=ENTRY, owner=Owner(session=session, instance=instance), since=ago(old))


def make_member(*, works: float | None = None, session: int = SESSION, **changes: Any) -> Member:
    """Return an executor that offers `act`; it has worked on the job for so many seconds."""
    jobs = (
        ()
        if works is None
        else (
            RunningJob(job_id=JOB, entry=ENTRY, action="act", thread="worker-1", since=ago(works)),
        )
    )
    base = Member(
        instance=f"exec-{session:x}",
        kind=MemberKind.EXECUTOR,
        name="exec",
        host="node1",
        pid=1,
        version="1",
        started=ago(9000),
        state=MemberState.RUNNING,
        threads=4,
        offers=("act",),
        jobs=jobs,
        updated=ago(1),
        session=session,
    )
    return replace(base, **changes)


def make_members(*members: Member, paused: str | None = None) -> MemberSnapshot:
    """Return the members that are present."""
    return MemberSnapshot(taken_at=NOW, members=members, paused=paused)


def make_pace(*, started: int = 100, last: float | None = 1.0, **changes: Any) -> Pace:
    """Return the pace of a queue that moves."""
    when = None if last is None else ago(last)
    return replace(Pace(window=300.0, started=started, last_started=when), **changes)


def make_dossier(**changes: Any) -> Dossier:
    """Return a job that waits ten minutes in a queue that moves."""
    base = Dossier(
        job_id=JOB,
        taken_at=NOW,
        sources=(Source(name="api", read_at=NOW), Source(name="zookeeper", read_at=NOW)),
        record=make_record(),
        entries=(make_entry(),),
        is_searched=True,
        depth=100,
        ahead=10,
        ahead_free=8,
        members=make_members(make_member()),
        pace=make_pace(),
    )
    return replace(base, **changes)


def held(state: JobState, *, works: float | None, lock: Lock | None = None, **more: Any) -> Dossier:
    """Return a job that an executor of ours holds, and works on for so many seconds."""
    updated = ago(min(580, works if works is not None else 580))
    options = {
        "record": make_record(state, updated=updated),
        "entries": (make_entry(lock or make_lock()),),
        "members": make_members(make_member(works=works)),
        "history": HISTORY,
        "pace": None,
        **more,
    }
    return make_dossier(**options)
