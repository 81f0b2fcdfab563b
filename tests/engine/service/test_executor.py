"""Worker threads over one queue: starting, stopping, draining, pausing, and surviving."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from typing import Any

import pytest

from engine.errors import ApiUnavailable, LoginRefused
from engine.models import Hold, MemberState, PutBack, RunningJob
from engine.service.executor import Executor
from engine.service.finish import FinishRules
from engine.service.registry import ActionPlugin
from engine.service.runner import RunnerRules
from tests.engine.service.fakes import (
    FakeClaim,
    FakeClaimingQueue,
    FakeClient,
    make_actions,
    make_document,
)
from tests.support import eventually


class Desk:
    """An executor over doubles, in a thread of its own."""

    def __init__(self, work: Callable[[Any], object], **options: Any) -> None:
        self.client = FakeClient()
        self.queue = FakeClaimingQueue()
        self.published: list[tuple[MemberState, tuple[RunningJob, ...]]] = []
        self.code: int | None = None
        self.holds: tuple[Hold, ...] = ()
        self.paused: str | None = None
        finish = FinishRules(patience=5.0, cap=0.05)
        rules = RunnerRules(finish=finish, cancel_poll=0.1, longest_probe_pause=0.1)
        self.executor = Executor(
            self.queue,
            self.client,
            make_actions(work),
            self,
            **{
                "threads": 2,
                "rules": rules,
                "paused_by": lambda: self.paused,
                **options,
            },
        )
        self.thread = threading.Thread(target=self._run)

    def _run(self) -> None:
        self.code = self.executor.run()

    def publish(
        self,
        state: MemberState,
        jobs: tuple[RunningJob, ...],
        last_errors: tuple[str, ...] = (),
        put_back: tuple[PutBack, ...] = (),
        holds: tuple[Hold, ...] = (),
    ) -> None:
        self.published.append((state, jobs))
        self.holds = holds

    def put(self, *numbers: int) -> list[str]:
        """Queue jobs and return their ids."""
        ids = [f"job/{number}" for number in numbers]
        for job_id in ids:
            self.client.documents[job_id] = make_document(id=job_id)
            self.queue.put(FakeClaim(job_id=job_id, entry=f"entry-{job_id}"))
        return ids

    def state(self, job_id: str) -> str:
        return str(self.client.documents[job_id]["state"])

    def stop(self) -> int | None:
        self.executor.stop()
        self.thread.join(15)
        assert not self.thread.is_alive()
        return self.code


Start = Callable[..., Desk]


@pytest.fixture
def start() -> Iterator[Start]:
    """Start executors, and stop them after the test."""
    desks: list[Desk] = []

    def make(work: Callable[[Any], object], **options: Any) -> Desk:
        desk = Desk(work, **options)
        desks.append(desk)
        desk.thread.start()
        return desk

    yield make
    for desk in desks:
        desk.executor.stop()
        desk.executor.stop()
        desk.thread.join(15)


def test_all_jobs_run_and_an_idle_executor_stops_with_0(start: Start) -> None:
    desk = start(lambda job: 0)
    ids = desk.put(*range(20))
    eventually(lambda: all(desk.state(i) == "SUCCESS" for i in ids))
    eventually(lambda: desk.queue.settled == ["consumed"] * 20)
    assert desk.stop() == 0


def test_a_thread_carries_the_name_of_its_job_while_it_runs(start: Start) -> None:
    names: list[str] = []
    desk = start(lambda job: names.append(threading.current_thread().name))
    desk.put(7)
    eventually(lambda: desk.state("job/7") == "SUCCESS")
    assert names == ["exec-job/7"]
    eventually(lambda: desk.executor.jobs_by_thread() == {})


def test_running_jobs_end_within_the_grace_and_no_new_one_starts(start: Start) -> None:
    go = threading.Event()
    desk = start(lambda job: go.wait(15) and None, threads=1)
    first, second = desk.put(1, 2)
    eventually(lambda: desk.executor.works())
    desk.executor.stop()
    eventually(lambda: desk.executor.state is MemberState.DRAINING)
    go.set()
    assert desk.stop() == 0
    assert (desk.state(first), desk.state(second)) == ("SUCCESS", "QUEUED")


def test_what_runs_when_the_grace_is_over_is_put_back(start: Start) -> None:
    told = threading.Event()

    def work(job: Any) -> int:
        while not job.cancelled:
            told.wait(0.01)
        told.set()
        return 0

    desk = start(work, grace=0.3)
    (job_id,) = desk.put(1)
    eventually(lambda: desk.state(job_id) == "RUNNING")
    assert desk.stop() == 1
    assert desk.queue.settled == ["released"]
    assert told.wait(10)
    assert desk.state(job_id) == "RUNNING"


def test_a_second_stop_ends_the_grace(start: Start) -> None:
    hang = threading.Event()
    desk = start(lambda job: hang.wait(15), grace=60.0)
    desk.put(1)
    eventually(lambda: desk.executor.works())
    desk.executor.stop()
    assert desk.stop() == 1
    assert desk.queue.settled == ["released"]
    hang.set()


def test_a_drained_executor_stays_and_can_be_resumed(start: Start) -> None:
    desk = start(lambda job: 0)
    desk.executor.drain()
    eventually(lambda: desk.executor.state is MemberState.DRAINED)
    (job_id,) = desk.put(1)
    eventually(lambda: desk.published and desk.published[-1][0] is MemberState.DRAINED)
    assert desk.state(job_id) == "QUEUED"
    desk.executor.resume()
    eventually(lambda: desk.state(job_id) == "SUCCESS")


def test_a_draining_executor_keeps_a_job_for_as_long_as_its_thread_runs(start: Start) -> None:
    go = threading.Event()
    desk = start(lambda job: go.wait(30) and None, grace=0.05)
    (job_id,) = desk.put(1)
    eventually(lambda: desk.executor.works())
    desk.executor.drain()
    long_after = time.monotonic() + 0.05
    eventually(lambda: desk.executor.turned_at > long_after, "it has looked around since")
    assert desk.queue.settled == []
    assert desk.executor.state is MemberState.DRAINING
    go.set()
    eventually(lambda: desk.state(job_id) == "SUCCESS")


def test_the_pause_node_stops_and_restarts_claiming(start: Start) -> None:
    desk = start(lambda job: 0)
    desk.paused = "by ann: upgrade"
    eventually(lambda: desk.executor.state is MemberState.PAUSED)
    (job_id,) = desk.put(1)
    desk.paused = None
    eventually(lambda: desk.state(job_id) == "SUCCESS")


def test_an_executor_says_why_it_claims_nothing_and_since_when(start: Start) -> None:
    before = datetime.now(UTC)
    desk = start(lambda job: 0)
    desk.paused = "by ann: upgrade"
    eventually(lambda: desk.holds, "it says so")
    desk.executor.drain()
    eventually(lambda: len(desk.holds) == 2, "it says both")
    reasons = {hold.reason: hold.since for hold in desk.holds}
    assert set(reasons) == {"paused: by ann: upgrade", "draining"}
    assert all(before <= since <= datetime.now(UTC) for since in reasons.values())
    assert desk.executor.describe() == "drained, 0 of 2 threads busy; paused: by ann: upgrade"
    desk.paused = None
    desk.executor.resume()
    eventually(lambda: desk.holds == (), "it says that it claims again")
    assert desk.executor.describe() == "running, 0 of 2 threads busy"


@pytest.mark.parametrize("error", [ApiUnavailable("refused"), ApiUnavailable("502", status=502)])
def test_claiming_stops_while_the_api_is_down_and_resumes_by_itself(
    start: Start, error: Exception
) -> None:
    desk = start(lambda job: 0)
    eventually(lambda: desk.client.probes)
    desk.client.fail("probe", *[error] * 3)
    desk.client.fail("get", error)
    desk.put(1)
    eventually(lambda: desk.queue.settled == ["released"])
    (later,) = desk.put(2)
    eventually(lambda: desk.state(later) == "SUCCESS")
    assert not desk.client.faults


def test_refused_credentials_are_not_hammered(
    start: Start, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("engine.service.api_watch._LOGIN_PAUSE", 0.05)
    desk = start(lambda job: 0)
    eventually(lambda: desk.client.probes)
    desk.client.fail("get", LoginRefused("revoked", status=403))
    desk.client.fail("probe", LoginRefused("revoked", status=403))
    desk.put(1)
    eventually(lambda: desk.queue.settled == ["released"])
    (later,) = desk.put(2)
    eventually(lambda: desk.state(later) == "SUCCESS")


def test_an_api_that_refuses_us_is_told_before_there_is_a_job(
    start: Start, caplog: pytest.LogCaptureFixture
) -> None:
    desk = Desk(lambda job: 0)
    desk.client.fail("probe", LoginRefused("refused", status=403))
    desk.thread.start()
    eventually(lambda: "the API cannot be used, claiming pauses: refused" in caplog.text)
    eventually(lambda: desk.executor.state is MemberState.PAUSED)
    desk.stop()


def test_an_action_learns_that_its_job_was_cancelled(start: Start) -> None:
    ended = threading.Event()

    def work(job: Any) -> int:
        while not job.cancelled:
            ended.wait(0.01)
        ended.set()
        return 0

    desk = start(work)
    (job_id,) = desk.put(1)
    eventually(lambda: desk.state(job_id) == "RUNNING")
    desk.client.documents[job_id]["state"] = "CANCELED"
    assert ended.wait(10)
    eventually(lambda: desk.queue.settled == ["consumed"])
    assert desk.state(job_id) == "CANCELED"


def test_a_worker_survives_a_flaw_of_the_engine(start: Start) -> None:
    desk = start(lambda job: 0, threads=1)
    take, broken = desk.queue.take, [True]

    def take_badly(worker: str, timeout: float) -> FakeClaim | None:
        if broken:
            broken.clear()
            raise SystemExit("a flaw")
        return take(worker, timeout)

    desk.queue.take = take_badly  # type: ignore[method-assign]  # breaks on purpose
    (first,) = desk.put(1)
    (second,) = desk.put(2)
    eventually(lambda: desk.state(second) == desk.state(first) == "SUCCESS")


def test_a_job_over_the_limit_is_failed_and_its_slot_stays_visible(start: Start) -> None:
    hang = threading.Event()
    desk = start(lambda job: hang.wait(30), job_limit=0.1)
    (job_id,) = desk.put(1)
    eventually(lambda: desk.state(job_id) == "FAILED")
    eventually(lambda: desk.queue.settled == ["consumed"])
    assert "thread is lost" in desk.client.documents[job_id]["status-message"]
    assert [work.claim.job_id for work in desk.executor.works()] == [job_id]
    assert desk.stop() == 0
    hang.set()
    eventually(lambda: not desk.executor.works())
    assert desk.queue.settled == ["consumed"]


def test_presence_says_which_jobs_run(start: Start) -> None:
    go = threading.Event()
    desk = start(lambda job: go.wait(15) and None)
    (job_id,) = desk.put(1)
    eventually(lambda: desk.published and desk.published[-1][1])
    state, (job,) = desk.published[-1]
    assert state is MemberState.RUNNING
    assert (job.job_id, job.action, job.thread[:7]) == (job_id, "act", "worker-")
    go.set()


def test_actions_of_2019_get_an_executor(start: Start) -> None:
    got: list[Any] = []
    desk = start(lambda job: 0, name="exec-a")
    desk.stop()

    class Old:
        def __init__(self, executor: Any, job: Any) -> None:
            got.append(executor)

        def do_work(self) -> int:
            return 0

    executor = Executor(
        desk.queue, desk.client, {"act": ActionPlugin(name="act", place="x", make=Old)}, name="n"
    )
    desk.queue.is_stopped = False
    (job_id,) = desk.put(1)
    thread = threading.Thread(target=executor.run)
    thread.start()
    eventually(lambda: desk.state(job_id) == "SUCCESS")
    executor.stop()
    thread.join(15)
    assert got[0].name == "n" and got[0].api == "the official client"
