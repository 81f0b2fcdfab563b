"""Reads what the demonstration shows: one picture a moment."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from engine.models import ElectionSnapshot, JobPage, JobRecord, Member, MemberKind
from engine.nuvla.client import NuvlaClient
from engine.states import JobState
from engine.view.elections import read_elections
from engine.view.jobs import FIELDS
from engine.view.members import read_members
from engine.view.queue import read_depth, read_locks
from engine.zookeeper.connection import ZooKeeper
from engine.zookeeper.paths import OwnPaths

RECENT = 8
"""Jobs shown as the newest that changed."""
WINDOW = 4.0
"""Seconds over which the rates are taken."""


@dataclass(frozen=True, slots=True, kw_only=True)
class DemoPicture:
    """What happens at one moment."""

    taken_at: datetime
    depth: int
    """Entries in the queue, those that run included."""
    held: int
    states: Mapping[JobState, int]
    """All jobs ever created, by state."""
    done_rate: float
    """Jobs that succeeded, a second."""
    failed_rate: float
    executors: tuple[Member, ...]
    elections: ElectionSnapshot
    recent: tuple[JobRecord, ...]

    @property
    def running(self) -> int:
        """Jobs that the executors say they work on."""
        return sum(len(executor.jobs) for executor in self.executors)


class DemoWatch:
    """Takes pictures of a local platform."""

    def __init__(self, zk: ZooKeeper, client: NuvlaClient, own: OwnPaths) -> None:
        """Args: zk, client: open; own: our nodes."""
        self._zk = zk
        self._client = client
        self._own = own
        self._counts: deque[tuple[float, int, int]] = deque()

    def take(self) -> DemoPicture:
        """Return the present picture.

        Raises:
            ZooKeeperError, ApiError: a source did not answer.
        """
        page = self._client.search_jobs(
            orderby="updated:desc", last=RECENT, select=FIELDS, aggregation="terms:state"
        )
        states = states_of(page)
        done, failed = self._rates(states)
        members = read_members(self._zk, self._own).members
        return DemoPicture(
            taken_at=datetime.now(UTC),
            depth=read_depth(self._zk),
            held=len(read_locks(self._zk)),
            states=states,
            done_rate=done,
            failed_rate=failed,
            executors=tuple(m for m in members if m.kind is MemberKind.EXECUTOR),
            elections=read_elections(self._zk, self._own),
            recent=page.jobs,
        )

    def _rates(self, states: Mapping[JobState, int]) -> tuple[float, float]:
        now = time.monotonic()
        self._counts.append((now, states[JobState.SUCCESS], states[JobState.FAILED]))
        while len(self._counts) > 2 and now - self._counts[1][0] >= WINDOW:
            self._counts.popleft()
        then, succeeded, failed = self._counts[0]
        if now == then:
            return 0.0, 0.0
        span = now - then
        return (
            (states[JobState.SUCCESS] - succeeded) / span,
            (states[JobState.FAILED] - failed) / span,
        )


def states_of(page: JobPage) -> dict[JobState, int]:
    """Return the number of jobs in each state, from the aggregation of a query."""
    counts = dict.fromkeys(JobState, 0)
    terms: Mapping[str, Any] = page.aggregations.get("terms:state", {})
    for bucket in terms.get("buckets", ()):
        counts[JobState(bucket["key"])] = int(bucket["doc_count"])
    return counts
