"""What an executor does when it is asked: release, interrupt, drain, over real parts."""

from __future__ import annotations

import operator
import random
import sys
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from types import FrameType
from typing import Any

import pytest
from kazoo.client import KazooClient

from engine import JobInterrupted
from engine.models import Command, JobRequest, Member, MemberKind, RemoteControl, Request
from engine.models.control import Outcome, Reply
from engine.nuvla.client import NuvlaClient
from engine.service.control import Control
from engine.service.letting_go import LettingGo
from engine.service.runner import RunnerRules
from engine.service.stacks import capture
from engine.zookeeper.answering import Answering
from engine.zookeeper.channel import ask
from engine.zookeeper.connection import ZooKeeper
from engine.zookeeper.paths import ENTRIES, TAKEN, OwnPaths, lock_path
from engine.zookeeper.queue import JobQueue
from tests.engine.service.conftest import RunExecutor, Running
from tests.engine.service.fakes import make_actions
from tests.support import eventually

ACT = JobRequest(action="act", target="job")
OWN = OwnPaths()
SLOWLY = RunnerRules(first_cooldown=120.0, longest_cooldown=240.0)
"""Who puts a job back leaves it alone for longer than a test lasts."""
AT_ONCE = RunnerRules(first_cooldown=0.01, longest_cooldown=0.02)
NOW = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)


def control_of(running: Running, allowed: RemoteControl = RemoteControl.ALL) -> Control:
    return Control(
        instance="executor-0",
        allowed=allowed,
        stacks=lambda: capture(running.executor.jobs_by_thread()),
        executor=running.executor,
        letting_go=LettingGo(running.queue, running.executor.works),
    )


def do(control: Control, command: Command, job_id: str | None = None, **options: Any) -> Reply:
    request = Request.new(
        command, by="ann", now=NOW, job_id=job_id, **{"reason": "a test", **options}
    )
    return control.handle(request)


def entries(kazoo: KazooClient) -> list[str]:
    return sorted(kazoo.get_children(ENTRIES))


def locks(kazoo: KazooClient) -> list[str]:
    return sorted(kazoo.get_children(TAKEN))


def spin(job: Any) -> None:
    """Work for ever, in Python, without a look at whether to stop."""
    end = time.monotonic() + 120
    while time.monotonic() < end:
        sum(range(100))


def heed(job: Any) -> int:
    """Work until told to stop; what is returned then must not count."""
    end = time.monotonic() + 120
    while not job.cancelled and time.monotonic() < end:
        time.sleep(0.005)
    return 0


def add_job(running: Running) -> str:
    """Add a job that is stored before it is taken: its entry is made first, and who meets that
    without a document leaves it alone for as long as SLOWLY says."""
    running.queue.pause("the job is on its way")
    job_id = running.client.add_job(ACT)
    running.queue.resume("the job is on its way")
    return job_id


class Blocked:
    """An action that waits in C, where nothing can interrupt it, until it is let go on."""

    def __init__(self) -> None:
        self._begun, self._lock = threading.Lock(), threading.Lock()
        self._begun.acquire()
        self._lock.acquire()

    def __call__(self, job: Any) -> int:
        # One call of C: nothing can be raised between the two.
        calls: Any = (self._begun.release, self._lock.acquire)
        list(map(operator.call, calls))
        return 0

    def wait_begun(self) -> None:
        """Wait until the action waits."""
        assert self._begun.acquire(timeout=60)

    def go_on(self) -> None:
        """Let it end; once is enough."""
        if self._lock.locked():
            self._lock.release()


@pytest.fixture
def blocked() -> Iterator[Blocked]:
    """Such an action, ended with the test."""
    action = Blocked()
    yield action
    action.go_on()


@pytest.mark.parametrize("work", [heed, spin])
def test_a_released_job_is_free_when_the_reply_comes_and_is_not_ended(
    run_executor: RunExecutor,
    client: NuvlaClient,
    kazoo: KazooClient,
    work: Callable[[Any], object],
) -> None:
    running = run_executor(make_actions(work), rules=SLOWLY)
    job_id = add_job(running)
    eventually(lambda: running.state(job_id) == "RUNNING")
    reply = do(control_of(running), Command.RELEASE, job_id, patience=60)
    assert (reply.outcome, locks(kazoo)) == (Outcome.DONE, []), reply.detail
    assert len(entries(kazoo)) == 1
    assert running.state(job_id) == "RUNNING"  # the next start finds that there was one before
    assert "by ann: a test" in reply.detail


def test_an_action_that_does_not_end_keeps_its_lock_and_its_result_counts_no_more(
    run_executor: RunExecutor, client: NuvlaClient, kazoo: KazooClient, blocked: Blocked
) -> None:
    running = run_executor(make_actions(blocked), rules=SLOWLY)
    job_id = add_job(running)
    blocked.wait_begun()
    control = control_of(running)
    reply = do(control, Command.RELEASE, job_id, patience=0.5)
    assert reply.outcome is Outcome.REFUSED
    assert "Blocked.__call__" in reply.detail
    assert len(locks(kazoo)) == 1
    blocked.go_on()
    eventually(lambda: locks(kazoo) == [], "it is put back as soon as its action ends")
    assert len(entries(kazoo)) == 1
    assert running.state(job_id) == "RUNNING"
    assert do(control, Command.RELEASE, job_id).outcome is Outcome.NOT_MINE


def test_an_interrupted_job_fails_and_says_who_did_it(
    run_executor: RunExecutor, client: NuvlaClient, kazoo: KazooClient
) -> None:
    running = run_executor(make_actions(spin))
    job_id = client.add_job({**ACT.to_json(), "execution-mode": "mixed"})
    eventually(lambda: running.state(job_id) == "RUNNING")
    reply = do(control_of(running), Command.INTERRUPT, job_id, patience=60)
    assert reply.outcome is Outcome.DONE, reply.detail
    assert "FAILED" in reply.detail
    document = client.get_job(job_id)
    assert (document["state"], document["return-code"]) == ("FAILED", 1)
    assert document["status-message"] == "interrupted by ann: a test"
    assert document["execution-mode"] == "mixed"
    eventually(lambda: (entries(kazoo), locks(kazoo)) == ([], []))


def test_a_cancelled_job_that_is_interrupted_stays_cancelled(
    run_executor: RunExecutor, client: NuvlaClient, kazoo: KazooClient
) -> None:
    running = run_executor(make_actions(spin))
    job_id = client.add_job(ACT)
    eventually(lambda: running.state(job_id) == "RUNNING")
    client.cancel_job(job_id)
    reply = do(control_of(running), Command.INTERRUPT, job_id, patience=60)
    assert reply.outcome is Outcome.DONE, reply.detail
    eventually(lambda: (entries(kazoo), locks(kazoo)) == ([], []))
    assert running.state(job_id) == "CANCELED"


def test_an_action_that_catches_the_interruption_goes_on_and_the_reply_says_so(
    run_executor: RunExecutor, client: NuvlaClient
) -> None:
    begun, go_on = threading.Event(), threading.Event()
    caught: list[str] = []

    def work(job: Any) -> int:
        try:
            begun.set()
            while True:
                time.sleep(0.001)
        except JobInterrupted as error:
            caught.append(str(error))
        go_on.wait(60)
        return 0

    running = run_executor(make_actions(work))
    job_id = client.add_job(ACT)
    assert begun.wait(60)
    reply = do(control_of(running), Command.INTERRUPT, job_id, patience=5)
    go_on.set()
    assert reply.outcome is Outcome.REFUSED
    assert "caught" in reply.detail
    assert caught == ["interrupted by ann: a test"]
    eventually(lambda: running.state(job_id) == "SUCCESS")


def test_a_thread_in_a_call_of_c_is_not_interrupted_and_the_reply_says_where_it_is(
    run_executor: RunExecutor, client: NuvlaClient, blocked: Blocked
) -> None:
    running = run_executor(make_actions(blocked))
    job_id = client.add_job(ACT)
    blocked.wait_begun()
    reply = do(control_of(running), Command.INTERRUPT, job_id, patience=0.3)
    assert reply.outcome is Outcome.REFUSED
    assert "cannot interrupt" in reply.detail
    assert "Blocked.__call__" in reply.detail
    blocked.go_on()
    eventually(lambda: running.state(job_id) == "FAILED", "it is raised when the call returns")


@pytest.mark.parametrize("command", [Command.RELEASE, Command.INTERRUPT])
def test_a_job_of_somebody_else_is_not_touched(
    run_executor: RunExecutor, client: NuvlaClient, kazoo: KazooClient, command: Command
) -> None:
    running = run_executor(make_actions(heed), rules=SLOWLY)
    job_id = add_job(running)
    eventually(lambda: running.state(job_id) == "RUNNING")
    control = control_of(running)
    assert do(control, command, "job/another").outcome is Outcome.NOT_MINE
    assert do(control, command, job_id, entry="entry-000-0000000000").outcome is Outcome.NOT_MINE
    assert len(locks(kazoo)) == 1
    assert running.state(job_id) == "RUNNING"


def test_a_lock_of_ours_that_no_thread_knows_is_freed_at_once_and_no_other(
    run_executor: RunExecutor, client: NuvlaClient, kazoo: KazooClient, zk: ZooKeeper
) -> None:
    running = run_executor(make_actions(heed), rules=SLOWLY, threads=1)
    busy = add_job(running)
    eventually(lambda: running.state(busy) == "RUNNING")
    [held] = locks(kazoo)
    ghost = add_job(running)
    [entry] = set(entries(kazoo)) - {held}
    zk.create(lock_path(entry), b"{}", ephemeral=True)
    reply = do(control_of(running), Command.RELEASE, ghost)
    assert reply.outcome is Outcome.DONE, reply.detail
    assert "no thread" in reply.detail
    assert locks(kazoo) == [held]


def other_threads() -> list[FrameType]:
    """Return where all threads stand but this one."""
    frames = sys._current_frames()
    del frames[threading.get_ident()]
    return list(frames.values())


def is_inside(frame: FrameType | None, work: Callable[[Any], int], job_id: str) -> bool:
    """Whether a thread is inside the action of a job."""
    while frame is not None:
        if frame.f_code is work.__code__ and frame.f_locals["job"].id == job_id:
            return True
        frame = frame.f_back
    return False


def test_no_released_job_ever_runs_in_two_threads_or_is_lost(
    run_executor: RunExecutor, client: NuvlaClient, kazoo: KazooClient, zk: ZooKeeper, zk_hosts: str
) -> None:
    overlaps: list[str] = []
    starts: Counter[str] = Counter()
    chance = random.Random(11)

    def work(job: Any) -> int:
        # Read from the stacks: what an interruption may cut short proves nothing.
        if any(is_inside(frame, work, job.id) for frame in other_threads()):
            overlaps.append(job.id)
        starts[job.id] += 1
        steps = chance.randrange(60)
        for _ in range(steps):
            if steps % 2 and job.cancelled:
                return 0
            time.sleep(0.001)
        return 0

    second = ZooKeeper(zk_hosts, session_timeout=4.0)
    second.start()
    assert second.wait_connected(15)
    other = Running(
        JobQueue(second, instance="other"), client, make_actions(work), threads=2, rules=AT_ONCE
    )
    try:
        running = run_executor(make_actions(work), threads=2, rules=AT_ONCE)
        ids = [client.add_job(ACT) for _ in range(30)]
        epochs = zk.epoch, second.epoch
        controls = [control_of(running), control_of(other)]
        outcomes: Counter[Outcome] = Counter()
        while sum(outcomes.values()) < 120:
            if not entries(kazoo):
                if outcomes[Outcome.DONE]:
                    break
                ids.append(client.add_job(ACT))  # on a busy machine all may end unseen
            held = [work for each in (running, other) for work in each.executor.works()]
            # Most of them in the action itself, some before or after it.
            held = [work for work in held if work.gate.is_open or chance.random() < 0.1]
            if not held:
                time.sleep(0.001)
                continue
            job_id = chance.choice(held).claim.job_id
            for control in controls:
                outcomes[do(control, Command.RELEASE, job_id, patience=20).outcome] += 1
        eventually(lambda: not entries(kazoo), "all jobs end", within=60)
        assert {running.state(job_id) for job_id in ids} == {"SUCCESS"}
        assert set(starts) == set(ids)
        assert outcomes[Outcome.DONE] > 0, outcomes
        # A machine too busy for its sessions may start a job twice: that is not what is shown here.
        if (zk.epoch, second.epoch) == epochs:
            assert overlaps == []
    finally:
        other.executor.stop()
        other.stop()
        second.close()


def test_a_lock_that_is_taken_by_force_ends_the_owners_say_in_the_job(
    run_executor: RunExecutor, client: NuvlaClient, kazoo: KazooClient
) -> None:
    starts: list[bool] = []

    def work(job: Any) -> int:
        starts.append(job.was_running)
        return heed(job) if len(starts) == 1 else 0

    running = run_executor(make_actions(work), threads=1)
    job_id = client.add_job(ACT)
    eventually(lambda: starts)
    [name] = locks(kazoo)
    kazoo.delete(lock_path(name))
    eventually(lambda: running.state(job_id) == "SUCCESS", within=60)
    assert starts == [False, True]
    eventually(lambda: (entries(kazoo), locks(kazoo)) == ([], []))


def test_drained_and_resumed_over_zookeeper(
    run_executor: RunExecutor, client: NuvlaClient, zk: ZooKeeper
) -> None:
    running = run_executor(make_actions(heed), rules=SLOWLY)
    member = Member(
        instance="executor-0",
        kind=MemberKind.EXECUTOR,
        name="executor",
        host="node",
        pid=7,
        version="1",
        started=NOW,
    )
    zk.create(OWN.member("executor-0"), member.to_node(), ephemeral=True)
    channel = Answering(zk, OWN, "executor-0", control_of(running).handle)
    channel.start()

    def ask_for(command: Command, job_id: str | None = None) -> Reply:
        request = Request.new(command, by="ann", now=datetime.now(UTC), job_id=job_id)
        return ask(zk, OWN, "executor-0", request, timeout=60)

    try:
        job_id = add_job(running)
        eventually(lambda: running.state(job_id) == "RUNNING")
        stacks = ask_for(Command.STACKS).stacks
        assert stacks is not None
        thread = stacks.working_on(job_id)
        assert thread is not None
        assert any(frame.function == "heed" for frame in thread.frames)
        assert ask_for(Command.DRAIN).detail == "draining, 1 of 4 threads busy"
        assert list(running.queue.pauses) == ["draining"]
        assert ask_for(Command.RELEASE, job_id).outcome is Outcome.DONE
        assert ask_for(Command.PING).detail.startswith("drained, 0 of 4")
        assert ask_for(Command.RESUME).detail == "running, 0 of 4 threads busy"
        assert list(running.queue.pauses) == []
    finally:
        channel.close()


def test_a_setting_that_allows_reading_only_forbids_the_rest(run_executor: RunExecutor) -> None:
    running = run_executor(make_actions(heed))
    control = control_of(running, RemoteControl.READ_ONLY)
    for command in Command:
        job_id = "job/1" if command.needs_job else None
        outcome = do(control, command, job_id).outcome
        assert outcome is (Outcome.DONE if command.is_read_only else Outcome.LIMITED)
    assert not running.queue.pauses


def test_a_distributor_answers_what_is_not_about_jobs() -> None:
    control = Control(
        instance="d", allowed=RemoteControl.ALL, stacks=lambda: capture({}), executor=None
    )
    assert do(control, Command.PING).detail == "distributing"
    assert do(control, Command.STACKS).stacks is not None
    for command in (Command.DRAIN, Command.RESUME, Command.RELEASE, Command.INTERRUPT):
        assert do(control, command, "job/1").outcome is Outcome.REFUSED
