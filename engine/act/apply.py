"""Apply a plan: plan anew, put it on record, do it in one step, and look whether it came true."""

from __future__ import annotations

from dataclasses import replace

from engine.act.acts import ACTS, Act
from engine.act.bases import changes
from engine.act.carried import Carried
from engine.act.carrying import carry_out
from engine.act.plan import Options, Plan, Sight
from engine.act.recording import Recorder
from engine.act.sources import Sources
from engine.errors import EngineError
from engine.models import Ending, Outcome, Who

__all__ = ["Recorder", "apply", "plan_and_apply"]


def apply(plan: Plan, sources: Sources, *, by: Who, reason: str, audit: Recorder) -> Outcome:
    """Do what a plan says, if it still holds.

    Everything is read again first; where anything that the plan rests on has changed, or a reason
    to refuse has come up, nothing is done and the outcome says why. The write is on record before.
    Between that reading and the write, only the server's own checks hold: versions of nodes in
    ZooKeeper, the state of a job in the API, the thread of a job in its executor.

    Args:
        plan: as the operator saw it.
        sources: where to read and write.
        by: who acts.
        reason: why, in the operator's words; "" where none was given.
        audit: the record.

    Raises:
        AuditError: it cannot be recorded, so nothing was done.
        EngineError: a source failed, and nothing was changed.
    """
    act = ACTS[plan.act]
    with act.guard(sources, plan.subject):
        options = replace(plan.options, by=str(by), reason=reason)
        fresh = act.plan(sources, plan.subject, options)
        obstacle = _obstacle(plan, fresh)
        if obstacle is not None:
            return _outcome(plan, False, obstacle)
        return _do(act, fresh, sources, by, audit)


def plan_and_apply(
    act: Act, subject: str, options: Options, sources: Sources, *, by: Who, audit: Recorder
) -> Outcome:
    """Plan an act and do it at once: for one of many, whose plan nobody was shown.

    Args:
        act: what to do.
        subject: to what.
        options: with the reason.
        sources, by, audit: as `apply`.

    Raises:
        AuditError, EngineError: as `apply`.
    """
    with act.guard(sources, subject):
        plan = act.plan(sources, subject, replace(options, by=str(by)))
        if plan.is_refused:
            return _outcome(plan, False, "; ".join(plan.refusals))
        return _do(act, plan, sources, by, audit)


def _do(act: Act, plan: Plan, sources: Sources, by: Who, audit: Recorder) -> Outcome:
    attempt = audit.attempt(plan, by=by, reason=plan.options.reason or None)
    try:
        carried = carry_out(plan, sources)
    except EngineError as error:
        attempt.outcome(Ending.FAILED, str(error))
        raise
    ending, outcome = _conclude(act, plan, sources, carried)
    trouble = attempt.outcome(ending, outcome.detail)
    return outcome if trouble is None else replace(outcome, detail=f"{outcome.detail}; {trouble}")


def _obstacle(plan: Plan, fresh: Plan) -> str | None:
    """Return why the plan is not carried out, or None."""
    if plan.is_refused:
        return "; ".join(plan.refusals)
    changed = changes(plan.rests_on, fresh.rests_on)
    if changed:
        return f"the plan has gone stale: {'; '.join(changed)}"
    if fresh.is_refused:
        return "; ".join(fresh.refusals)
    if fresh.operations != plan.operations:
        now = "; ".join(operation.words for operation in fresh.operations)
        return f"the plan has gone stale: by now it would {now or 'do nothing'}"
    return None


def _conclude(act: Act, plan: Plan, sources: Sources, carried: Carried) -> tuple[Ending, Outcome]:
    """Look what became of it, and say so."""
    if carried.ending in (Ending.REFUSED, Ending.FAILED):
        return carried.ending, _outcome(plan, False, carried.detail)
    is_sure = carried.ending is Ending.DONE
    try:
        sight = act.look(sources, plan, carried.made)
    except EngineError as error:
        unseen = f"what became of it cannot be read: {error}"
        if is_sure:
            return Ending.DONE, _outcome(plan, True, f"done, but {unseen}", made=carried.made)
        detail = f"it may be done: {carried.detail}; {unseen}. Look before it is repeated"
        outcome = replace(_outcome(plan, False, detail), is_unknown=True)
        return Ending.MAYBE_APPLIED, outcome
    return _seen(plan, carried, sight)


def _seen(plan: Plan, carried: Carried, sight: Sight) -> tuple[Ending, Outcome]:
    made = sight.made or carried.made
    if sight.is_done:
        return Ending.DONE, _outcome(plan, True, _joined(carried.detail, sight.detail), made=made)
    # Late is not never: the API or the member may do it yet.
    is_answered = carried.ending is Ending.DONE
    answer = "it was answered as done" if is_answered else carried.detail
    detail = f"it is not done so far: {sight.detail} ({answer}). Look before it is repeated"
    outcome = replace(_outcome(plan, False, detail, made=made), is_unknown=not is_answered)
    return Ending.MAYBE_APPLIED, outcome


def _joined(*parts: str) -> str:
    return "; ".join(part for part in parts if part)


def _outcome(plan: Plan, done: bool, detail: str, *, made: str = "") -> Outcome:
    return Outcome(operation=plan.act, subject=plan.subject, done=done, detail=detail, made=made)
