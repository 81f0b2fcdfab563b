"""One distribution: all jobs that a distributor yields, added while we lead."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Iterable
from datetime import UTC, datetime
from typing import Any

from engine.models import format_time
from engine.service.adding import Adder, document_of
from engine.service.feed import Feed
from engine.service.registry import DistributorPlugin

log = logging.getLogger(__name__)

MOST_JOBS = 10_000
"""Of one distribution; a generator that yields more is cut off, with an error."""
LEAST_PATIENCE = 30.0
"""Seconds that a generator has at least, however short the interval."""


class Rounds:
    """The distributions of one distributor, one after the other."""

    def __init__(
        self,
        plugin: DistributorPlugin,
        every: float,
        adder: Adder,
        official: Callable[[], Any],
        stopped: Callable[[], bool],
    ) -> None:
        """Args:
        every: seconds between two distributions.
        official: returns the client that the distributor may want.
        stopped: whether the service stops.
        """
        self._plugin = plugin
        self._every = every
        self._adder = adder
        self._official = official
        self._stopped = stopped
        self._instance: Any = None
        self._feed: Feed | None = None

    def run(self, is_leading: Callable[[], bool]) -> tuple[int, bool]:
        """Distribute once; return the jobs added, and whether the generator failed before any."""
        name = self._plugin.name
        if self._feed is not None and self._feed.is_running:
            log.error("%s: its generator still blocks; this distribution is skipped", name)
            return 0, False

        def go_on() -> bool:
            return is_leading() and not self._stopped()

        feed = self._feed = Feed(self._generate, f"generate-{name}")
        try:
            return self._take_all(feed, go_on)
        finally:
            feed.close()

    def _generate(self) -> Iterable[object]:
        if self._instance is None:
            self._instance = self._plugin.make(self._official())
        items: Iterable[object] = self._instance.job_generator()
        return items

    def _take_all(self, feed: Feed, go_on: Callable[[], bool]) -> tuple[int, bool]:
        name = self._plugin.name
        began = format_time(datetime.now(UTC))
        deadline = time.monotonic() + max(self._every, LEAST_PATIENCE)
        added = yielded = 0
        while yielded < MOST_JOBS:
            item = feed.next(go_on, deadline)
            if item is None:
                if go_on():
                    log.error("%s: its generator was cut off: it takes too long", name)
                return added, False
            if item.is_end:
                return added, False
            if item.error is not None:
                log.error("%s: its generator failed", name, exc_info=item.error)
                return added, not yielded
            yielded += 1
            added += self._add(item.value, f"{name} {began} {yielded}", go_on, deadline)
        log.error("%s: its generator was cut off after %d jobs", name, MOST_JOBS)
        return added, False

    def _add(self, value: object, mark: str, go_on: Callable[[], bool], deadline: float) -> bool:
        try:
            document = document_of(value)
        except ValueError as error:
            log.error("%s yields what is no job: %s", self._plugin.name, error)
            return False
        return self._adder.add(document, mark, go_on, deadline)
