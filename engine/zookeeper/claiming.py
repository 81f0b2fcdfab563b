"""How free entries become claims: the requests of one attempt, and what their answers mean.

A claim is the atomic creation of an ephemeral lock beside a check of its entry, so no lock is ever
left on a consumed entry. Each lock is written once after its creation and so has version 1, while
a stock consumer's has version 0: a delete that asks for version 1 cannot free a stock one.
"""

from __future__ import annotations

import logging
import secrets
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from engine.text import clean, clean_bytes
from engine.zookeeper import paths, wire
from engine.zookeeper.claims import Claim
from engine.zookeeper.connection import Answer, Node, ZooKeeper

log = logging.getLogger(__name__)

LOCK_VERSION = 1
"""Version of our locks."""
MAX_APART = 40
"""Entries that are tried one by one in a flight."""
MAX_TOGETHER = 100
"""Entries that are tried in one transaction."""
_APART_FOR = 4
"""Attempts that are made one by one after a transaction was lost to somebody else."""
_OPERATIONS = 3


@dataclass(slots=True)
class Landing:
    """What an attempt came to."""

    claims: list[Claim] = field(default_factory=list)
    unusable: list[Claim] = field(default_factory=list)
    """Claims on entries that hold no job id: to be consumed."""
    again: list[str] = field(default_factory=list)
    """Names that were not tried after all."""
    beaten: list[str] = field(default_factory=list)
    """Names that somebody else holds."""
    gone: list[str] = field(default_factory=list)
    """Names that have no entry any more."""
    is_doubtful: bool = False
    """Whether there may be locks of ours beside these claims."""
    is_denied: bool = False
    """Whether an ACL forbids it."""
    is_taken_missing: bool = False
    """Whether /job/taken does not exist."""


class Attempt:
    """One try to claim some entries, in one flight."""

    def __init__(
        self,
        zk: ZooKeeper,
        epoch: int,
        instance: str,
        names: Sequence[str],
        workers: Sequence[str],
        *,
        together: bool,
    ) -> None:
        """Args:
        zk: for the claims.
        epoch: the session that the claims belong to.
        instance: goes into the locks.
        names: the entries.
        workers: the worker that each is for.
        together: in one transaction, which fails as a whole.
        """
        self.together = together
        self.claims = [
            Claim(
                entry=name,
                job_id="",
                priority=paths.entry_priority(name),
                enqueued_at=wire.NO_TIME,
                worker=worker,
                epoch=epoch,
                token=secrets.token_hex(8),
                czxid=0,
                zk=zk,
            )
            for name, worker in zip(names, workers, strict=True)
        ]
        operations = [_operations(claim, instance) for claim in self.claims]
        if together:
            operations = [[operation for each in operations for operation in each]]
        entries = [paths.entry_path(name) for name in names]
        self.requests: list[Any] = [*map(wire.Multi, operations), wire.MultiRead(entries)]

    def land(self, answers: Sequence[Any]) -> Landing:
        """Read the answers, one for each request."""
        landing = Landing()
        *transactions, reads = answers
        if self.together:
            transactions = self._spread(transactions[0], landing)
        if isinstance(reads, Exception):
            landing.is_doubtful = True
            reads = [Answer.FAILED] * len(self.claims)
        for claim, answer, node in zip(self.claims, transactions, reads, strict=True):
            self._judge(claim, answer, node, landing)
        return landing

    def _spread(self, answer: Any, landing: Landing) -> list[Any]:
        """Return an answer for each claim, from the answer for all of them."""
        size = _OPERATIONS
        if isinstance(answer, Exception):
            return [answer] * len(self.claims)
        parts = [answer[at : at + size] for at in range(0, len(answer), size)]
        return [
            part
            if any(one not in (Answer.DONE, Answer.ROLLED_BACK) for one in part)
            or all(one is Answer.DONE for one in part)
            else None
            for part in parts
        ]

    def _judge(self, claim: Claim, answer: Any, node: Node | Answer, landing: Landing) -> None:
        if answer is None:
            landing.again.append(claim.entry)
        elif isinstance(answer, Exception):
            landing.is_doubtful = True
        elif all(one is Answer.DONE for one in answer):
            self._claimed(claim, node, landing)
        elif Answer.NO_AUTH in answer:
            landing.is_denied = True
            landing.again.append(claim.entry)
        elif answer[0] is Answer.NO_NODE:
            landing.gone.append(claim.entry)
        elif answer[1] is Answer.EXISTS:
            landing.beaten.append(claim.entry)
        elif answer[1] is Answer.NO_NODE:
            landing.is_taken_missing = True
            landing.again.append(claim.entry)
        else:
            log.warning("claiming %s failed: %s", claim.entry, answer)

    def _claimed(self, claim: Claim, node: Node | Answer, landing: Landing) -> None:
        if isinstance(node, Answer):
            # Deleted by hand right after the claim, or not readable: the lock is given back.
            landing.is_doubtful = True
            landing.is_denied = landing.is_denied or node is Answer.NO_AUTH
            return
        data, stat = node
        claim.enqueued_at, claim.czxid = stat.created, stat.czxid
        job_id = paths.parse_job_id(data)
        if job_id is None:
            log.error(
                "entry %s holds no job id and is removed: %s (%d bytes)",
                clean(claim.entry),
                clean_bytes(data, limit=100) or "it is empty",
                len(data),
            )
            landing.unusable.append(claim)
        else:
            claim.job_id = job_id
            landing.claims.append(claim)


class Claiming:
    """Chooses between transactions of many entries and of one, by how the last ones went."""

    def __init__(self, zk: ZooKeeper, instance: str) -> None:
        """Args: as `Attempt`."""
        self._zk = zk
        self.instance = instance
        self._apart_for = 0

    def room(self, wanted: int) -> int:
        """Return how many entries to try at once, where so many are wanted."""
        return min(wanted, MAX_APART if self._apart_for else MAX_TOGETHER)

    def attempt(self, epoch: int, names: Sequence[str], workers: Sequence[str]) -> Attempt:
        """Return the next attempt on these names."""
        together = not self._apart_for and len(names) > 1
        return Attempt(self._zk, epoch, self.instance, names, workers, together=together)

    def learn(self, attempt: Attempt, landing: Landing) -> None:
        """Remember how an attempt went."""
        if (landing.beaten or landing.gone) and (attempt.together or self._apart_for):
            self._apart_for = _APART_FOR
        elif self._apart_for:
            self._apart_for -= 1


def _operations(claim: Claim, instance: str) -> list[Any]:
    lock = paths.lock_path(claim.entry)
    note = claim.note(instance).to_node()
    return [
        wire.check(paths.entry_path(claim.entry)),
        wire.create(lock, b"", flags=wire.EPHEMERAL),
        wire.set_data(lock, note),
    ]
