"""No healthy job is ever called stuck: 10,000 of them, of all kinds, over the pure judge."""

from __future__ import annotations

import random
from collections import Counter
from dataclasses import replace

from engine.models import (
    Dossier,
    Flaps,
    Lock,
    Member,
    MemberState,
    Owner,
    RunTimes,
    SessionLink,
    Verdict,
)
from engine.states import ExecutionMode, JobState
from engine.view.diagnosis import diagnose
from tests.engine.view.diagnosis.builders import (
    ENTRY,
    NOW,
    SESSION,
    ago,
    make_dossier,
    make_entry,
    make_member,
    make_members,
    make_pace,
    make_record,
)

FINAL = (JobState.SUCCESS, JobState.FAILED, JobState.CANCELED)


def others(chance: random.Random) -> list[Member]:
    """Return executors that have nothing to do with the job."""
    return [
        make_member(session=0x900 + n, offers=("act", "other"), name=f"exec-{n}")
        for n in range(chance.randrange(4))
    ]


def waiting(chance: random.Random) -> Dossier:
    """Return a job that waits while something takes jobs: ours, others, or both."""
    members = others(chance)
    foreign = chance.randrange(1, 5) if not members else chance.randrange(3)
    if members and chance.random() < 0.3:
        members[0] = replace(members[0], state=chance.choice(list(MemberState)))
    if not any(member.state is MemberState.RUNNING for member in members):
        foreign = max(1, foreign)
    pace = make_pace(
        started=chance.randrange(1, 1000),
        last=chance.uniform(0, 50),
        window=600.0,
        better_arrived=chance.randrange(100),
        better_started=chance.randrange(100, 200),
        others_started=chance.randrange(5),
    )
    return make_dossier(
        record=make_record(chance.choice((JobState.QUEUED, JobState.RUNNING))),
        entries=(make_entry(old=chance.uniform(0, 1e6)),),
        members=make_members(*members),
        foreign_locks=foreign,
        pace=chance.choice((pace, None)),
        flaps=chance.choice((None, Flaps(times=chance.randrange(4), window=300.0))),
        ahead=chance.randrange(100_000),
        ahead_free=chance.randrange(100_000),
    )


def working(chance: random.Random) -> Dossier:
    """Return a job that is worked on, for no longer than its action takes or with progress."""
    longest = chance.uniform(1, 5000)
    history = RunTimes(count=chance.randrange(5, 500), average=longest / 2, longest=longest)
    run = chance.uniform(0, longest)
    written = run
    if chance.random() < 0.3:
        run, written = chance.uniform(0, 1e5), chance.uniform(0, 200)
    is_foreign = chance.random() < 0.4
    taken = run + chance.uniform(0, 2)
    state = JobState.RUNNING if run > 2 else chance.choice((JobState.QUEUED, JobState.RUNNING))
    owner = Owner(session=SESSION, instance=None if is_foreign else f"exec-{SESSION:x}")
    lock = Lock(entry=ENTRY, owner=owner, since=ago(taken))
    # The presence node is a second late, at both ends.
    lists = not is_foreign and run > 1
    mine = [] if is_foreign else [make_member(works=run if lists else None)]
    silence = chance.uniform(0, 12)
    links = (
        None,
        SessionLink(session=SESSION, client="h:1", silence=silence, timeout=30.0),
        SessionLink(session=SESSION, trouble="not allowed"),
    )
    return make_dossier(
        record=make_record(state, updated=ago(written)),
        entries=(make_entry(lock, old=taken + chance.uniform(0, 1e5)),),
        members=make_members(*mine, *others(chance)),
        foreign_locks=int(is_foreign),
        history=history,
        pace=None,
        link=chance.choice(links),
        is_searched=chance.random() < 0.5,
    )


def ending(chance: random.Random) -> Dossier:
    """Return a job whose result was written just now, and whose lock is about to go."""
    run = chance.uniform(1, 5000)
    lock = Lock(
        entry=ENTRY, owner=Owner(session=SESSION, instance=f"exec-{SESSION:x}"), since=ago(run)
    )
    state = chance.choice((JobState.SUCCESS, JobState.FAILED))
    works = chance.choice((None, run))
    return make_dossier(
        record=make_record(state, updated=ago(chance.uniform(0, 20))),
        entries=chance.choice(((make_entry(lock, old=run),), ())),
        members=make_members(make_member(works=works), *others(chance)),
        pace=None,
    )


def elsewhere(chance: random.Random) -> Dossier:
    """Return a pull job, or a bulk job that its monitor follows."""
    bulk = make_record(JobState.RUNNING, action="bulk_update", tags=("monitor",))
    state = chance.choice((JobState.QUEUED, JobState.RUNNING))
    pull = make_record(state, execution_mode=ExecutionMode.PULL)
    return make_dossier(
        record=replace(chance.choice((bulk, pull)), created=ago(chance.uniform(0, 1e6))),
        entries=(),
        members=make_members(*others(chance)),
        is_searched=chance.random() < 0.5,
    )


def leftover(chance: random.Random) -> Dossier:
    """Return a job that ended, with or without an entry that nobody took."""
    record = make_record(chance.choice(FINAL), updated=ago(chance.uniform(0, 1e6)))
    entries = chance.choice(((make_entry(old=chance.uniform(0, 1e6)),), ()))
    return make_dossier(record=record, entries=entries, members=make_members(*others(chance)))


def young(chance: random.Random) -> Dossier:
    """Return a job that was made just now, as a reader between two writes sees it."""
    entry = make_entry(old=chance.uniform(0, 50))
    record = make_record(created=ago(chance.uniform(0, 50)), updated=ago(0))
    seen = chance.choice(({"record": None, "entries": (entry,)}, {"record": record, "entries": ()}))
    return make_dossier(members=make_members(*others(chance)), foreign_locks=1, **seen)


def test_ten_thousand_healthy_jobs_raise_no_alarm() -> None:
    chance = random.Random(20261124)
    seen: Counter[Verdict] = Counter()
    for number in range(10_000):
        kind = chance.choice((waiting, working, ending, elsewhere, leftover, young))
        diagnosis = diagnose(kind(chance), NOW)
        seen[diagnosis.verdict] += 1
        assert not diagnosis.verdict.is_stuck, f"{number}, {kind.__name__}: {diagnosis}"
    assert seen[Verdict.UNKNOWN] == 0
    assert all(seen[verdict] > 100 for verdict in Verdict if verdict.is_healthy)
