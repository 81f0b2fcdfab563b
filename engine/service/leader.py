"""Lead one election: distribute in the rhythm of whoever led before, and keep the time of it."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any, Protocol

from engine.backoff import jittered
from engine.errors import ApiError, ZooKeeperError
from engine.measures import Tally
from engine.models import Distribution
from engine.service.adding import AddingClient
from engine.service.registry import DistributorPlugin
from engine.service.rhythm import first_wait, next_due
from engine.service.round import Rounds

log = logging.getLogger(__name__)

_SLICE = 0.5
"""Seconds between two looks at whether we still lead."""


class Nodes(Protocol):
    """What of ZooKeeper is needed."""

    def get(self, path: str, *, timeout: float | None = None) -> tuple[bytes, Any] | None:
        """Return the data of a node."""

    def set(self, path: str, data: bytes, *, timeout: float | None = None) -> object | None:
        """Write the data of a node; None without such a node."""

    def create(self, path: str, data: bytes = b"", *, timeout: float | None = None) -> str:
        """Make a node, and its parents."""


class Leader:
    """What the leader of one distributor does."""

    def __init__(
        self,
        plugin: DistributorPlugin,
        every: float,
        *,
        zk: Nodes,
        path: str,
        client: AddingClient,
        rounds: Rounds,
        instance: str,
        wait: Callable[[float], bool],
    ) -> None:
        """Args:
        every: seconds between two distributions.
        path: the node that keeps the time of the last distribution.
        instance: this process, for that node.
        wait: wait some seconds; false where the service stops.
        """
        self._plugin = plugin
        self._every = every
        self._zk = zk
        self._path = path
        self._client = client
        self._rounds = rounds
        self._instance = instance
        self._wait = wait
        self.is_leading = False
        self.added = Tally()
        """Jobs that were created."""
        self.rounds_done = Tally()
        """Distributions, by "done" and "failed"."""

    def lead(self, is_leading: Callable[[], bool]) -> None:
        """Distribute until the service stops or we lead no longer."""
        self.is_leading = True
        try:
            self._lead(is_leading)
        finally:
            self.is_leading = False

    def _lead(self, is_leading: Callable[[], bool]) -> None:
        name = self._plugin.name
        log.info("%s: we lead and distribute every %g s", name, self._every)
        wait = self._wait_of_a_new_leader(is_leading)
        due = time.monotonic() + (wait or 0.0)
        failures = 0
        while wait is not None and self._wait_until(due, is_leading):
            began = datetime.now(UTC)
            added, has_failed = self._distribute(is_leading)
            if not is_leading() or not (added or self._wait(0.0)):
                break  # what was not distributed is left to the next leader
            if has_failed:
                failures += 1
                due = self._retry_time(due, failures)
                continue
            failures = 0
            self._keep(began, added)
            due = next_due(due, self._every, time.monotonic())
        log.info("%s: we lead no longer", name)

    def _distribute(self, is_leading: Callable[[], bool]) -> tuple[int, bool]:
        try:
            added, has_failed = self._rounds.run(is_leading)
        except Exception:  # a plug-in may hand out objects that fail anywhere
            log.exception("%s: this distribution failed", self._plugin.name)
            self.rounds_done.add("failed")
            return 0, False
        self.added.add(count=added)
        self.rounds_done.add("failed" if has_failed else "done")
        return added, has_failed

    def _retry_time(self, due: float, failures: int) -> float:
        pause = jittered(failures - 1, first=1.0, cap=60.0)
        return time.monotonic() + min(pause, self._every)

    def _wait_of_a_new_leader(self, is_leading: Callable[[], bool]) -> float | None:
        """Return the seconds until the first distribution, or None where we stop before."""
        attempt = 0
        while is_leading():
            try:
                return first_wait(self._last(), self._every, datetime.now(UTC))
            except (ApiError, ZooKeeperError) as error:
                level = logging.DEBUG if attempt else logging.WARNING
                log.log(level, "%s waits, it cannot be distributed: %s", self._plugin.name, error)
            if not self._wait(jittered(attempt, first=0.5, cap=10.0)):
                return None
            attempt += 1
        return None

    def _last(self) -> datetime | None:
        """Return when the last distribution was.

        The newest job counts beside the node: an upstream leader keeps no node, and a leader of
        ours may have died between the job and the node.
        """
        node = self._zk.get(self._path, timeout=5.0)
        kept = Distribution.from_node(node[0]) if node else None
        page = self._client.search_jobs(
            filter=f"action='{self._plugin.election}'", orderby="created:desc", last=1
        )
        times = [job.created for job in page.jobs if job.created is not None]
        return max([kept.last, *times] if kept else times, default=None)

    def _wait_until(self, due: float, is_leading: Callable[[], bool]) -> bool:
        """Wait; whether it is time to distribute, and not to stop."""
        while is_leading():
            left = due - time.monotonic()
            if not self._wait(max(0.0, min(left, _SLICE))):
                return False
            if left <= _SLICE:
                return is_leading()
        return False

    def _keep(self, began: datetime, added: int) -> None:
        kept = Distribution(last=began, interval=self._every, by=self._instance, jobs=added)
        try:
            data = kept.to_node()
            if self._zk.set(self._path, data, timeout=5.0) is None:
                self._zk.create(self._path, data, timeout=5.0)
        except ZooKeeperError as error:
            log.warning("%s: the time of this distribution is not kept: %s", self._path, error)
