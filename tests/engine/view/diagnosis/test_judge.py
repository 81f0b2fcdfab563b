"""The judge: one dossier of each row of the catalogue, and what keeps it from a false alarm."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from engine.models import (
    API_HOLD,
    Diagnosis,
    Dossier,
    Flaps,
    Hold,
    MemberState,
    PutBack,
    SessionLink,
    Source,
    StackSample,
    Verdict,
)
from engine.states import ExecutionMode, JobState
from engine.view.diagnosis import diagnose
from tests.engine.view.diagnosis.builders import (
    HISTORY,
    JOB,
    NOW,
    SESSION,
    ago,
    held,
    make_dossier,
    make_entry,
    make_lock,
    make_member,
    make_members,
    make_pace,
    make_record,
)

LINK = SessionLink(session=SESSION, client="10.0.0.5:4000", silence=1.0, timeout=30.0)
OTHER = 0x200002
OVERTAKEN = make_pace(
    window=600.0, better_arrived=50, better_started=40, others_started=0, started=40
)
DOWN = Source(name="api", error="connection refused")
UP = Source(name="zookeeper", read_at=NOW)


def same(
    samples: int, frames: tuple[str, ...] | None = ("recv socket.py:1",)
) -> tuple[StackSample, ...]:
    """Return equal stack samples."""
    return tuple(
        StackSample(at=ago(samples - n), frames=frames, source="in-process") for n in range(samples)
    )


def judged(dossier: Dossier) -> Verdict:
    """Return the verdict alone."""
    return diagnose(dossier, NOW).verdict


ROWS: dict[str, tuple[Verdict, Dossier]] = {
    "S1 waiting": (Verdict.WAITING, make_dossier()),
    "S1 just created": (
        Verdict.WAITING,
        make_dossier(entries=(), record=make_record(created=ago(5))),
    ),
    "S1 put back": (Verdict.WAITING, make_dossier(record=make_record(JobState.RUNNING))),
    "S2 working": (Verdict.WORKING, held(JobState.RUNNING, works=30)),
    "S2 its stack changes": (
        Verdict.WORKING,
        held(JobState.RUNNING, works=500, stacks=(*same(3), *same(1, ("send",)))),
    ),
    "S2 taken just now": (
        Verdict.WORKING,
        held(JobState.QUEUED, works=None, lock=make_lock(old=3)),
    ),
    "S2 foreign": (
        Verdict.WORKING,
        held(JobState.RUNNING, works=None, lock=make_lock(foreign=True, old=30, session=OTHER)),
    ),
    "S3 hung by its run time": (Verdict.HUNG, held(JobState.RUNNING, works=580)),
    "S3 hung by its stack": (Verdict.HUNG, held(JobState.RUNNING, works=580, stacks=same(3))),
    "S3 hung, foreign": (
        Verdict.HUNG,
        held(JobState.RUNNING, works=None, lock=make_lock(foreign=True, old=590, session=OTHER)),
    ),
    "S4 ghost-lock": (Verdict.GHOST_LOCK, held(JobState.QUEUED, works=None)),
    "S4 by stacks": (
        Verdict.GHOST_LOCK,
        held(JobState.QUEUED, works=580, stacks=same(1, None)),
    ),
    "S4 foreign": (
        Verdict.GHOST_LOCK,
        held(JobState.QUEUED, works=None, lock=make_lock(foreign=True, session=OTHER)),
    ),
    "S5 keeps a finished job": (Verdict.WEDGED_OWNER, held(JobState.SUCCESS, works=580)),
    "S5 keeps a finished job, idle": (Verdict.WEDGED_OWNER, held(JobState.FAILED, works=None)),
    "S5 another took it": (
        Verdict.WEDGED_OWNER,
        held(
            JobState.RUNNING,
            works=None,
            lock=make_lock(session=OTHER, old=100),
            members=make_members(make_member(works=580), make_member(works=90, session=OTHER)),
        ),
    ),
    "S5 finished and consumed": (
        Verdict.WEDGED_OWNER,
        held(JobState.FAILED, works=580, entries=()),
    ),
    "S6 gone": (
        Verdict.LOCK_EXPIRING,
        held(JobState.RUNNING, works=500, link=SessionLink(session=SESSION)),
    ),
    "S6 silent": (
        Verdict.LOCK_EXPIRING,
        held(JobState.RUNNING, works=500, link=replace(LINK, silence=25.0)),
    ),
    "S7 lost": (Verdict.LOST, make_dossier(entries=())),
    "S7 lost while running": (
        Verdict.LOST,
        make_dossier(
            entries=(), record=make_record(JobState.RUNNING, execution_mode=ExecutionMode.MIXED)
        ),
    ),
    "S8 pull": (
        Verdict.ELSEWHERE,
        make_dossier(entries=(), record=make_record(execution_mode=ExecutionMode.PULL)),
    ),
    "S8 bulk": (
        Verdict.ELSEWHERE,
        make_dossier(
            entries=(),
            record=make_record(JobState.RUNNING, action="bulk_start", tags=("monitor",)),
        ),
    ),
    "S9 leftover": (Verdict.LEFTOVER, make_dossier(record=make_record(JobState.CANCELED))),
    "S10 cancelled-running": (
        Verdict.CANCELLED_RUNNING,
        held(JobState.CANCELED, works=580),
    ),
    "S11 duplicate": (
        Verdict.DUPLICATE,
        make_dossier(entries=(make_entry(), make_entry(name="entry-999-0000000099"))),
    ),
    "S12 poison": (
        Verdict.POISON,
        make_dossier(flaps=Flaps(times=12, window=300.0, reason="version 3")),
    ),
    "S13 starved": (
        Verdict.STARVED,
        make_dossier(entries=(make_entry(old=3000),), pace=OVERTAKEN),
    ),
    "S14 nobody": (
        Verdict.NO_CONSUMER,
        make_dossier(members=make_members(), pace=make_pace(started=0, last=None)),
    ),
    "S14 drained": (
        Verdict.NO_CONSUMER,
        make_dossier(
            members=make_members(make_member(state=MemberState.DRAINED)), pace=make_pace(last=200)
        ),
    ),
    "S14 paused": (
        Verdict.NO_CONSUMER,
        make_dossier(
            members=make_members(make_member(state=MemberState.PAUSED), paused="by ops"),
            pace=make_pace(last=200),
        ),
    ),
    "S16 orphan-entry": (Verdict.ORPHAN_ENTRY, make_dossier(record=None)),
    "S18 for us and for all": (
        Verdict.API_DOWN,
        make_dossier(
            record=None,
            sources=(DOWN, UP),
            members=make_members(make_member(state=MemberState.PAUSED)),
        ),
    ),
    "S18 for the executors": (
        Verdict.API_DOWN,
        make_dossier(
            record=make_record(JobState.RUNNING),
            members=make_members(make_member(state=MemberState.PAUSED)),
            pace=make_pace(last=200),
        ),
    ),
    "S19 unknown-action": (
        Verdict.UNKNOWN_ACTION,
        make_dossier(members=make_members(make_member(offers=("other",))), pace=make_pace(last=90)),
    ),
    "finished": (
        Verdict.FINISHED,
        make_dossier(record=make_record(JobState.SUCCESS), entries=()),
    ),
}


@pytest.mark.parametrize("row", ROWS)
def test_each_row_of_the_catalogue_has_its_verdict_with_evidence(row: str) -> None:
    verdict, dossier = ROWS[row]
    diagnosis = diagnose(dossier, NOW)
    assert diagnosis.verdict is verdict, diagnosis.summary
    assert diagnosis.summary.endswith(".")
    assert diagnosis.evidence
    assert all(each.claim and each.datum and each.source for each in diagnosis.evidence)
    assert bool(diagnosis.acts) or verdict.is_healthy


UNKNOWN: dict[str, Dossier] = {
    "zookeeper is down": make_dossier(
        sources=(Source(name="api", read_at=NOW), Source(name="zookeeper", error="refused")),
        entries=(),
        members=None,
    ),
    "the api is down, and executors go on": make_dossier(record=None, sources=(DOWN, UP)),
    "the queue was not searched": make_dossier(entries=(), is_searched=False),
    "no history and no stack": held(
        JobState.RUNNING,
        works=5000,
        history=None,
        record=make_record(JobState.RUNNING, updated=ago(5000)),
    ),
    "the owner has no presence node": held(JobState.RUNNING, works=None, members=make_members()),
    "foreign and without a history": held(
        JobState.RUNNING,
        works=None,
        history=None,
        lock=make_lock(foreign=True, session=OTHER, old=4000),
    ),
    "nobody is present and starts were not counted": make_dossier(
        members=make_members(), pace=None
    ),
}


@pytest.mark.parametrize("case", UNKNOWN)
def test_what_could_not_be_read_makes_the_verdict_unknown(case: str) -> None:
    diagnosis = diagnose(UNKNOWN[case], NOW)
    assert diagnosis.verdict is Verdict.UNKNOWN, diagnosis.summary
    assert not diagnosis.is_healthy
    assert not diagnosis.verdict.is_stuck


HEALTHY: dict[str, Dossier] = {
    "it writes its progress": held(
        JobState.RUNNING, works=5000, record=make_record(JobState.RUNNING, updated=ago(20))
    ),
    "it has no history, and has not run for long": held(JobState.RUNNING, works=900, history=None),
    "too few runs make no history": held(
        JobState.RUNNING, works=900, history=replace(HISTORY, count=2)
    ),
    "its owner is about to free it": held(
        JobState.SUCCESS,
        works=None,
        record=make_record(JobState.SUCCESS, updated=ago(2)),
    ),
    "its owner pings in time": held(JobState.RUNNING, works=30, link=LINK),
    "the servers do not say who is connected": held(
        JobState.RUNNING, works=30, link=SessionLink(session=SESSION, trouble="not allowed")
    ),
    "its document is on its way": make_dossier(record=None, entries=(make_entry(old=2),)),
    "others take jobs while ours are paused": make_dossier(
        members=make_members(make_member(state=MemberState.PAUSED), paused="x"), foreign_locks=3
    ),
    "others start jobs without announcing themselves": make_dossier(members=make_members()),
    "nobody runs, but it came just now": make_dossier(
        members=make_members(),
        entries=(make_entry(old=5),),
        pace=make_pace(started=0, last=None),
    ),
    "others may offer its action": make_dossier(
        members=make_members(make_member(offers=())), foreign_locks=1
    ),
    "jobs of its own priority were started": make_dossier(
        entries=(make_entry(old=3000),), pace=replace(OVERTAKEN, others_started=1)
    ),
    "better ones come more slowly than they are started": make_dossier(
        entries=(make_entry(old=3000),), pace=replace(OVERTAKEN, better_arrived=39)
    ),
    "its place was not watched for long enough": make_dossier(
        entries=(make_entry(old=300),), pace=OVERTAKEN
    ),
    "it was released a few times": make_dossier(flaps=Flaps(times=2, window=300.0)),
    "a mixed job that fell back to pull": make_dossier(
        record=make_record(execution_mode=ExecutionMode.PULL)
    ),
    "a thread ends a job whose entry is gone": held(JobState.RUNNING, works=50, entries=()),
}


@pytest.mark.parametrize("case", HEALTHY)
def test_no_alarm_where(case: str) -> None:
    diagnosis = diagnose(HEALTHY[case], NOW)
    assert diagnosis.is_healthy, f"{diagnosis.verdict}: {diagnosis.summary}"


def test_the_evidence_says_what_stands_for_a_stack() -> None:
    diagnosis = diagnose(held(JobState.RUNNING, works=580), NOW)
    (stack,) = [each for each in diagnosis.evidence if each.source == "stacks"]
    assert stack.age_s is None
    assert "No stack was read" in stack.claim


def test_a_foreign_owner_that_never_began_is_to_be_restarted() -> None:
    lock = make_lock(foreign=True, session=OTHER)
    diagnosis = diagnose(held(JobState.QUEUED, works=None, lock=lock), NOW)
    assert [act.act for act in diagnosis.acts] == ["restart"]
    assert any("py-spy" in each.datum for each in diagnosis.evidence)


def test_a_missing_right_is_named() -> None:
    link = SessionLink(session=SESSION, trouble="zk1:2181 does not allow 'cons'")
    diagnosis = diagnose(held(JobState.RUNNING, works=30, link=link), NOW)
    (named,) = [each for each in diagnosis.evidence if "does not allow" in each.datum]
    assert named.age_s is None


def test_evidence_ages_with_its_dossier() -> None:
    later = diagnose(make_dossier(), NOW + timedelta(seconds=9))
    assert {each.age_s for each in later.evidence} == {9.0}


def test_a_waiting_job_knows_its_place_and_its_turn() -> None:
    text = " ".join(each.claim for each in diagnose(make_dossier(), NOW).evidence)
    assert "10 entries of 100 stand before it" in text
    assert "20.0 jobs a minute: its turn comes in about 27s" in text


def test_a_diagnosis_names_its_job_and_its_sources() -> None:
    diagnosis: Diagnosis = diagnose(make_dossier(), NOW)
    assert diagnosis.job_id == JOB
    assert {source.name for source in diagnosis.sources} == {"api", "zookeeper"}
    assert judged(make_dossier()) is Verdict.WAITING


def test_executors_that_count_their_releases_need_no_watch() -> None:
    told = PutBack(job_id=JOB, times=4, last=ago(3), reason="its version 3 is for a newer engine")
    members = [
        make_member(session=n, offers=("act",), name=f"e-{n}", put_back=(told,)) for n in (1, 2)
    ]
    found = diagnose(make_dossier(members=make_members(*members)), NOW)
    assert found.verdict is Verdict.POISON
    assert "8 times" in found.summary
    assert "newer engine" in found.summary
    held = make_dossier(
        entries=(make_entry(make_lock(foreign=True, old=1)),), members=make_members(*members)
    )
    assert diagnose(held, NOW).verdict is Verdict.POISON
    begun = replace(held, record=make_record(JobState.RUNNING))
    assert diagnose(begun, NOW).verdict is Verdict.WORKING, "this time somebody runs it"
    mended = replace(told, last=ago(400))
    members = [replace(member, put_back=(mended,)) for member in members]
    assert diagnose(make_dossier(members=make_members(*members)), NOW).verdict is Verdict.WAITING
    once = diagnose(make_dossier(members=make_members(members[0])), NOW)
    assert once.verdict is Verdict.WAITING


def test_stacks_that_move_and_runs_that_are_not_long_are_no_sign() -> None:
    moving = (*same(2), StackSample(at=NOW, frames=("other file.py:2",), source="in-process"))
    long = held(JobState.RUNNING, works=4000)
    assert judged(replace(long, stacks=same(3))) is Verdict.HUNG
    assert judged(replace(long, stacks=moving)) is Verdict.WORKING
    young = held(JobState.RUNNING, works=50)
    assert judged(replace(young, stacks=same(3))) is Verdict.WORKING
    unknown = replace(held(JobState.RUNNING, works=50), history=None, stacks=same(3))
    assert judged(unknown) is Verdict.WORKING
    written = make_record(JobState.RUNNING, updated=ago(5))
    assert judged(replace(long, stacks=same(3), record=written)) is Verdict.WORKING


def test_a_stack_tells_whether_a_cancelled_job_goes_on() -> None:
    cancelled = held(JobState.CANCELED, works=500)
    record = make_record(JobState.CANCELED, updated=ago(100))
    cancelled = replace(cancelled, record=record)
    assert judged(replace(cancelled, stacks=same(1))) is Verdict.CANCELLED_RUNNING
    assert judged(replace(cancelled, stacks=same(1, None))) is Verdict.WEDGED_OWNER


def test_a_process_that_is_not_ours_is_judged_by_a_stack_only_where_it_names_the_job() -> None:
    foreign = held(JobState.RUNNING, works=None, lock=make_lock(foreign=True, old=4000))
    foreign = replace(foreign, members=make_members(), record=make_record(JobState.RUNNING))
    assert judged(foreign) is Verdict.HUNG
    moving = (*same(2), StackSample(at=NOW, frames=("other file.py:2",), source="py-spy"))
    assert judged(replace(foreign, stacks=moving)) is Verdict.WORKING
    assert judged(replace(foreign, stacks=same(3, None))) is Verdict.HUNG


def test_what_kept_stacks_from_being_read_is_said() -> None:
    trouble = "exec-1 runs with --remote-control none"
    found = diagnose(replace(held(JobState.RUNNING, works=4000), stacks_trouble=trouble), NOW)
    assert any(trouble in each.datum and each.age_s is None for each in found.evidence)


def test_executors_that_say_why_they_claim_nothing_are_believed() -> None:
    def waits(reason: str) -> Diagnosis:
        hold = Hold(reason=reason, since=ago(700))
        member = make_member(state=MemberState.PAUSED, holds=(hold,))
        pace = make_pace(started=0, last=None)
        return diagnose(make_dossier(members=make_members(member), pace=pace), NOW)

    assert waits(API_HOLD).verdict is Verdict.API_DOWN
    unpaused = waits("paused: by ops, upgrade")
    assert unpaused.verdict is Verdict.NO_CONSUMER, "it has not noticed yet that the pause is over"
    assert any("11m40: paused: by ops, upgrade" in each.claim for each in unpaused.evidence)
