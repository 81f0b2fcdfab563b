"""Findings: what is wrong with the parts of the cluster, and jobs of one cause as one group."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime

from engine.models import (
    Diagnosis,
    Dossier,
    ElectionSnapshot,
    ElectionStatus,
    Evidence,
    Finding,
    Verdict,
    format_time,
)
from engine.view.diagnosis import limits
from engine.view.diagnosis.advice import acts_for
from engine.wording import age, count, counted

NAMED = 10
"""Jobs that a finding names."""
NAMED_FRAMES = 3
"""Innermost calls of a stack by which hung jobs are grouped."""
_BY_ACTION = frozenset({Verdict.HUNG, Verdict.UNKNOWN_ACTION, Verdict.POISON, Verdict.STARVED})
_BY_OWNER = frozenset(
    {Verdict.GHOST_LOCK, Verdict.WEDGED_OWNER, Verdict.LOCK_EXPIRING, Verdict.CANCELLED_RUNNING}
)


def find_cluster_faults(
    elections: ElectionSnapshot | None, depth: int, now: datetime
) -> Iterator[Finding]:
    """Yield what is wrong with elections and with the length of the queue.

    Args:
        elections: None where they were not read.
        depth: entries in the queue.
        now: the present moment.
    """
    for election in elections.elections if elections else ():
        found = _distributor(election, elections, now) if elections else None
        if found is not None:
            yield found
    if depth > limits.JAVA_LISTING:
        claim = "A listing of the queue is larger than Java clients take: their tools fail."
        datum = f"/job/entries has {count(depth)} children, {count(limits.JAVA_LISTING)} fit"
        yield Finding(
            verdict=Verdict.OVERSIZED,
            subject="/job/entries",
            summary=f"The queue has {counted(depth, 'entry', 'entries')}.",
            evidence=(Evidence(claim=claim, datum=datum, source="zookeeper", age_s=0.0),),
            acts=acts_for(Verdict.OVERSIZED),
        )


def _distributor(
    election: ElectionStatus, elections: ElectionSnapshot, now: datetime
) -> Finding | None:
    leader, last = election.leader, election.distribution
    if leader is None:
        summary = f"{election.name} has no contender: nobody creates its jobs."
        claim, datum = "The election has no contender.", f"/election/{election.name}: 0 children"
    elif last is not None and last.interval > 0:
        # A new leader gets its own time: what its predecessor missed is not its fault.
        since = max(last.last, leader.since)
        quiet = (now - since).total_seconds()
        if quiet <= limits.INTERVALS * last.interval:
            return None
        summary = (
            f"{election.name} has produced nothing for {age(quiet)}, though {leader.name} leads."
        )
        claim = f"Its interval is {age(last.interval)}."
        datum = f"last distribution {format_time(last.last)} by {last.by}"
    else:
        return None
    read = max(0.0, (now - elections.taken_at).total_seconds())
    return Finding(
        verdict=Verdict.NO_DISTRIBUTOR,
        subject=election.name,
        summary=summary,
        evidence=(Evidence(claim=claim, datum=datum, source="zookeeper", age_s=read),),
        acts=acts_for(Verdict.NO_DISTRIBUTOR),
    )


def group(
    diagnosed: Iterable[tuple[Dossier, Diagnosis]], sizes: dict[str, int] | None = None
) -> list[Finding]:
    """Return one finding for all jobs of one verdict and cause; healthy ones make none.

    Args:
        diagnosed: each job with its diagnosis.
        sizes: jobs that one of them stands for, by its id; 1 where it is not named.
    """
    groups: dict[tuple[Verdict, str], list[tuple[Dossier, Diagnosis]]] = {}
    for dossier, diagnosis in diagnosed:
        if not diagnosis.is_healthy:
            key = (diagnosis.verdict, _subject(dossier, diagnosis))
            groups.setdefault(key, []).append((dossier, diagnosis))
    return [_finding(*key, members, sizes or {}) for key, members in groups.items()]


def worst_first(findings: Iterable[Finding]) -> tuple[Finding, ...]:
    """Return findings by severity, then by the number of jobs, then by name."""
    return tuple(sorted(findings, key=lambda f: (-f.severity, -f.count, str(f.verdict), f.subject)))


def _subject(dossier: Dossier, diagnosis: Diagnosis) -> str:
    """Return the cause that several jobs can share: their action, their owner, or none."""
    if diagnosis.verdict is Verdict.HUNG and dossier.stacks and dossier.stacks[-1].frames:
        # Equal stacks are one cause, whatever the action and wherever they stand.
        return " < ".join(dossier.stacks[-1].frames[:NAMED_FRAMES])
    if diagnosis.verdict in _BY_ACTION:
        return dossier.record.action if dossier.record else ""
    if diagnosis.verdict in _BY_OWNER:
        for entry in dossier.entries:
            if entry.lock is not None:
                owner = entry.lock.owner
                return owner.instance or f"session {owner.session:#x}"
    return ""


def _summary(first: Diagnosis, members: Sequence[tuple[Dossier, Diagnosis]], number: int) -> str:
    """Return what is wrong with the first of them, and how many there are."""
    if number == 1:
        return first.summary
    owners = {
        entry.lock.owner.session
        for dossier, _ in members
        for entry in dossier.entries
        if entry.lock
    }
    where = f", on {counted(len(owners), 'executor')} in all" if len(owners) > 1 else ""
    return f"{first.summary} And {count(number - 1)} more{where}."


def _finding(
    verdict: Verdict,
    subject: str,
    members: Sequence[tuple[Dossier, Diagnosis]],
    sizes: dict[str, int],
) -> Finding:
    first = members[0][1]
    ids = tuple(diagnosis.job_id for _, diagnosis in members)
    number = sum(sizes.get(job_id, 1) for job_id in ids)
    return Finding(
        verdict=verdict,
        subject=subject,
        summary=_summary(first, members, number),
        count=number,
        jobs=ids[:NAMED],
        evidence=first.evidence,
        acts=first.acts,
    )
