"""A whole installation under test: a queue, a job API, executors, distributors, strangers."""

from __future__ import annotations

import json
import os
import sys
import uuid
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import Any

from kazoo.client import KazooClient
from kazoo.exceptions import NoNodeError
from kazoo.retry import KazooRetry

from engine.models import Member
from engine.zookeeper.paths import ENTRIES, TAKEN, OwnPaths, entry_path, entry_prefix
from tests.faults.audit import Allowed
from tests.faults.children import Child
from tests.faults.job_api import JobApi
from tests.faults.job_store import (
    ADMIN_HEADER,
    FINAL,
    PASSWORD,
    USER,
    Document,
    JobStore,
    new_document,
)
from tests.faults.journal import Journal
from tests.faults.sessions import expire
from tests.support import eventually

HERE = Path(__file__).parent
SESSION_TIMEOUT = 2.0
"""T, seconds; the servers of the tests have ticks of 200 ms, so 0.4 to 4 s are possible."""


class World:
    """All that one test has. `close` ends what it started."""

    def __init__(self, hosts: str, folder: Path) -> None:
        """Args: hosts: a connection string, with the test's own chroot or of its own server."""
        self.hosts = hosts
        self.folder = folder
        self.children: list[Child] = []
        self.enqueued: set[str] = set()
        self.allowed = Allowed()
        self.journal = Journal(folder / "journal")
        self._clients: list[KazooClient] = []
        self.kazoo = self.client()
        for path in (ENTRIES, TAKEN):
            self.kazoo.ensure_path(path)
        self.store = JobStore(self._put_entry)
        self.api = JobApi(self.store)

    def close(self) -> None:
        """End every process, server and client of this test."""
        for child in self.children:
            child.kill()
        self.api.close()
        for client in self._clients:
            client.stop()
            client.close()

    # What is in ZooKeeper.

    def client(self, hosts: str = "") -> KazooClient:
        """Return one more connected kazoo client: what a stranger or a person would use."""
        retry: dict[str, Any] = {"max_tries": -1, "delay": 0.1, "max_delay": 0.5}
        client = KazooClient(
            hosts or self.hosts,
            timeout=10.0,
            connection_retry=KazooRetry(**retry),
            command_retry=KazooRetry(**retry),
        )
        client.start(timeout=30)
        self._clients.append(client)
        return client

    @property
    def foreign_sessions(self) -> set[int]:
        """The sessions of the test's own clients."""
        return {client.client_id[0] for client in self._clients if client.client_id}

    def names(self, parent: str) -> list[str]:
        """Return the children of a node; none where it is missing."""
        try:
            return sorted(self.kazoo.get_children(parent))
        except NoNodeError:
            return []

    def data(self, path: str) -> bytes | None:
        """Return the data of a node; None where it is missing."""
        try:
            data: bytes | None = self.kazoo.get(path)[0]
            return data
        except NoNodeError:
            return None

    def job_of(self, entry: str) -> str | None:
        """Return the job id in an entry; None where it is gone."""
        data = self.data(entry_path(entry))
        return None if data is None else data.decode("utf-8", "replace")

    def entry_of(self, job: str) -> str | None:
        """Return the name of a job's entry; None where it has none."""
        return next((name for name in self.names(ENTRIES) if self.job_of(name) == job), None)

    def members(self) -> list[Member]:
        """Return who says that they are there."""
        own = OwnPaths()
        members = []
        for name in self.names(own.members):
            try:
                data, stat = self.kazoo.get(own.member(name))
            except NoNodeError:
                continue
            member = Member.from_node(name, data, session=stat.ephemeralOwner)
            if member is not None:
                members.append(member)
        return members

    def member_of(self, child: Child) -> Member | None:
        """Return the presence of a process of ours."""
        return next((member for member in self.members() if member.pid == child.pid), None)

    def session_of(self, child: Child) -> int:
        """Return the ZooKeeper session of a process of ours, once it is there."""

        def found() -> Member | None:
            assert child.is_running, f"{child.name} has ended"
            return self.member_of(child)

        return eventually(found, f"{child.name} is a member").session

    def expire(self, child: Child) -> None:
        """End the session of a process of ours; its ephemeral nodes go at once."""
        assert expire(self.hosts, self.session_of(child)), "the session was gone already"

    # Jobs.

    def _put_entry(self, job: str, priority: int) -> str:
        self.enqueued.add(job)
        path: str = self.kazoo.create(entry_prefix(priority), job.encode(), sequence=True)
        return path

    def put_entry(self, job: str, priority: int = 999) -> str:
        """Queue a job id and return the name of its entry."""
        return self._put_entry(job, priority).rpartition("/")[2]

    def add(
        self,
        action: str | None = "count",
        payload: dict[str, Any] | None = None,
        *,
        priority: int = 999,
        **attributes: Any,
    ) -> str:
        """Store a job, queue it, and return its id."""
        job = f"job/{uuid.uuid4()}"
        self.store.put(self.document(job, action, payload, **attributes))
        self.put_entry(job, priority)
        return job

    def add_many(self, number: int, action: str = "count", priority: int = 999) -> list[str]:
        """Store and queue many jobs quickly."""
        jobs = [f"job/{uuid.uuid4()}" for _ in range(number)]
        for job in jobs:
            self.store.put(self.document(job, action))
        for start in range(0, number, 200):
            transaction = self.kazoo.transaction()
            for job in jobs[start : start + 200]:
                transaction.create(entry_prefix(priority), job.encode(), sequence=True)
            transaction.commit()
        self.enqueued.update(jobs)
        return jobs

    def fill(self, number: int) -> None:
        """Queue many more jobs, whose documents the store makes up when they are asked for."""
        self.store.imagine = lambda job: self.document(job, "count")
        pending = []
        for start in range(0, number, 500):
            transaction = self.kazoo.transaction()
            for _ in range(start, min(start + 500, number)):
                job = f"job/{uuid.uuid4()}"
                transaction.create(entry_prefix(999), job.encode(), sequence=True)
            pending.append(transaction.commit_async())
            if len(pending) > 8:
                pending.pop(0).get(timeout=60)
        for commit in pending:
            commit.get(timeout=60)

    @staticmethod
    def document(
        job: str, action: str | None, payload: dict[str, Any] | None = None, **attributes: Any
    ) -> Document:
        """Return the document of a new job."""
        if action is not None:
            attributes["action"] = action
        if payload is not None:
            attributes["payload"] = json.dumps(payload)
        return new_document(
            job, **{name.replace("_", "-"): value for name, value in attributes.items()}
        )

    def state(self, job: str) -> str:
        """Return the state of a job."""
        return str(self.store.documents[job]["state"])

    def reports(self, job: str, pid: int, *, since: float = 0.0) -> list[float]:
        """Return when this process reported on a job that ``hold`` runs with ``report``."""
        return [
            call.at
            for call in self.api.called("PUT", job)
            if call.at >= since and call.json.get("status-message") == str(pid)
        ]

    def gate(self) -> Path:
        """Return a file that does not exist: an action ``hold`` waits until it does."""
        return self.folder / f"gate-{uuid.uuid4().hex}"

    def hold(self, gate: Path, **wants: Any) -> str:
        """Add a job that runs until the gate is opened."""
        return self.add("hold", {"until": str(gate), **wants})

    def wait_running(self, *jobs: str, within: float = 20.0) -> None:
        """Wait until these jobs have been started."""
        eventually(
            lambda: set(jobs) <= set(self.journal.starts()), "the jobs were started", within=within
        )

    def wait_state(self, state: str, *jobs: str, within: float = 30.0) -> None:
        """Wait until these jobs have this state."""
        eventually(
            lambda: {self.state(job) for job in jobs} == {state},
            f"{len(jobs)} jobs are {state}",
            within=within,
        )

    def wait_drained(self, within: float = 30.0) -> None:
        """Wait until all jobs are final and neither entry nor lock is left."""

        def drained() -> bool:
            final = all(job["state"] in FINAL for job in list(self.store.documents.values()))
            return final and not self.names(ENTRIES) and not self.names(TAKEN)

        eventually(drained, "the queue is drained and all jobs are final", within=within)

    # Processes.

    def start(self, name: str, command: Sequence[str], **env: str) -> Child:
        """Start a process whose output is kept."""
        surroundings = {
            "PATH": os.environ["PATH"],
            "HOME": str(self.folder),
            "LANG": "C.UTF-8",
            "FAULTS_JOURNAL": str(self.journal.path),
            **env,
        }
        child = Child(f"{name}-{len(self.children)}", command, folder=self.folder, env=surroundings)
        self.children.append(child)
        return child

    def executor(
        self,
        *options: str,
        name: str = "ex",
        threads: int = 2,
        hosts: str = "",
        session_timeout: float = SESSION_TIMEOUT,
        api_timeout: float = 10.0,
        grace: float = 20.0,
        as_user: bool = False,
        ahead: float = 0.0,
        patience: float = 0.0,
        wait: bool = True,
    ) -> Child:
        """Start an executor of ours, and wait until it is a member.

        Args:
            options: further words of its command line.
            name, threads, session_timeout, api_timeout: as its options.
            hosts: of ZooKeeper, where they are not the world's.
            grace: seconds that running jobs have when it is told to stop.
            as_user: log in with a password instead of a header.
            ahead: seconds that its wall clock is ahead.
            patience: seconds that it tries to write a result; 0 for its default.
            wait: return only when it is a member.
        """
        program = [sys.executable, "-m", "engine.cli.main"]
        if ahead or patience:
            program = [sys.executable, "-P", str(HERE / "altered.py"), str(ahead), str(patience)]
        own = ["--threads", str(threads), "--grace", str(grace)]
        own += ["--actions-path", str(HERE / "actions")]
        common = self._common(name, hosts, session_timeout, api_timeout, as_user=as_user)
        # As in production, a password comes in the environment and never in the command line.
        login = {"NUVLA_API_USER": USER, "NUVLA_API_PASS": PASSWORD} if as_user else {}
        child = self.start(name, [*program, "executor", *common, *own, *options], **login)
        if wait:
            self.session_of(child)
        return child

    def distributor(
        self,
        *options: str,
        name: str = "di",
        hosts: str = "",
        session_timeout: float = SESSION_TIMEOUT,
        api_timeout: float = 10.0,
        wait: bool = True,
    ) -> Child:
        """Start a distributor of ours, and wait until it is a member."""
        common = self._common(name, hosts, session_timeout, api_timeout)
        common += ["--distributors-path", str(HERE / "distributors")]
        program = [sys.executable, "-m", "engine.cli.main"]
        child = self.start(name, [*program, "distributor", *options, *common])
        if wait:
            self.session_of(child)
        return child

    def _common(
        self,
        name: str,
        hosts: str,
        session_timeout: float,
        api_timeout: float,
        *,
        as_user: bool = False,
    ) -> list[str]:
        words = ["--name", name, "--zk-hosts", hosts or self.hosts, "--api-url", self.api.url]
        words += ["--zk-session-timeout", str(session_timeout), "--api-timeout", str(api_timeout)]
        return words if as_user else [*words, "--api-authn-header", ADMIN_HEADER]

    def stock(self, *, hold: Path | None = None, timeout: float = SESSION_TIMEOUT) -> Child:
        """Start a consumer of the published kind, and wait until it is ready."""
        script = [sys.executable, "-P", str(HERE / "stock_consumer.py"), self.hosts, self.api.url]
        script += [str(self.journal.path), str(timeout)]
        child = self.start("stock", [*script, str(hold)] if hold else script)
        child.says("ready")
        return child


def logged(children: Iterable[Child], matches: Callable[[str], bool]) -> list[str]:
    """Return the lines of output that match."""
    return [line for child in children for line in child.output().splitlines() if matches(line)]
