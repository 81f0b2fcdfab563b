"""The acts: one list that the verbs and the console walk, so that neither has one of its own."""

from __future__ import annotations

from contextlib import nullcontext
from dataclasses import dataclass
from enum import StrEnum

from engine.act.cancel import look_at_cancel, plan_cancel
from engine.act.plan import Guard, Look, Planner
from engine.act.release import look_at_release, plan_release
from engine.act.sources import Need, Sources
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


def _unguarded(_: Sources) -> nullcontext[None]:
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


_ACTS = (
    Act(
        name="release",
        summary="let a held job go back to the queue",
        argument=Argument.ENTRY,
        needs=frozenset({Need.ZOOKEEPER}),
        plan=plan_release,
        look=look_at_release,
        takes=frozenset({"force"}),
        key="U",
    ),
    Act(
        name="cancel",
        summary="make a job CANCELED",
        argument=Argument.JOB,
        needs=frozenset({Need.API}),
        plan=plan_cancel,
        look=look_at_cancel,
        key="X",
    ),
)
ACTS: dict[str, Act] = {act.name: act for act in _ACTS}
"""All acts by name."""


def act_of(advice: SafeAct) -> Act | None:
    """Return the act that a diagnosis advises, or None for advice that is nothing to click on,
    such as to wait or to restart a process."""
    return ACTS.get(advice.act)
