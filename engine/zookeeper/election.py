"""Contend for the lead of a distribution, beside stock contenders of kazoo's Election recipe.

The recipe (kazoo/recipe/lock.py): every contender makes an ephemeral sequential node, the lowest
sequence leads, and each of the others watches the one before it. Unlike the recipe, a leader here
knows at once when it leads no longer: `is_leading` consults the lease and its own node.
"""

from __future__ import annotations

import logging
import threading
import time
import uuid
from collections.abc import Callable

from engine import backoff
from engine.errors import ZooKeeperError
from engine.zookeeper import paths
from engine.zookeeper.connection import ZooKeeper

log = logging.getLogger(__name__)

Lead = Callable[[Callable[[], bool]], None]
_CHECK_EVERY = 60.0
"""Seconds between two looks at an unchanged election."""
_CALL_SECONDS = 5.0
_OFFLINE_SECONDS = 1.0
_RESIGN_SECONDS = 1.0
"""A server that is away does not hold up a stop: the node goes with the session."""


class Election:
    """One contender in one election."""

    def __init__(self, zk: ZooKeeper, name: str, contender: str) -> None:
        """Args:
        zk: its session holds the node.
        name: of the election.
        contender: what we call ourselves; the node's data.
        """
        self._zk = zk
        self._name = name
        self._parent = paths.election_path(name)
        self._contender = contender.encode()
        # One random part for good: after a lost answer it tells our node from all others.
        self._prefix = f"{uuid.uuid4().hex}__lock__"
        self._wake = threading.Event()
        self._node: str | None = None
        self._epoch = -1
        self._is_unchecked = False
        self._stopped = False

    def run(self, lead: Lead) -> None:
        """Contend until stopped.

        Args:
            lead: called each time the election is won, with a function that says whether we still
                lead; it asks that before everything that only the leader may do, and returns when
                the answer is no.
        """
        self._zk.add_listener(self._wake.set)
        failures = 0
        try:
            while not self._stopped:
                self._wake.clear()
                if not self._zk.is_connected:
                    # Not in a call, which a stop would have to wait for.
                    self._wake.wait(_OFFLINE_SECONDS)
                    continue
                try:
                    is_first = self._contend()
                except ZooKeeperError as error:
                    log.debug("%s: contending failed: %s", self._name, error)
                    self._wake.wait(backoff.jittered(failures, first=0.1, cap=2.0))
                    failures += 1
                    continue
                failures = 0
                if is_first:
                    lead(self.is_leading)
                    self._leave_if_idle()
                elif not self._stopped:
                    self._wake.wait(_CHECK_EVERY)
        finally:
            self._zk.remove_listener(self._wake.set)
            self._resign()

    def stop(self) -> None:
        """Step down, or stop waiting, and delete our node at once."""
        self._stopped = True
        self._wake.set()
        self._resign()

    def is_leading(self) -> bool:
        """Whether we lead for certain. Waits through a broken connection while the lease lasts."""
        while self._node is not None and not self._stopped and self._zk.is_current(self._epoch):
            if not self._is_unchecked:
                return True
            self._check_node()
        return False

    def _check_node(self) -> None:
        """Look whether our node is still there: somebody may have deleted it to depose us."""
        self._is_unchecked = False
        node = self._node
        if node is None:
            return
        limit = max(0.01, min(_CALL_SECONDS, self._zk.lease_remaining()))
        try:
            if self._zk.exists(f"{self._parent}/{node}", watch=self._touch, timeout=limit) is None:
                log.warning("%s: our node was deleted, so we lead no longer", self._name)
                self._node = None
        except ZooKeeperError as error:
            self._is_unchecked = True
            log.debug("%s: our node cannot be read: %s", self._name, error)
            time.sleep(0.05)

    def _touch(self) -> None:
        """Called by the watch on our node."""
        self._is_unchecked = True

    def _contend(self) -> bool:
        """Make sure of our node and return whether it is the first; if not, watch the one before.

        Raises:
            ZooKeeperError: not connected, or refused.
        """
        self._epoch = self._zk.epoch
        listing = self._zk.children(self._parent, timeout=_CALL_SECONDS)
        names = [] if listing is None else listing[0]
        self._node = self._own_node(names)
        if self._node is None:
            if self._stopped:
                return False
            self._create()
            self._wake.set()  # look again, with our node in the list
            return False
        if self._stopped:
            self._resign()
            return False
        before = self._predecessor(names, self._node)
        if before is None:
            self._check_node()
            return self.is_leading()
        watched = f"{self._parent}/{before}"
        if self._zk.exists(watched, watch=self._wake.set, timeout=_CALL_SECONDS) is None:
            self._wake.set()
        return False

    def _own_node(self, names: list[str]) -> str | None:
        """Return our node of this session; one of a session before is deleted."""
        found = None
        for name in names:
            if not name.startswith(self._prefix):
                continue
            stat = self._zk.exists(f"{self._parent}/{name}", timeout=_CALL_SECONDS)
            if stat is None:
                continue
            if stat.ephemeralOwner == self._zk.session_id and found is None:
                found = name
            else:
                self._zk.delete(f"{self._parent}/{name}", timeout=_CALL_SECONDS)
        return found

    def _create(self) -> None:
        path = self._zk.create(
            f"{self._parent}/{self._prefix}",
            self._contender,
            ephemeral=True,
            sequential=True,
            epoch=self._epoch,
            timeout=_CALL_SECONDS,
        )
        self._node = path.rpartition("/")[2]
        log.debug("%s: contending as %s", self._name, self._node)

    @staticmethod
    def _predecessor(names: list[str], own: str) -> str | None:
        ranks = {name: paths.contender_sequence(name) for name in names}
        mine = ranks[own]
        before = [
            (rank, name)
            for name, rank in ranks.items()
            if rank is not None and mine is not None and rank < mine
        ]
        return max(before)[1] if before else None

    def _leave_if_idle(self) -> None:
        """Where the leader function returned although we lead: let another one lead."""
        if not self._stopped and self.is_leading():
            self._resign()
            self._wake.wait(1.0)

    def _resign(self) -> None:
        node, self._node = self._node, None
        if node is None:
            return
        try:
            self._zk.delete(f"{self._parent}/{node}", epoch=self._epoch, timeout=_RESIGN_SECONDS)
        except ZooKeeperError as error:
            log.debug("%s: our node goes with its session: %s", self._name, error)
