"""What the drill reads of its installation, and does to it."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from typing import Any

from engine.act.acts import ACTS
from engine.act.apply import plan_and_apply
from engine.act.audit import Audit
from engine.act.plan import Options
from engine.act.sources import Sources
from engine.errors import LocalPlatformError
from engine.models import JobRecord, JobRequest, Member, MemberKind, Who
from engine.nuvla.client import NuvlaClient
from engine.nuvla.filters import all_of, equals
from engine.states import JobState
from engine.view.jobs import read_job
from engine.view.members import read_members
from engine.view.queue import find_entries
from engine.zookeeper.connection import ZooKeeper
from engine.zookeeper.paths import OwnPaths

PATIENCE = 90.0
"""Seconds that a fault may take to come about."""
COLLEAGUE = Who(user="mallory", host="ops2", pid=4711)
"""Who has caused what the record of acts tells."""


class World:
    """A local platform with executors that know the actions of the drill."""

    def __init__(
        self,
        client: NuvlaClient,
        zk: ZooKeeper,
        own: OwnPaths,
        *,
        audit: Audit,
        stop: threading.Event,
    ) -> None:
        """Args:
        client, zk, own: where it is.
        audit: where the colleague's acts are on record.
        stop: nobody is interested any more.
        """
        self.client, self.zk, self.own = client, zk, own
        self._stop = stop
        self._sources = Sources(zk=zk, client=client, own=own)
        self._audit = audit

    def add(self, action: str, number: int = 1, **request: Any) -> list[str]:
        """Create jobs and return their ids."""
        wanted = JobRequest(action=action, target="deployment/drill", **request)
        return [self.client.add_job(wanted) for _ in range(number)]

    def act(self, name: str, subject: str = "", *, reason: str = "") -> None:
        """Let the colleague act.

        Raises:
            LocalPlatformError: the act was refused.
        """
        options = Options(reason=reason)
        outcome = plan_and_apply(
            ACTS[name], subject, options, self._sources, by=COLLEAGUE, audit=self._audit
        )
        if not outcome.done:
            raise LocalPlatformError(f"the drill could not {name} {subject}: {outcome.detail}")

    def state(self, job_id: str) -> JobState:
        """Return the state of a job."""
        return self.job(job_id).state

    def job(self, job_id: str) -> JobRecord:
        """Return a job."""
        return read_job(self.client, job_id)

    def count(self, action: str, state: JobState) -> int:
        """Return how many jobs of an action are in a state."""
        wanted = all_of(equals("action", action), equals("state", state))
        return self.client.search_jobs(filter=wanted, last=0).count

    def entries(self, job_id: str) -> list[str]:
        """Return the names of a job's entries."""
        return [entry.name for entry in find_entries(self.zk, job_id)]

    def executors(self) -> dict[str, Member]:
        """Return the executors by name."""
        members = read_members(self.zk, self.own).members
        return {each.name: each for each in members if each.kind is MemberKind.EXECUTOR}

    def is_at_work(self, job_id: str) -> bool:
        """Whether an executor says that a thread of it works on a job."""
        return bool(read_members(self.zk, self.own).at_work(job_id))

    def wait(self, condition: Callable[[], bool], what: str) -> None:
        """Wait until something has come about.

        Raises:
            LocalPlatformError: it has not.
        """
        deadline = time.monotonic() + PATIENCE
        while not condition():
            if time.monotonic() > deadline or self._stop.wait(0.2):
                raise LocalPlatformError(f"the drill waited in vain: {what}")
