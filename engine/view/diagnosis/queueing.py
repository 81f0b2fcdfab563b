"""The verdict on a job that stands in the queue, and that nobody holds."""

from __future__ import annotations

from datetime import datetime

from engine.models import Evidence, JobRecord, MemberState, Verdict
from engine.states import JOB_VERSION, JobState
from engine.view.diagnosis import claims, limits
from engine.view.diagnosis.case import Case
from engine.view.diagnosis.ruling import Ruling
from engine.wording import age, counted


def rule(case: Case, record: JobRecord) -> Ruling:
    """Return the verdict; the job has one entry, without a lock."""
    if record.is_final:
        summary = f"It is {record.state}; its entry is harmless, the next executor drops it."
        return Ruling(Verdict.LEFTOVER, summary, (claims.document(case),))
    if not record.is_queued:
        summary = "It is not for the queue any more; the next executor drops its entry."
        return Ruling(Verdict.ELSEWHERE, summary, (claims.document(case),))
    return (
        _api_down(case)
        or _no_consumer(case)
        or _unknown_action(case, record)
        or _poison(case, record)
        or _starved(case)
        or _waiting(case, record)
    )


def rule_flapping(case: Case, record: JobRecord) -> Ruling | None:
    """Return the verdict on a job that is taken and released again and again, also while somebody
    holds it for a moment; None where it is not."""
    if record.state is not JobState.QUEUED or case.held > limits.NOTICED:
        return None  # whoever set RUNNING has begun: this time it may be different
    if not _is_flapping(case):
        return None
    return _api_down(case) or _unknown_action(case, record) or _poison(case, record)


def _is_flapping(case: Case) -> bool:
    seen = case.flaps
    if seen is None or seen.times < limits.FLAPS or seen.window > limits.FLAP_WINDOW:
        return False
    return not case.is_past(seen.last, limits.FLAP_RECENT)


def _api_down(case: Case) -> Ruling | None:
    if not case.is_api_failing or _others_take(case) or not _is_still(case):
        return None
    summary = "All executors have stopped claiming, since the API fails for them."
    return Ruling(Verdict.API_DOWN, summary, tuple(claims.consumers(case)))


def _poison(case: Case, record: JobRecord) -> Ruling | None:
    seen = case.flaps
    if seen is None or not _is_flapping(case):
        return None
    why = f": {seen.reason}" if seen.reason else ""
    summary = f"It was taken and released {seen.times} times in {age(seen.window)}{why}."
    return Ruling(Verdict.POISON, summary, (claims.flaps(case), *_version(case, record)))


def _no_consumer(case: Case) -> Ruling | None:
    members = case.dossier.members
    if members is None or _takes(case) or _others_take(case):
        return None
    if not _is_still(case):
        return None
    evidence = (*claims.consumers(case), claims.last_start(case))
    pace = case.dossier.pace
    if pace is None:
        summary = "No executor is present, and whether others start jobs is not known."
        return Ruling(Verdict.UNKNOWN, summary, evidence)
    if members.paused is not None:
        summary = "The executors are paused."
    elif case.executors:
        summary = f"None of {counted(len(case.executors), 'executor')} takes jobs."
    else:
        summary = "No executor is present, and none starts jobs."
    return Ruling(Verdict.NO_CONSUMER, summary, evidence)


def _unknown_action(case: Case, record: JobRecord) -> Ruling | None:
    if not _takes(case) or _others_take(case):
        return None
    if any(record.action in member.offers for member in case.executors):
        return None
    if not case.is_past(_made(case), limits.NO_START):
        return None
    summary = f"No executor that is present offers {record.action}."
    return Ruling(Verdict.UNKNOWN_ACTION, summary, (claims.offers(case),))


def _starved(case: Case) -> Ruling | None:
    """Return the verdict where better priorities keep coming, and its own never has its turn."""
    pace = case.dossier.pace
    if pace is None or None in (pace.better_arrived, pace.better_started, pace.others_started):
        return None
    arrived, started = pace.better_arrived or 0, pace.better_started or 0
    if pace.window < limits.STARVED or not case.is_past(_made(case), pace.window):
        return None
    if pace.others_started or not started or arrived < started:
        return None
    summary = (
        f"Its place has not improved for {age(pace.window)}, while {arrived} jobs of a better "
        "priority came."
    )
    return Ruling(Verdict.STARVED, summary, (claims.overtaken(case), *claims.place(case)))


def _waiting(case: Case, record: JobRecord) -> Ruling:
    ahead = case.dossier.ahead
    before = "" if ahead is None else f": {counted(ahead, 'entry', 'entries')} stand before it"
    again = ", put back by the executor that had it," if record.state is JobState.RUNNING else ""
    evidence = (*claims.place(case), *claims.consumers(case), *_version(case, record))
    return Ruling(Verdict.WAITING, f"It waits{again} for its turn{before}.", evidence)


def _version(case: Case, record: JobRecord) -> tuple[Evidence, ...]:
    if record.version <= JOB_VERSION:
        return ()
    claim = "Executors of this version leave it to newer ones, and put it back each time."
    return (claims.seen(case, claim, f"version={record.version}", "api"),)


def _takes(case: Case) -> bool:
    """Whether an executor of ours is present and takes jobs."""
    members = case.dossier.members
    is_paused = members is not None and members.paused is not None
    return not is_paused and any(m.state is MemberState.RUNNING for m in case.executors)


def _is_still(case: Case) -> bool:
    """Whether the job has waited for a while, and nothing was started in it as far as is known:
    somebody may take jobs without announcing itself."""
    pace = case.dossier.pace
    last = None if pace is None else pace.last_started
    return case.is_past(_made(case), limits.NO_START) and (
        last is None or case.is_past(last, limits.NO_START)
    )


def _others_take(case: Case) -> bool:
    """Whether executors that do not announce themselves are at work."""
    return case.dossier.foreign_locks > 0


def _made(case: Case) -> datetime | None:
    return case.entry.created if case.entry else None
