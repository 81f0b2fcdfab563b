"""Tell a member to do something, and understand its answer."""

from __future__ import annotations

from datetime import UTC, datetime

from engine.act.carried import Carried
from engine.act.operations import TellMember
from engine.act.plan import Options
from engine.act.sources import Sources
from engine.errors import ControlError
from engine.models import Ending
from engine.models.control import Outcome, Request
from engine.zookeeper.channel import ask

PATIENCE = 10.0
"""Seconds that an action gets to end before its executor refuses to let go of the job."""
ANSWER = 10.0
"""Seconds that a member has beyond that for its answer."""
_ENDINGS = {
    Outcome.DONE: Ending.DONE,
    Outcome.REFUSED: Ending.REFUSED,
    Outcome.NOT_MINE: Ending.REFUSED,
    Outcome.LIMITED: Ending.REFUSED,
    Outcome.FAILED: Ending.MAYBE_APPLIED,
}


def tell(told: TellMember, options: Options, sources: Sources) -> Carried:
    """Send the command and wait for the answer. One that was lost may have been obeyed.

    Raises:
        ZooKeeperError: the request could not be sent.
    """
    details: dict[str, str | float] = {"reason": options.reason, "patience": PATIENCE}
    if told.entry is not None:
        details["entry"] = told.entry
    request = Request.new(
        told.command, by=options.by, now=datetime.now(UTC), job_id=told.job_id, **details
    )
    try:
        reply = ask(sources.zk, sources.own, told.instance, request, timeout=PATIENCE + ANSWER)
    except ControlError as error:
        ending = Ending.MAYBE_APPLIED if error.maybe_done else Ending.REFUSED
        return Carried(ending=ending, detail=str(error))
    return Carried(ending=_ENDINGS[reply.outcome], detail=reply.detail)
