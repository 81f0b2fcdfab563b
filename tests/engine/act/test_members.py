"""Tests of the acts that go through a member: release, interrupt, drain and resume."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest

from engine.act import holder, interrupt, members, telling
from engine.cli.steering import answering, executor_control
from engine.models import (
    Ending,
    LockNote,
    Member,
    MemberKind,
    MemberState,
    Outcome,
    RemoteControl,
    SessionLink,
)
from engine.nuvla.client import NuvlaClient
from engine.service.executor import Executor
from engine.service.runner import RunnerRules
from engine.service.stacks import capture, no_jobs
from engine.zookeeper.connection import ZooKeeper
from engine.zookeeper.members import Presence
from engine.zookeeper.paths import OwnPaths, lock_path
from engine.zookeeper.queue import JobQueue
from tests.engine.act.conftest import SESSION_SECONDS, Desk
from tests.engine.service.fakes import make_actions
from tests.faults.sessions import expire
from tests.support import eventually

OWN = OwnPaths()
SLOWLY = RunnerRules(first_cooldown=120.0, longest_cooldown=240.0)
"""Who puts a job back leaves it alone for longer than a test lasts."""


class Process:
    """An executor with all that belongs to one, in threads of this process."""

    def __init__(self, hosts: str, client: NuvlaClient, member: Member) -> None:
        """Args: member: how it announces itself."""
        self.member = member
        self.zk = ZooKeeper(hosts, session_timeout=SESSION_SECONDS)
        self.zk.start()
        assert self.zk.wait_connected(60)
        self.queue = JobQueue(self.zk, instance=member.instance)
        self.started = threading.Event()
        self.executor = Executor(
            self.queue,
            client,
            make_actions(self.work),
            Presence(self.zk, OWN, member),
            threads=2,
            rules=SLOWLY,
        )
        self.heeds = True
        self.blocks = False
        self._ended = threading.Lock()
        self._ended.acquire()
        self._open = ExitStack()
        control = executor_control(member, self.executor, self.queue, lambda: capture(no_jobs()))
        self._open.enter_context(answering(self.zk, OWN, member, control))
        self.queue.start()
        self._thread = threading.Thread(target=self.executor.run)
        self._thread.start()

    def work(self, job: Any) -> int:
        """Work until told to stop where it heeds that, else until interrupted; one that blocks
        waits in C, where it cannot be."""
        self.started.set()
        if self.blocks and self._ended.acquire(timeout=120):
            self._ended.release()
        end = time.monotonic() + 120
        while time.monotonic() < end and not (self.heeds and job.cancelled):
            time.sleep(0.005)
        return 0

    def stop(self) -> None:
        """End it."""
        self.heeds = True
        self._ended.release()
        self.executor.stop()
        self.executor.stop()
        self._thread.join(60)
        self._open.close()
        self.zk.close()
        assert not self._thread.is_alive()


StartProcess = Callable[..., Process]


@pytest.fixture(autouse=True)
def _busy_machine(monkeypatch: pytest.MonkeyPatch) -> None:
    """A member may be late to say what it does."""
    for module in (members, interrupt):
        monkeypatch.setattr(module, "SAID", 60.0)


@pytest.fixture
def start(zk_hosts: str, client: NuvlaClient) -> Iterator[StartProcess]:
    """Start executors, and end them after the test."""
    running: list[Process] = []

    def run(desk: Desk, **changes: Any) -> Process:
        member = Member(
            instance=f"ex-{len(running)}-host-1-ab",
            kind=MemberKind.EXECUTOR,
            name="ex",
            host="host",
            pid=1,
            version="0",
            started=datetime.now(UTC),
            threads=2,
            remote_control=RemoteControl.ALL,
        )
        process = Process(zk_hosts, client, replace(member, **changes))
        running.append(process)
        eventually(
            lambda: desk.kazoo.exists(OWN.member(process.member.instance)), "it is there", within=60
        )
        return process

    yield run
    for process in running:
        process.stop()


def at_work(desk: Desk, process: Process, job_id: str) -> bool:
    """Whether the member says that it works on the job."""
    data, stat = desk.kazoo.get(OWN.member(process.member.instance))
    member = Member.from_node(process.member.instance, data, session=stat.ephemeralOwner)
    return member is not None and any(job.job_id == job_id for job in member.jobs)


def take(desk: Desk, client: NuvlaClient, process: Process) -> str:
    """Return a job that the process has at work, and says so."""
    # The entry is made before the document: who is too quick leaves the job alone for a while.
    process.queue.pause("the job is on its way")
    job_id = client.add_job({"action": "act"})
    process.queue.resume("the job is on its way")
    assert process.started.wait(60)
    eventually(lambda: at_work(desk, process, job_id), "it says so", within=60)
    return job_id


def test_the_owner_lets_a_job_go(desk: Desk, client: NuvlaClient, start: StartProcess) -> None:
    process = start(desk)
    job_id = take(desk, client, process)
    plan = desk.plan("release", job_id, reason="too slow")
    assert not plan.is_refused, plan.refusals
    assert any("works on the job" in each.claim for each in plan.evidence)
    outcome = desk.apply(plan, "too slow")
    assert outcome.done, outcome
    assert "too slow" in outcome.detail
    assert desk.locks() == []
    assert desk.entry_of(job_id)
    assert client.get_job(job_id)["state"] == "RUNNING"


def test_a_job_whose_action_does_not_end_stays_with_its_owner(
    desk: Desk, client: NuvlaClient, start: StartProcess, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(telling, "PATIENCE", 0.3)
    process = start(desk)
    process.blocks = True
    job_id = take(desk, client, process)
    outcome = desk.act("release", job_id)
    assert not outcome.done
    assert "did not within" in outcome.detail
    assert desk.locks() == [desk.entry_of(job_id)]
    assert desk.audit.endings[0][0] is Ending.REFUSED


def test_an_interrupt_ends_the_action(desk: Desk, client: NuvlaClient, start: StartProcess) -> None:
    process = start(desk)
    process.heeds = False
    job_id = take(desk, client, process)
    outcome = desk.act("interrupt", job_id, reason="it spins")
    assert outcome.done, outcome
    assert client.get_job(job_id)["state"] == "FAILED"
    assert "no executor of ours" in desk.act("interrupt", job_id).detail


def test_a_member_drains_and_resumes(desk: Desk, start: StartProcess) -> None:
    process = start(desk)
    assert "not drained" in desk.act("resume", "ex").detail
    assert desk.act("drain", "ex").done
    assert str(process.executor.state) == MemberState.DRAINED
    assert "already" in desk.act("drain", process.member.instance).detail
    assert desk.act("resume", process.member.instance).done
    assert str(process.executor.state) == MemberState.RUNNING


def test_the_member_that_holds_a_job_drains(
    desk: Desk, client: NuvlaClient, start: StartProcess
) -> None:
    process = start(desk)
    job_id = take(desk, client, process)
    assert desk.act("drain", job_id).done
    assert process.executor.state is MemberState.DRAINING


def test_a_name_that_two_members_have_is_refused(desk: Desk, start: StartProcess) -> None:
    start(desk), start(desk)
    assert "2 members are meant" in desk.act("drain", "ex").detail
    assert "no such member" in desk.act("drain", "nobody").detail


def test_what_a_member_forbids_is_refused_before_it_is_asked(
    desk: Desk, client: NuvlaClient, start: StartProcess
) -> None:
    process = start(desk, remote_control=RemoteControl.READ_ONLY)
    job_id = take(desk, client, process)
    for name, subject in (("release", job_id), ("interrupt", job_id), ("drain", "ex")):
        assert "--remote-control read-only" in desk.act(name, subject).detail
    assert desk.audit.attempts == []


def test_a_ghost_lock_is_freed_by_its_owner(
    desk: Desk, client: NuvlaClient, start: StartProcess
) -> None:
    process = start(desk)
    process.executor.drain()
    job_id = client.add_job({"action": "act"})
    entry = desk.entry_of(job_id)
    # A lock of the owner's session that no thread of it knows: the answer to its making was lost.
    ghost = LockNote(instance=process.member.instance, thread="worker-1", claim="lost")
    process.zk.create(lock_path(entry), ghost.to_node(), ephemeral=True)
    outcome = desk.act("release", job_id)
    assert outcome.done, outcome
    assert desk.locks() == []


def test_the_lock_of_a_session_that_is_gone_is_waited_for(
    desk: Desk, client: NuvlaClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    job_id = client.add_job({"action": "act"})
    desk.lock(desk.entry_of(job_id), instance="ex-9")
    session = desk.kazoo.client_id[0]
    gone = SessionLink(session=session)
    monkeypatch.setattr(holder, "read_link", lambda *_: gone)
    assert "expires within about" in desk.act("release", job_id).detail
    silent = replace(gone, client="10.0.0.1", silence=25.0, timeout=30.0)
    monkeypatch.setattr(holder, "read_link", lambda *_: silent)
    assert "expires in 5 s at most" in desk.act("release", job_id).detail
    alive = replace(silent, silence=1.0)
    monkeypatch.setattr(holder, "read_link", lambda *_: alive)
    assert "no presence node" in desk.act("release", job_id).detail
    assert len(desk.locks()) == 1


def is_asked(desk: Desk, commands: str) -> bool:
    """Whether a request stands below this node."""
    stat = desk.kazoo.exists(commands)
    return stat is not None and stat.children_count > 0


def test_an_owner_that_loses_its_session_while_it_is_asked_has_let_go(
    desk: Desk, client: NuvlaClient, start: StartProcess, zk_hosts: str
) -> None:
    process = start(desk)
    process.blocks = True
    job_id = take(desk, client, process)
    plan = desk.plan("release", job_id)
    outcomes: list[Outcome] = []
    asking = threading.Thread(target=lambda: outcomes.append(desk.apply(plan)))
    asking.start()
    commands = OWN.commands_of(process.member.instance)
    eventually(lambda: is_asked(desk, commands), "it is asked", within=60)
    assert process.zk.session_id is not None
    expire(zk_hosts, process.zk.session_id)
    asking.join(60)
    assert outcomes[0].done, outcomes
    assert "the lock is gone" in outcomes[0].detail
