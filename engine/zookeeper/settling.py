"""How claims end: entries and locks deleted in transactions, as many claims at once as wait.

An outcome that is unknown (the connection broke before the answer came) is never guessed: the
request is repeated in the same session, and an entry that is gone then was consumed by the first
try. A session that is over ends the claim: whoever claims the entry next finds the job final.
"""

from __future__ import annotations

import logging
from collections.abc import Sequence
from typing import Any

from engine.text import clean
from engine.zookeeper import paths, wire
from engine.zookeeper.claiming import LOCK_VERSION
from engine.zookeeper.claims import Settled, Settlement
from engine.zookeeper.connection import Answer

log = logging.getLogger(__name__)

MAX_TOGETHER = 100
MAX_APART = 40
_APART_FOR = 4
_OPERATIONS = 2


class Consumption:
    """One try to consume some claims, in one flight."""

    def __init__(self, settlements: Sequence[Settlement], *, together: bool) -> None:
        """Args:
        settlements: what to consume.
        together: in one transaction, which fails as a whole.
        """
        self.settlements = tuple(settlements)
        operations = [_operations(settlement.claim.entry) for settlement in settlements]
        if together:
            operations = [[operation for each in operations for operation in each]]
        self.together = together
        self.requests: list[Any] = [wire.Multi(each) for each in operations]

    def land(self, answers: Sequence[Any]) -> dict[Settlement, Settled]:
        """Return what is settled now; what is missing has to be tried again."""
        if self.together:
            answers = self._spread(answers[0])
        settled = {}
        for settlement, answer in zip(self.settlements, answers, strict=True):
            if isinstance(answer, Exception):
                settlement.unsure = True
            elif answer is not None and (outcome := _judge(settlement, answer)) is not None:
                settled[settlement] = outcome
        return settled

    def _spread(self, answer: Any) -> list[Any]:
        if isinstance(answer, Exception):
            return [answer] * len(self.settlements)
        return [
            part if part[0] is not Answer.ROLLED_BACK or part[1] is not Answer.ROLLED_BACK else None
            for part in (answer[at : at + 2] for at in range(0, len(answer), _OPERATIONS))
        ]


class Settling:
    """The claims that wait to be consumed."""

    def __init__(self) -> None:
        """Nothing waits."""
        self.waiting: list[Settlement] = []
        self._apart_for = 0

    def attempt(self) -> Consumption | None:
        """Return the next try, or None where nothing waits."""
        if not self.waiting:
            return None
        together = not self._apart_for and len(self.waiting) > 1
        return Consumption(
            self.waiting[: MAX_TOGETHER if together else MAX_APART], together=together
        )

    def learn(self, consumption: Consumption, settled: dict[Settlement, Settled]) -> None:
        """Take away what is settled, and remember how it went."""
        self.waiting = [each for each in self.waiting if each not in settled]
        if len(settled) == len(consumption.settlements):
            self._apart_for = max(0, self._apart_for - 1)
        else:
            self._apart_for = _APART_FOR


def _operations(entry: str) -> list[Any]:
    return [
        wire.delete(paths.entry_path(entry)),
        wire.delete(paths.lock_path(entry), LOCK_VERSION),
    ]


def _judge(settlement: Settlement, answer: Sequence[Answer]) -> Settled | None:
    entry, lock = answer
    name = clean(settlement.claim.entry)
    if entry is Answer.DONE and lock is Answer.DONE:
        return Settled.CONSUMED
    if entry is Answer.NO_NODE:
        return Settled.CONSUMED if settlement.unsure else Settled.GONE
    if lock in (Answer.NO_NODE, Answer.BAD_VERSION):
        log.warning("the lock of %s is no longer ours: its entry is left to others", name)
        return Settled.LOST
    if Answer.NO_AUTH in answer or entry is Answer.NOT_EMPTY:
        reason = Answer.NO_AUTH if Answer.NO_AUTH in answer else entry
        log.error(
            "entry %s of job %s cannot be deleted (%s): its job is done, but the entry stays "
            "until somebody removes it; this process does not run it again",
            name,
            settlement.claim.job_id or "?",
            reason.value,
        )
        return Settled.REFUSED
    log.warning("consuming %s failed, trying again: %s", name, answer)
    return None
