"""The safe act of each verdict."""

from __future__ import annotations

from engine.models import SafeAct, Verdict

_ADVICE: dict[Verdict, tuple[tuple[str, str], ...]] = {
    Verdict.HUNG: (
        ("cancel", "Cancel the job."),
        ("drain", "Drain its executor, and restart it once its other jobs have ended."),
    ),
    Verdict.GHOST_LOCK: (
        ("release", "Release the lock, after fresh proof that no thread works on the job."),
    ),
    Verdict.WEDGED_OWNER: (("restart", "Restart the executor that keeps the job."),),
    Verdict.LOCK_EXPIRING: (("wait", "Wait until the session has expired, then look again."),),
    Verdict.LOST: (("restore", "Put the job back once, with its own priority."),),
    Verdict.LEFTOVER: (
        ("drop", "Nothing has to be done: the next executor drops the entry. You may drop it."),
    ),
    Verdict.CANCELLED_RUNNING: (
        ("wait", "Wait: a cancel does not stop an action."),
        ("interrupt", "Or interrupt its thread."),
        ("restart", "Restart the executor as the last resort."),
    ),
    Verdict.DUPLICATE: (("drop", "Drop the later entries."),),
    Verdict.POISON: (
        ("cancel", "Park the job: cancel it, and requeue it once the cause is mended."),
        ("mend", "Mend the cause: the engine's version, or its credentials."),
    ),
    Verdict.STARVED: (("reprioritise", "Raise the priority of the job."),),
    Verdict.NO_CONSUMER: (("resume", "Start an executor, or resume one."),),
    Verdict.NO_DISTRIBUTOR: (("restart", "Start the distributor, or restart the one that leads."),),
    Verdict.ORPHAN_ENTRY: (("drop", "Drop the entry."),),
    Verdict.OVERSIZED: (
        ("wait", "Let executors work the queue off, and tell who creates the jobs."),
    ),
    Verdict.API_DOWN: (("mend", "Mend the API first: the jobs are not at fault."),),
    Verdict.UNKNOWN_ACTION: (("deploy", "Deploy the action to an executor, and restart that."),),
    Verdict.UNKNOWN: (("look", "Give access to what could not be read, and look again."),),
}
_RESTART_FOREIGN = SafeAct(
    act="restart", text="Restart the executor that holds it: it cannot be asked to let go."
)
_UNPAUSE = SafeAct(
    act="unpause", text="Let the executors take jobs again, once the reason for the pause is gone."
)


def acts_for(
    verdict: Verdict, *, is_foreign: bool = False, is_paused: bool = False
) -> tuple[SafeAct, ...]:
    """Return the acts that mend it, the first choice first.

    Args:
        verdict: what is wrong.
        is_foreign: whether the lock's owner is no executor of ours.
        is_paused: whether somebody paused the executors.
    """
    if is_paused and verdict is Verdict.NO_CONSUMER:
        return (_UNPAUSE,)
    if is_foreign and verdict is Verdict.GHOST_LOCK:
        return (_RESTART_FOREIGN,)
    return tuple(SafeAct(act=act, text=text) for act, text in _ADVICE.get(verdict, ()))
