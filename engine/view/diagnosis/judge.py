"""Why does this job not move: one verdict from one dossier. Pure.

Each question is asked in an order in which a later one may rely on the answers before it. A healthy
job is never called stuck: where a datum is missing or too young to tell, the verdict is healthy or
unknown.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime

from engine.models import Diagnosis, Dossier, Evidence, Verdict
from engine.states import JobState
from engine.view.diagnosis import claims, holding, limits, queueing
from engine.view.diagnosis.advice import acts_for
from engine.view.diagnosis.case import Case
from engine.view.diagnosis.ruling import Ruling
from engine.wording import age, counted


def diagnose(dossier: Dossier, now: datetime) -> Diagnosis:
    """Return the verdict on a job, with its evidence and the safe act."""
    case = Case(dossier, now)
    ruling = _rule(case)
    foreign = case.lock is not None and case.lock.owner.is_foreign
    return Diagnosis(
        job_id=dossier.job_id,
        taken_at=dossier.taken_at,
        verdict=ruling.verdict,
        summary=ruling.summary,
        evidence=_once((*ruling.evidence, *claims.facts(case))),
        acts=acts_for(ruling.verdict, is_foreign=foreign, is_paused=case.is_paused),
        sources=dossier.sources,
    )


def _rule(case: Case) -> Ruling:
    unread = _unread(case)
    if unread is not None:
        return unread
    if case.record is None:
        return _without_document(case)
    if len(case.dossier.entries) > 1:
        number = counted(len(case.dossier.entries), "entry", "entries")
        return Ruling(Verdict.DUPLICATE, f"It stands in {number}, so it can run twice.")
    wedged = _wedged(case)
    if wedged is not None:
        return wedged
    if case.entry is None:
        return _without_entry(case)
    if case.lock is not None:
        flapping = queueing.rule_flapping(case, case.record)
        return flapping or holding.rule(case, case.record)
    return queueing.rule(case, case.record)


def _unread(case: Case) -> Ruling | None:
    """Return the verdict where a source failed."""
    zookeeper, api = (case.dossier.source(name) for name in ("zookeeper", "api"))
    if zookeeper.error is not None:
        evidence = claims.missing(case, "The queue was not read.", zookeeper.error, "zookeeper")
        return Ruling(Verdict.UNKNOWN, "ZooKeeper could not be read.", (evidence,))
    if api.error is None:
        return None
    evidence = claims.missing(case, "The job's document was not read.", api.error, "api")
    if case.is_api_failing:
        summary = "The API fails for us and for all executors: the job is not at fault."
        return Ruling(Verdict.API_DOWN, summary, (evidence, *claims.consumers(case)))
    summary = "The API could not be read, so the state of the job is not known."
    return Ruling(Verdict.UNKNOWN, summary, (evidence,))


def _without_document(case: Case) -> Ruling:
    evidence = (claims.document(case, "The API has no such job."),)
    entry = case.entry
    if entry is None:
        return Ruling(Verdict.UNKNOWN, "There is no such job, and no entry of it.", evidence)
    if case.is_past(entry.created, limits.ENQUEUE):
        summary = "Its entry names a job that does not exist."
        return Ruling(Verdict.ORPHAN_ENTRY, summary, evidence)
    summary = "Its entry was made just now: the document may be on its way."
    return Ruling(Verdict.WAITING, summary, evidence)


def _wedged(case: Case) -> Ruling | None:
    """Return the verdict where a member works on what is no longer its own."""
    record = case.record
    if record is None:
        return None
    for member, running in case.strays:
        if case.stacks_deny(member):
            continue  # the presence node is a second late
        evidence = (claims.stray(case, member), claims.document(case), *_stacks(case))
        if not case.is_past(running.since, limits.SETTLED):
            continue
        if record.is_final and case.is_past(record.updated, limits.SETTLED):
            if record.state is JobState.CANCELED and case.lock is None:
                summary = f"It was cancelled, but a thread of {member.name} is still inside it."
                return Ruling(Verdict.CANCELLED_RUNNING, summary, evidence)
            summary = f"{member.name} still works on it, though it is {record.state}."
            return Ruling(Verdict.WEDGED_OWNER, summary, evidence)
        if case.lock is not None and case.held > limits.SETTLED:
            summary = f"{member.name} still works on it, though another executor took it."
            return Ruling(Verdict.WEDGED_OWNER, summary, evidence)
    return None


def _stacks(case: Case) -> tuple[Evidence, ...]:
    return (claims.stacks(case),) if case.dossier.stacks else ()


def _without_entry(case: Case) -> Ruling:
    record = case.record
    if record is None or record.is_final:
        return Ruling(Verdict.FINISHED, f"It has ended: {record.state if record else 'gone'}.")
    if not record.is_queued:
        what = "its monitor follows it" if record.is_followed else "its device fetches it"
        summary = f"It needs no entry: {what}."
        return Ruling(Verdict.ELSEWHERE, summary, (claims.document(case),))
    if case.strays:
        member, _ = case.strays[0]
        summary = f"A thread of {member.name} works on it, though its entry is gone."
        return Ruling(Verdict.WORKING, summary, (claims.stray(case, member),))
    if not case.dossier.is_searched:
        return Ruling(Verdict.UNKNOWN, "Not all of the queue was searched for its entry.")
    if record.created is None:
        return Ruling(Verdict.UNKNOWN, "It has no entry, and its document does not say its age.")
    if not case.is_past(record.created, limits.ENQUEUE):
        evidence = (claims.created(case, "It was created just now."),)
        return Ruling(Verdict.WAITING, "Its entry may be on its way.", evidence)
    old = age(case.age(record.created))
    summary = f"It is {record.state}, {old} old, and no entry of the queue holds it."
    proof = (claims.created(case, f"It was created {old} ago."), *claims.entries(case))
    return Ruling(Verdict.LOST, summary, proof)


def _once(evidence: Iterable[Evidence]) -> tuple[Evidence, ...]:
    """Leave out what was claimed before, in other words or the same."""
    found: dict[tuple[str, str], Evidence] = {}
    for each in evidence:
        found.setdefault((each.source, each.datum), each)
    return tuple(found.values())
