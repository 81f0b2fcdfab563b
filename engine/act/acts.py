"""The acts: one list that the verbs and the console walk, so that neither has one of its own."""

from __future__ import annotations

from contextlib import nullcontext
from dataclasses import dataclass
from enum import StrEnum

from engine.act.cancel import look_at_cancel, plan_cancel
from engine.act.drop import look_at_drop, plan_drop
from engine.act.interrupt import look_at_interrupt, plan_interrupt
from engine.act.members import look_at_drain, look_at_resume, plan_drain, plan_resume
from engine.act.pausing import look_at_pause, look_at_unpause, plan_pause, plan_unpause
from engine.act.plan import Guard, Look, Planner
from engine.act.release import look_at_release, plan_release
from engine.act.reprioritise import look_at_reprioritise, plan_reprioritise
from engine.act.requeue import guard_requeue, look_at_requeue, plan_requeue
from engine.act.restore_one import guard_restore, look_at_restore_one, plan_restore_one
from engine.act.sources import Need, Sources
from engine.act.start import look_at_start, plan_start
from engine.models import SafeAct


class Argument(StrEnum):
    """What the subject of an act is."""

    JOB = "job"
    """A job id."""
    ENTRY = "entry"
    """A job id, or the name of an entry where one of several is meant."""
    MEMBER = "member"
    """A member by its name or instance, or the id of a job that it holds."""
    ACTION = "action"
    """The name of an action."""
    NONE = "none"
    """There is no subject: it is ""."""


def _unguarded(_sources: Sources, _subject: str) -> nullcontext[None]:
    return nullcontext()


@dataclass(frozen=True, slots=True, kw_only=True)
class Act:
    """One act. Its verb has the same name."""

    name: str
    summary: str
    """A few words, for lists and help."""
    argument: Argument
    needs: frozenset[Need]
    plan: Planner
    look: Look
    takes: frozenset[str] = frozenset()
    """The fields of `Options` that it looks at, beside `by` and `reason`."""
    key: str = ""
    """Its key in the console; "" where it is reached by its name only."""
    guard: Guard = _unguarded


_API = frozenset({Need.API})
_ZOOKEEPER = frozenset({Need.ZOOKEEPER})
_BOTH = _API | _ZOOKEEPER

_ACTS = (
    Act(
        name="start",
        summary="create a job",
        argument=Argument.ACTION,
        needs=_API,
        plan=plan_start,
        look=look_at_start,
        takes=frozenset({"priority", "target", "payload"}),
        key="n",
    ),
    Act(
        name="release",
        summary="let a held job go back to the queue",
        argument=Argument.ENTRY,
        needs=_ZOOKEEPER,
        plan=plan_release,
        look=look_at_release,
        takes=frozenset({"force"}),
        key="U",
    ),
    Act(
        name="cancel",
        summary="make a job CANCELED",
        argument=Argument.JOB,
        needs=_API,
        plan=plan_cancel,
        look=look_at_cancel,
        key="X",
    ),
    Act(
        name="requeue",
        summary="run a finished job again, as a new job",
        argument=Argument.JOB,
        needs=_BOTH,
        plan=plan_requeue,
        look=look_at_requeue,
        key="R",
        guard=guard_requeue,
    ),
    Act(
        name="drop",
        summary="delete entries that nobody needs",
        argument=Argument.ENTRY,
        needs=_BOTH,
        plan=plan_drop,
        look=look_at_drop,
        takes=frozenset({"force"}),
    ),
    Act(
        name="reprioritise",
        summary="move a waiting job to another priority",
        argument=Argument.JOB,
        needs=_BOTH,
        plan=plan_reprioritise,
        look=look_at_reprioritise,
        takes=frozenset({"priority"}),
    ),
    Act(
        name="drain",
        summary="let an executor take no more jobs",
        argument=Argument.MEMBER,
        needs=_ZOOKEEPER,
        plan=plan_drain,
        look=look_at_drain,
        key="D",
    ),
    Act(
        name="resume",
        summary="let a drained executor take jobs again",
        argument=Argument.MEMBER,
        needs=_ZOOKEEPER,
        plan=plan_resume,
        look=look_at_resume,
        key="D",
    ),
    Act(
        name="pause",
        summary="let no executor of ours take jobs",
        argument=Argument.NONE,
        needs=_ZOOKEEPER,
        plan=plan_pause,
        look=look_at_pause,
    ),
    Act(
        name="unpause",
        summary="let the executors take jobs again",
        argument=Argument.NONE,
        needs=_ZOOKEEPER,
        plan=plan_unpause,
        look=look_at_unpause,
    ),
    Act(
        name="interrupt",
        summary="end the action of a job from within its thread",
        argument=Argument.JOB,
        needs=_ZOOKEEPER,
        plan=plan_interrupt,
        look=look_at_interrupt,
        key="I",
    ),
    Act(
        name="restore",
        summary="put a job without an entry back in the queue",
        argument=Argument.JOB,
        needs=_BOTH,
        plan=plan_restore_one,
        look=look_at_restore_one,
        guard=guard_restore,
    ),
)
ACTS: dict[str, Act] = {act.name: act for act in _ACTS}
"""All acts by name."""


def act_of(advice: SafeAct) -> Act | None:
    """Return the act that a diagnosis advises, or None for advice that is nothing to click on,
    such as to wait or to restart a process."""
    return ACTS.get(advice.act)
