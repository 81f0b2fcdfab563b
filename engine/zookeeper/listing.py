"""When the queue is listed, and what a list tells beside the names.

A list costs as much as many claims where the queue is long, so it is made when a watch told of a
change, or the cached head is used up, and never for more than a twentieth of the time. Most changes
are this process's own: where a list is long, a look at the counters of /job/entries comes first.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Collection
from dataclasses import dataclass
from typing import Any

from kazoo.exceptions import NoAuthError, NoNodeError

from engine.errors import AccessDenied, ZooKeeperUnavailable
from engine.zookeeper import paths, wire
from engine.zookeeper.backlog import Backlog
from engine.zookeeper.connection import ZooKeeper

log = logging.getLogger(__name__)

LIST_EVERY = 60.0
"""Seconds after which an idle process lists the queue although no watch told of a change."""
LONG = 2_000
"""Names from which on a list costs more than a look."""
LOOK_EVERY = 0.25
"""Seconds between two looks; a look arms no watch, so the next one follows."""
LIST_SHARE = 20
"""Listing may take one part in so many of the time."""
RIVAL_SHARE = 60
"""The same while nothing is added, and only others take and free locks."""
RECREATE_AFTER = 2.0
"""Seconds for which /job/entries may be missing before it is made: whoever deleted it to make it
anew comes first."""


@dataclass(frozen=True, slots=True)
class Listed:
    """The names of a list."""

    entries: list[str] | None
    """None where the list before still tells all that may be claimed."""
    taken: list[str]
    is_new_queue: bool
    """Whether /job/entries was made anew since the list before: names mean other jobs now."""


class Listing:
    """Decides when to list the queue, and lists it."""

    def __init__(
        self,
        zk: ZooKeeper,
        backlog: Backlog,
        held: Collection[str],
        wake: Callable[[], None],
    ) -> None:
        """Args:
        zk: where the queue is.
        backlog: asked whether it is used up.
        held: the entries whose locks are ours, always as it is now.
        wake: called, in kazoo's thread, when a watch tells of a change.
        """
        self._zk = zk
        self._backlog = backlog
        self._held = held
        self._watcher = wire.Watcher(self._changed)
        self._wake = wake
        self._dirty = True
        self._hinted = False
        self._is_long = False
        self._creates = 0
        self._foreign: set[str] = set()
        self._earliest = float("-inf")
        self._fresh_until = float("-inf")
        self._listed_at = float("-inf")
        self._missing_since: float | None = None
        self._czxid: int | None = None

    def expire(self) -> None:
        """List at the next chance, whatever the watches say: what this process may claim has
        changed, or they are gone with their session."""
        self._dirty = True

    def due_at(self) -> float:
        """Return when to list next, in monotonic seconds."""
        if self._dirty or self._hinted or self._is_used_up():
            return self._earliest
        return max(self._earliest, self._regular_at())

    def _is_used_up(self) -> bool:
        return not len(self._backlog) and not self._backlog.is_complete

    def _regular_at(self) -> float:
        thaw = self._backlog.next_thaw()
        regular = self._listed_at + LIST_EVERY
        return regular if thaw is None else min(thaw, regular)

    def read(self, epoch: int) -> Listed | None:
        """List entries and locks; None where the queue does not exist (yet).

        Raises:
            ZooKeeperUnavailable, SessionLost, AccessDenied.
        """
        began = time.monotonic()
        can_look = self._is_long and len(self._backlog) and not self._dirty
        self._dirty = False
        try:
            if can_look and began < self._regular_at():
                taken = self._look(epoch)
                if taken is not None:
                    self._earliest = time.monotonic() + LOOK_EVERY
                    return Listed(None, taken, is_new_queue=False)
            self._hinted = False
            entries, taken = self._zk.exchange(
                [
                    wire.Children(paths.ENTRIES, self._watcher),
                    wire.Children(paths.TAKEN, self._watcher),
                ],
                epoch=epoch,
            )
            return self._read(began, entries, taken)
        except BaseException:
            self._dirty = True
            raise

    def _look(self, epoch: int) -> list[str] | None:
        """Return the names of the locks if there is no need to list the queue again.

        A look is a stat and the few locks. Nothing was added if the number of nodes that were
        ever created below /job/entries is the same; nothing was freed if the others' locks are.
        What others free is not urgent: it waited in the queue all the time.
        """
        stat, taken = self._zk.exchange(
            [wire.Exists(paths.ENTRIES, None), wire.Children(paths.TAKEN, self._watcher)],
            epoch=epoch,
        )
        if isinstance(stat, Exception) or isinstance(taken, Exception):
            return None  # the list that follows meets the same failure, and reports it
        locks: list[str] = taken[0]
        if stat.czxid != self._czxid or _creates(stat) != self._creates:
            return None
        is_fresh = time.monotonic() < self._fresh_until
        return locks if is_fresh or set(locks) - set(self._held) == self._foreign else None

    def _read(self, began: float, entries: Any, taken: Any) -> Listed | None:
        now = self._listed_at = time.monotonic()
        if isinstance(entries, NoAuthError) or isinstance(taken, NoAuthError):
            raise AccessDenied("ZooKeeper's ACLs forbid to list /job/entries or /job/taken")
        if isinstance(entries, NoNodeError):
            self._await_queue(now)
            return None
        if isinstance(taken, NoNodeError):
            self._zk.ensure(paths.TAKEN)
            self._dirty = True
            return None
        for answer in (entries, taken):
            if isinstance(answer, Exception):
                raise ZooKeeperUnavailable(f"the job queue could not be listed: {answer!r}")
        self._missing_since = None
        (names, stat), (locks, _) = entries, taken
        # Wall time counts waits for other threads too: a short list is not worth a long pause.
        cost = min(now - began, 0.002 + 2e-6 * len(names))
        self._earliest = now + LIST_SHARE * cost
        self._fresh_until = now + RIVAL_SHARE * cost
        self._is_long = len(names) >= LONG
        self._creates, self._foreign = _creates(stat), set(locks) - set(self._held)
        is_new = self._czxid not in (None, stat.czxid)
        self._czxid = stat.czxid
        return Listed(names, locks, is_new)

    def _await_queue(self, now: float) -> None:
        if self._missing_since is None:
            self._missing_since = now
            log.warning("%s does not exist: waiting for it", paths.ENTRIES)
        if now - self._missing_since >= RECREATE_AFTER:
            log.warning("%s does not exist: making it", paths.ENTRIES)
            self._zk.ensure(paths.ENTRIES)
        self._dirty = True
        self._earliest = now + RECREATE_AFTER / 10

    def _changed(self) -> None:
        self._hinted = True
        self._wake()


def _creates(stat: wire.ZnodeStat) -> int:
    """Return twice the number of children that were ever created: cversion counts creations and
    deletions, numChildren is their difference."""
    return (stat.cversion + stat.numChildren) & 0xFFFF_FFFF
