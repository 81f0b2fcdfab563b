"""Findings: jobs of one cause are one finding, and the parts of the cluster have theirs."""

from __future__ import annotations

from dataclasses import replace

from engine.models import (
    Contender,
    Distribution,
    ElectionSnapshot,
    ElectionStatus,
    Finding,
    Owner,
    Severity,
    StackSample,
    Verdict,
)
from engine.states import JobState
from engine.view.diagnosis import diagnose, find_cluster_faults, group, worst_first
from tests.engine.view.diagnosis.builders import (
    NOW,
    ago,
    held,
    make_dossier,
    make_lock,
    make_member,
    make_members,
    make_record,
)


def elections(
    *, led: bool, last: float | None = None, leads_for: float = 9000.0
) -> ElectionSnapshot:
    """Return one election of a distributor with an interval of a minute."""
    leader = Contender(
        node="n", sequence=0, name="dist-a", owner=Owner(session=1), since=ago(leads_for)
    )
    done = None
    if last is not None:
        done = Distribution(last=ago(last), interval=60.0, by="dist-a-1", jobs=1)
    status = ElectionStatus(
        name="jobs_cleanup", contenders=(leader,) if led else (), distribution=done
    )
    return ElectionSnapshot(taken_at=NOW, elections=(status,))


def faults(found: ElectionSnapshot | None, depth: int = 0) -> list[Finding]:
    """Return the findings on the cluster."""
    return list(find_cluster_faults(found, depth, NOW))


def test_an_election_without_contenders_has_no_distributor() -> None:
    (finding,) = faults(elections(led=False, last=10))
    assert (finding.verdict, finding.subject) == (Verdict.NO_DISTRIBUTOR, "jobs_cleanup")
    assert finding.evidence
    assert finding.acts


def test_a_leader_that_has_produced_nothing_for_three_intervals_is_sick() -> None:
    (finding,) = faults(elections(led=True, last=181))
    assert finding.verdict is Verdict.NO_DISTRIBUTOR
    assert "dist-a" in finding.summary


def test_a_leader_at_work_is_healthy_and_a_new_or_foreign_one_gets_its_time() -> None:
    assert faults(elections(led=True, last=170)) == []
    assert faults(elections(led=True, last=5000, leads_for=30)) == []
    assert faults(elections(led=True)) == []
    assert faults(None) == []


def test_a_queue_that_java_cannot_list_is_oversized() -> None:
    assert [f.verdict for f in faults(None, 43_601)] == [Verdict.OVERSIZED]
    assert faults(None, 43_600) == []


def test_jobs_of_one_cause_are_one_finding() -> None:
    hung = [held(JobState.RUNNING, works=580)] * 12
    pairs = [(dossier, diagnose(dossier, NOW)) for dossier in hung]
    (finding,) = group(pairs)
    assert (finding.verdict, finding.subject, finding.count) == (Verdict.HUNG, "act", 12)
    assert len(finding.jobs) == 10
    assert "And 11 more" in finding.summary


def test_healthy_jobs_make_no_finding_and_one_can_stand_for_many() -> None:
    waiting = make_dossier()
    assert group([(waiting, diagnose(waiting, NOW))], {waiting.job_id: 400}) == []
    lost = make_dossier(entries=())
    (finding,) = group([(lost, diagnose(lost, NOW))], {lost.job_id: 400})
    assert finding.count == 400


def test_two_actions_that_hang_are_two_findings() -> None:
    one = held(JobState.RUNNING, works=580)
    other = replace(one, record=make_record(JobState.RUNNING, action="act2", updated=ago(580)))
    found = group([(each, diagnose(each, NOW)) for each in (one, other)])
    assert {finding.subject for finding in found} == {"act", "act2"}


def test_the_worst_comes_first() -> None:
    small = Finding(verdict=Verdict.LOST, subject="", summary="", count=1)
    large = Finding(verdict=Verdict.HUNG, subject="", summary="", count=9)
    mild = Finding(verdict=Verdict.STARVED, subject="", summary="", count=500)
    assert worst_first([mild, small, large]) == (large, small, mild)
    assert [f.severity for f in (large, mild)] == [Severity.BAD, Severity.DOUBT]


def test_hung_jobs_whose_stacks_are_equal_are_one_finding_whatever_their_action() -> None:
    frames = ("recv_into (socket.py:718)", "readinto (ssl.py:1)", "do_work (actions/act.py:9)")
    found = []
    for number in range(7):
        stack = frames if number < 5 else ("sleep (other.py:1)",)
        samples = tuple(StackSample(at=NOW, frames=stack, source="in-process") for _ in range(3))
        lock = make_lock(session=0x100 + number)
        dossier = held(
            JobState.RUNNING,
            works=4000,
            lock=lock,
            members=make_members(make_member(session=0x100 + number, works=4000)),
            stacks=samples,
        )
        if dossier.record is not None:
            record = replace(dossier.record, action=f"act-{number}")
            dossier = replace(dossier, record=record)
        found.append((dossier, diagnose(dossier, NOW)))
    first, second = sorted(group(found), key=lambda finding: -finding.count)
    assert (first.verdict, first.count, second.count) == (Verdict.HUNG, 5, 2)
    assert first.subject == " < ".join(frames)
    assert first.summary.endswith("And 4 more, on 5 executors in all.")
