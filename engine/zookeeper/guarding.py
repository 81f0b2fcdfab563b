"""Notice when somebody takes away the lock or the entry of a job that runs.

The server itself keeps a consume from stock locks, by their version. It cannot tell our lock from
that of another executor of ours, nor an entry from one of the same name in a queue that was made
anew. So both nodes of each claim that lasts are watched: an event is on its way before anybody can
read the change. Quick jobs end before that, and cost nothing.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from kazoo.exceptions import NoAuthError, NoNodeError

from engine.errors import ZooKeeperUnavailable
from engine.zookeeper import paths, wire
from engine.zookeeper.claims import Claim
from engine.zookeeper.connection import ZooKeeper

AFTER = 1.0
"""Seconds for which a claim goes unwatched."""
_CHUNK = 50
_NEVER = float("inf")


class _Guard:
    """The watches of one claim."""

    __slots__ = ("_wake", "claim", "has_fired")

    def __init__(self, claim: Claim, wake: Callable[[], None]) -> None:
        self.claim = claim
        self.has_fired = True
        self._wake = wake

    def fire(self) -> None:
        """Called in kazoo's thread: something changed, or the connection broke."""
        self.has_fired = True
        self._wake()


class Guarding:
    """Watches the claims that last; for the queue's thread alone."""

    def __init__(self, zk: ZooKeeper, held: Mapping[str, Claim], wake: Callable[[], None]) -> None:
        """Args:
        zk: where the queue is.
        held: the claims by their entries, always as it is now.
        wake: called, in kazoo's thread, when a watch fires.
        """
        self._zk = zk
        self._held = held
        self._wake = wake
        self._guards: dict[str, _Guard] = {}
        self._has_fired = False
        self._looked_at = time.monotonic()

    def due_at(self) -> float:
        """Return when to look, in monotonic seconds."""
        if self._has_fired:
            return self._looked_at
        return self._looked_at + AFTER if self._held else _NEVER

    def look(self, epoch: int) -> list[Claim]:
        """Watch what lasts, and return the claims whose locks are not ours any more; a claim whose
        entry is gone is marked so.

        Raises:
            ZooKeeperUnavailable, SessionLost: look again.
        """
        self._has_fired, self._looked_at = False, time.monotonic()
        for name in [n for n, g in self._guards.items() if self._held.get(n) is not g.claim]:
            del self._guards[name]
        for name, claim in self._held.items():
            if name not in self._guards and self._looked_at - claim.claimed_at >= AFTER:
                self._guards[name] = _Guard(claim, self._fired)
        fired = [guard for guard in self._guards.values() if guard.has_fired]
        lost: list[Claim] = []
        try:
            for start in range(0, len(fired), _CHUNK):
                lost += self._read(epoch, fired[start : start + _CHUNK])
        except BaseException:
            self._has_fired = True
            raise
        return lost

    def _fired(self) -> None:
        self._has_fired = True
        self._wake()

    def _read(self, epoch: int, guards: Sequence[_Guard]) -> list[Claim]:
        requests: list[Any] = []
        for guard in guards:
            guard.has_fired = False
            watcher = wire.Watcher(guard.fire)
            requests.append(wire.Data(paths.lock_path(guard.claim.entry), watcher))
            requests.append(wire.Exists(paths.entry_path(guard.claim.entry), watcher))
        try:
            answers = self._zk.exchange(requests, epoch=epoch)
        except BaseException:
            for guard in guards:
                guard.has_fired = True
            raise
        lost = []
        for place, guard in enumerate(guards):
            lock, entry = answers[2 * place : 2 * place + 2]
            for answer in (lock, entry):
                if isinstance(answer, Exception) and not isinstance(
                    answer, NoNodeError | NoAuthError
                ):
                    guard.has_fired = True
                    raise ZooKeeperUnavailable(f"a claim could not be looked at: {answer!r}")
            guard.claim.is_entry_gone |= _is_gone(guard.claim, entry)
            if not _is_ours(guard.claim, lock, self._zk.session_id):
                lost.append(guard.claim)
        return lost


def _is_ours(claim: Claim, lock: Any, session: int | None) -> bool:
    """Whether a lock is the one that the claim made; one that cannot be read counts as such."""
    if isinstance(lock, NoNodeError):
        return False
    if isinstance(lock, NoAuthError):
        return True
    data, stat = lock
    return claim.token.encode() in data and stat.ephemeralOwner == session


def _is_gone(claim: Claim, entry: Any) -> bool:
    """Whether the entry is gone, or another has its name."""
    if isinstance(entry, NoAuthError):
        return False
    return entry is None or entry.czxid != claim.czxid  # kazoo's way to say: no such node
