"""The verdict on a job that somebody holds."""

from __future__ import annotations

from engine.models import JobRecord, Verdict
from engine.states import JobState
from engine.view.diagnosis import claims, limits
from engine.view.diagnosis.case import Case
from engine.view.diagnosis.ruling import Ruling
from engine.wording import age


def rule(case: Case, record: JobRecord) -> Ruling:
    """Return the verdict; the job has one entry, and a lock on it."""
    expiring = _expiring(case)
    if expiring is not None:
        return expiring
    if record.is_final:
        return _ended(case, record)
    if _stack_says(case) is not None:
        return _by_stacks(case, record)
    if case.running is not None:
        return _busy(case)
    if case.owner is not None:
        return _idle_owner(case, record)
    if case.lock is not None and case.lock.owner.is_foreign:
        return _foreign(case, record)
    return _absent_owner(case)


def _expiring(case: Case) -> Ruling | None:
    """Return the verdict where the owner's session is no longer heard from."""
    link = case.dossier.link
    if link is None:
        return None
    if link.is_gone:
        summary = "Its owner is gone; the lock goes when the owner's session expires."
        return Ruling(Verdict.LOCK_EXPIRING, summary, tuple(claims.link(case)))
    if link.silence is None or not link.timeout or link.silence <= link.timeout * 2 / 3:
        return None  # an idle client pings every third of its timeout
    left = max(0.0, link.timeout - link.silence)
    summary = (
        f"Its owner has been silent for {link.silence:.0f} s: its session expires in "
        f"{left:.0f} s at most, unless it speaks again."
    )
    return Ruling(Verdict.LOCK_EXPIRING, summary, tuple(claims.link(case)))


def _ended(case: Case, record: JobRecord) -> Ruling:
    seen = _stack_says(case)
    inside = seen if seen is not None else case.running is not None or _is_foreign(case)
    proof = (claims.stacks(case),) if seen is not None else ()
    if record.state is JobState.CANCELED and inside:
        summary = "It was cancelled, but a cancel does not stop its thread, which is still inside."
        return Ruling(Verdict.CANCELLED_RUNNING, summary, (claims.document(case), *proof))
    if case.held <= limits.SETTLED or not case.is_past(record.updated, limits.SETTLED):
        summary = f"It has just ended ({record.state}): its lock is about to go."
        return Ruling(Verdict.WORKING, summary, (claims.document(case),))
    since = age(case.age(record.updated))
    summary = f"It ended {since} ago ({record.state}), yet its owner keeps it."
    evidence = (claims.document(case), claims.owner(case), *proof)
    return Ruling(Verdict.WEDGED_OWNER, summary, evidence)


def _by_stacks(case: Case, record: JobRecord) -> Ruling:
    """Judge by the samples of the owner's threads, which are worth more than what it says."""
    if _stack_says(case) is False:
        return _idle_owner(case, record)
    samples = case.dossier.stacks
    if any(sample.frames != samples[-1].frames for sample in samples):
        summary = f"A thread has worked on it for {age(case.run_time)}, and moves."
        return Ruling(Verdict.WORKING, summary, (claims.stacks(case), claims.history(case)))
    # What stands still for a moment may wait for something: only its time can tell.
    return _busy(case)


def _busy(case: Case) -> Ruling:
    """Judge a thread that is inside, by its time: by what was seen of it or its owner says."""
    evidence = (claims.stacks(case), claims.owner(case), claims.history(case))
    limit = case.hung_after
    if limit is None and case.run_time > limits.UNKNOWN_RUN and _is_quiet(case):
        return _unjudged(case)
    if limit is not None and case.run_time > limit and _is_quiet(case):
        return Ruling(Verdict.HUNG, _hung_summary(case), (*evidence, claims.document(case)))
    summary = f"A thread has worked on it for {age(case.run_time)}."
    return Ruling(Verdict.WORKING, summary, evidence)


def _is_quiet(case: Case) -> bool:
    """Whether the document shows no progress of late."""
    written = None if case.record is None else case.record.updated
    return written is None or case.is_past(written, limits.PROGRESS)


def _idle_owner(case: Case, record: JobRecord) -> Ruling:
    """Judge where the owner lives, and no thread of it works on the job."""
    proof = claims.stacks(case) if case.dossier.stacks else claims.owner(case)
    if case.held <= limits.NOTICED:
        summary = "It was taken just now; its owner may not have said so yet."
        return Ruling(Verdict.WORKING, summary, (proof,))
    summary = (
        f"It has been held for {age(case.held)} by an executor that lives, "
        "but none of whose threads works on it."
    )
    evidence = (proof, claims.stacks(case), claims.document(case))
    return Ruling(Verdict.GHOST_LOCK, summary, evidence)


def _foreign(case: Case, record: JobRecord) -> Ruling:
    """Judge where the owner does not announce itself: by the document alone."""
    evidence = (claims.owner(case), claims.document(case), claims.stacks(case))
    if record.state is JobState.QUEUED:
        if case.held <= limits.FOREIGN_START:
            return Ruling(Verdict.WORKING, f"It was taken {age(case.held)} ago.", evidence)
        summary = (
            f"It has been held for {age(case.held)} by an executor of another kind that lives, "
            "but never began it: the first thing that a thread does is to set RUNNING."
        )
        return Ruling(Verdict.GHOST_LOCK, summary, evidence)
    history = claims.history(case)
    limit = case.hung_after
    if not _is_quiet(case) or case.run_time <= (limit or limits.UNKNOWN_RUN):
        summary = f"An executor of another kind has had it for {age(case.run_time)}."
        return Ruling(Verdict.WORKING, summary, (*evidence, history))
    if limit is None:
        return _unjudged(case)
    return Ruling(Verdict.HUNG, _hung_summary(case), (*evidence, history))


def _absent_owner(case: Case) -> Ruling:
    """Judge where the owner is one of ours, but has no presence node."""
    if case.held <= limits.NOTICED:
        return Ruling(Verdict.WORKING, f"It was taken {age(case.held)} ago.", (claims.owner(case),))
    summary = "Its owner lives, but does not say what its threads work on."
    return Ruling(Verdict.UNKNOWN, summary, (claims.owner(case),))


def _unjudged(case: Case) -> Ruling:
    lacks = "a history of its action"
    if _stack_says(case) is None:
        lacks += " and a stack of its thread"
    summary = (
        f"It has run for {age(case.run_time)}; without {lacks} nobody can tell a long run from a "
        "hung one."
    )
    return Ruling(Verdict.UNKNOWN, summary, (claims.history(case), claims.stacks(case)))


def _hung_summary(case: Case) -> str:
    action = case.record.action if case.record else "its action"
    known = case.dossier.history
    longest = age(known.longest) if known else "-"
    return (
        f"It has run for {age(case.run_time)} without a sign of progress; "
        f"{action} took {longest} at most before."
    )


def _stack_says(case: Case) -> bool | None:
    """Whether a thread is inside the action, or None where no stack tells: in a process that is
    not ours a thread without the job's id may work on it all the same."""
    samples = case.dossier.stacks
    if not samples or (samples[-1].frames is None and case.owner is None):
        return None
    return samples[-1].frames is not None


def _is_foreign(case: Case) -> bool:
    return case.lock is not None and case.lock.owner.is_foreign
