"""Free the locks of this session that belong to no claim.

The names come from the server's own list of this session's nodes, so no lock of anybody else can
be meant; `sync` comes first, since a member that we have just turned to may lag.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Any

from kazoo.exceptions import NoAuthError, NoNodeError

from engine.errors import ZooKeeperUnavailable
from engine.zookeeper import paths, wire
from engine.zookeeper.connection import ZooKeeper

_CHUNK = 40


@dataclass(frozen=True, slots=True)
class Swept:
    """What a sweep found."""

    freed: frozenset[str]
    """Entries whose locks of ours are gone now."""
    is_denied: bool
    """Whether an ACL kept a lock in place; it goes with the session."""


def sweep(zk: ZooKeeper, epoch: int, held: Collection[str]) -> Swept:
    """Delete all locks of the session but those of the entries that are held.

    Raises:
        ZooKeeperUnavailable: not sent, or an outcome is unknown: sweep again.
        SessionLost: the session of the epoch has ended.
    """
    _, found = _answers(zk, epoch, [wire.Sync(paths.TAKEN), wire.Ephemerals(paths.TAKEN)])
    strays = sorted({path.rpartition("/")[2] for path in found}.difference(held))
    denied = set()
    for start in range(0, len(strays), _CHUNK):
        chunk = strays[start : start + _CHUNK]
        answers = _answers(zk, epoch, [wire.delete(paths.lock_path(name)) for name in chunk])
        pairs = zip(chunk, answers, strict=True)
        denied |= {name for name, answer in pairs if isinstance(answer, NoAuthError)}
    return Swept(frozenset(strays) - denied, bool(denied))


def _answers(zk: ZooKeeper, epoch: int, requests: Sequence[Any]) -> list[Any]:
    answers = zk.exchange(requests, epoch=epoch)
    for answer in answers:
        if isinstance(answer, Exception) and not isinstance(answer, (NoNodeError, NoAuthError)):
            raise ZooKeeperUnavailable(f"the outcome of a sweep is unknown: {answer!r}")
    return answers
