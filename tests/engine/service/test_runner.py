"""One claimed job: whether it runs, how its end is written, and how its entry is settled."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from engine.errors import (
    ActionFailed,
    ApiRefused,
    ApiUnavailable,
    LoginRefused,
    MalformedAnswer,
    ZooKeeperUnavailable,
)
from engine.service.endings import UnfinishedBulkAction
from engine.service.finish import FinishRules
from engine.service.health import ApiHealth
from engine.service.intake import IntakeRules
from engine.service.runner import Runner, RunnerRules
from engine.service.work import Work
from engine.states import JobState
from tests.engine.service.fakes import (
    JOB,
    FakeClaim,
    FakeClient,
    FakeQueue,
    make_actions,
    make_document,
)

OLD = datetime.now(UTC) - timedelta(hours=1)
DOWN = ApiUnavailable("connection refused")


class Bench:
    """A runner over doubles."""

    def __init__(
        self,
        work: Callable[[Any], object] = lambda job: 0,
        *,
        intake: IntakeRules | None = None,
        patience: float = 10.0,
        **changes: Any,
    ) -> None:
        self.client = FakeClient(make_document(**changes))
        self.queue = FakeQueue()
        self.health = ApiHealth()
        self.claim = FakeClaim()
        self.runs = 0

        def counted(job: Any) -> object:
            self.runs += 1
            return work(job)

        rules = RunnerRules(
            intake=intake or IntakeRules(looks=0.0),
            finish=FinishRules(patience=patience, cap=0.01),
        )
        self.runner = Runner(
            self.queue, self.client, make_actions(counted), self.health, executor=None, rules=rules
        )

    def run(self) -> JobState | None:
        self.work = Work(self.claim, "worker-1")
        return self.runner.run(self.work)

    @property
    def document(self) -> dict[str, Any]:
        return self.client.documents[JOB]


def test_a_job_runs_in_one_read_and_two_edits() -> None:
    bench = Bench()
    assert bench.run() == "SUCCESS"
    assert bench.client.reads == 1
    assert bench.client.edits == [
        {"state": "RUNNING"},
        {"state": "SUCCESS", "return-code": 0, "progress": 100},
    ]
    assert bench.queue.settled == ["consumed"]


@pytest.mark.parametrize(
    "error", [SystemExit(1), KeyboardInterrupt(), GeneratorExit(), MemoryError()]
)
def test_an_action_that_raises_anything_fails_its_job_only(error: BaseException) -> None:
    def work(job: object) -> None:
        raise error

    bench = Bench(work)
    assert bench.run() == "FAILED"
    assert type(error).__name__ in bench.document["status-message"]
    assert bench.queue.settled == ["consumed"]


def test_endless_recursion_fails_its_job_only() -> None:
    def work(job: object) -> object:
        return work(job)

    bench = Bench(work)
    assert bench.run() == "FAILED"
    assert bench.document["status-message"].startswith("RecursionError")


def test_a_mixed_job_that_fails_is_left_to_the_edge_device() -> None:
    def work(job: object) -> None:
        raise ActionFailed("no route to the device")

    bench = Bench(work, execution_mode="mixed")
    assert bench.run() == "QUEUED"
    assert bench.document["execution-mode"] == "pull"
    assert bench.queue.settled == ["consumed"]


def test_an_unfinished_bulk_action_stays_running_and_leaves_the_queue() -> None:
    def work(job: Any) -> None:
        job.set_progress(40)
        raise UnfinishedBulkAction

    bench = Bench(work)
    assert bench.run() == "RUNNING"
    assert bench.document["progress"] == 40
    assert bench.queue.settled == ["consumed"]


@pytest.mark.parametrize("state", ["SUCCESS", "FAILED", "CANCELED"])
def test_a_final_job_is_removed_and_not_run(state: str) -> None:
    bench = Bench(state=state)
    assert bench.run() == state
    assert (bench.runs, bench.client.edits, bench.queue.settled) == (0, [], ["consumed"])


def test_a_job_found_running_is_run_and_told() -> None:
    told: list[bool] = []
    bench = Bench(lambda job: told.append(job.was_running), state="RUNNING")
    assert bench.run() == "SUCCESS"
    assert told == [True]


def test_a_pull_job_in_the_queue_is_the_edge_devices() -> None:
    bench = Bench(execution_mode="pull")
    bench.run()
    assert (bench.runs, bench.client.edits, bench.queue.settled) == (0, [], ["consumed"])
    edge = Bench(execution_mode="pull", intake=IntakeRules(takes_pull=True))
    assert edge.run() == "SUCCESS"


def test_an_unknown_action_fails_its_job_once() -> None:
    bench = Bench(action="../x\x1b[31m")
    assert bench.run() == "FAILED"
    assert "not implemented" in bench.document["status-message"]
    assert "\x1b" not in bench.document["status-message"]
    assert bench.queue.settled == ["consumed"]


def test_an_unknown_action_is_left_to_others_if_so_set() -> None:
    bench = Bench(action="other", intake=IntakeRules(leave_unknown=True))
    for _ in range(4):
        assert bench.run() is None
    assert bench.client.edits == []
    assert bench.queue.settled == ["released"] * 4
    assert bench.queue.cooldowns[3] > bench.queue.cooldowns[0] > 0


@pytest.mark.parametrize("version", [0, 1, "2", None])
def test_a_job_of_an_older_version_fails(version: object) -> None:
    bench = Bench(version=version)
    assert bench.run() == "FAILED"
    assert "version" in bench.document["status-message"]
    assert bench.runs == 0


def test_a_job_of_a_newer_version_is_left_to_others_and_not_spun_on() -> None:
    bench = Bench(version=3)
    for _ in range(4):
        bench.run()
    assert bench.queue.settled == ["released"] * 4
    assert bench.queue.cooldowns[3] > bench.queue.cooldowns[0] > 0
    assert (bench.runs, bench.client.edits) == (0, [])


def test_a_young_entry_without_document_waits_and_runs_once_it_is_there() -> None:
    bench = Bench()
    document = bench.client.documents.pop(JOB)
    bench.run()
    assert bench.queue.settled == ["released"]
    bench.client.documents[JOB] = document
    assert bench.run() == "SUCCESS"
    assert bench.runs == 1


def test_an_old_entry_without_document_is_removed() -> None:
    bench = Bench()
    bench.client.documents.clear()
    bench.claim.enqueued_at = OLD
    bench.run()
    assert bench.queue.settled == ["consumed"]


def test_an_old_entry_is_looked_at_twice_since_clocks_differ() -> None:
    bench = Bench(intake=IntakeRules(looks=30.0))
    bench.client.documents.clear()
    bench.claim.enqueued_at = OLD
    bench.run()
    assert bench.queue.settled == ["released"]


@pytest.mark.parametrize("error", [DOWN, LoginRefused("revoked", status=403)])
def test_an_api_that_cannot_be_used_puts_the_job_back(error: Exception) -> None:
    bench = Bench()
    bench.client.fail("get", error)
    bench.run()
    assert bench.queue.settled == ["released"]
    assert bench.runs == 0 and not bench.health.is_up


@pytest.mark.parametrize("error", [MalformedAnswer("HTML"), ApiRefused("403", status=403)])
def test_an_unusable_document_is_put_back_then_failed(error: Exception) -> None:
    bench = Bench()
    bench.client.fail("get", *[error] * 3)
    states = [bench.run() for _ in range(3)]
    assert states == [None, None, "FAILED"]
    assert bench.queue.settled == ["released", "released", "consumed"]
    assert bench.health.is_up


@pytest.mark.parametrize("changes", [{"state": "ODD"}, {"state": ["x"]}, {"execution_mode": {}}])
def test_a_malformed_document_is_treated_alike(changes: dict[str, Any]) -> None:
    bench = Bench(**changes)
    for _ in range(3):
        bench.run()
    assert bench.queue.settled == ["released", "released", "consumed"]
    assert bench.document["state"] == "FAILED"


def test_a_document_without_action_is_failed_in_the_end() -> None:
    bench = Bench()
    del bench.document["action"]
    for _ in range(3):
        bench.run()
    assert bench.document["state"] == "FAILED"


def test_a_job_that_cannot_be_marked_running_is_put_back() -> None:
    bench = Bench()
    bench.client.fail("edit", DOWN)
    bench.run()
    assert (bench.runs, bench.queue.settled) == (0, ["released"])


def test_a_job_cancelled_just_before_it_starts_is_not_run() -> None:
    bench = Bench()
    read = bench.client.get_job

    def cancelled_after_the_read(job_id: str) -> dict[str, Any]:
        document = read(job_id)
        bench.document["state"] = "CANCELED"
        return document

    bench.client.get_job = cancelled_after_the_read  # type: ignore[method-assign]  # a race
    bench.run()
    assert (bench.runs, bench.queue.settled) == (0, ["consumed"])


def test_a_job_cancelled_while_it_runs_stays_cancelled() -> None:
    def work(job: Any) -> int:
        bench.document["state"] = "CANCELED"
        job.set_progress(10)
        return 0 if job.cancelled else 1

    bench = Bench(work)
    bench.run()
    assert bench.document["state"] == "CANCELED"
    assert bench.queue.settled == ["consumed"]


def test_a_job_deleted_while_it_runs_leaves_the_queue() -> None:
    bench = Bench(lambda job: bench.client.documents.clear())
    bench.run()
    assert bench.queue.settled == ["consumed"]


def test_the_result_is_written_once_the_api_is_back() -> None:
    def work(job: Any) -> int:
        bench.client.fail("edit", DOWN, DOWN)
        job.set_status_message("done well")
        return 0

    bench = Bench(work)
    assert bench.run() == "SUCCESS"
    assert bench.document["status-message"] == "done well"
    assert bench.queue.settled == ["consumed"]


def test_a_result_that_cannot_be_written_in_time_is_put_back() -> None:
    bench = Bench(lambda job: bench.client.fail("edit", *[DOWN] * 1000), patience=0.05)
    bench.run()
    assert bench.queue.settled == ["released"]
    assert bench.document["state"] == "RUNNING"


def test_a_result_written_though_the_answer_was_lost_is_not_written_again() -> None:
    def work(job: Any) -> int:
        bench.client.applies_before_fault = True
        bench.client.fail("edit", ApiUnavailable("timed out", maybe_applied=True))
        return 0

    bench = Bench(work)
    assert bench.run() == "SUCCESS"
    assert [edit.get("state") for edit in bench.client.edits] == ["RUNNING", "SUCCESS"]
    assert bench.queue.settled == ["consumed"]


def test_a_result_that_the_api_refuses_is_reduced_then_given_up() -> None:
    def fail_oddly(job: Any) -> int:
        bench.client.fail("edit", *refusals)
        raise ValueError("odd")

    refusals = [ApiRefused("schema", status=400)]
    bench = Bench(fail_oddly)
    bench.run()
    assert bench.client.edits[-1] == {"state": "FAILED", "return-code": 1, "progress": 100}
    refusals *= 2
    bench = Bench(fail_oddly)
    bench.run()
    assert bench.document["state"] == "RUNNING"
    assert bench.queue.settled == ["consumed"]


def test_a_result_over_which_the_api_itself_fails_is_reduced_and_never_given_up() -> None:
    def fail_oddly(job: Any) -> int:
        edit = bench.client.edit_job

        def take_no_message(job_id: str, changes: Any) -> dict[str, Any]:
            bench.health.recovered()  # as the watch does, whose probes succeed
            if "status-message" in changes:
                raise ApiUnavailable("immense term", status=500, maybe_applied=True)
            return edit(job_id, changes)

        bench.client.edit_job = take_no_message  # type: ignore[method-assign]  # breaks on purpose
        bench.health.failed = lambda error: None  # type: ignore[method-assign]  # see above
        raise ValueError("odd")

    bench = Bench(fail_oddly, patience=1.0)
    assert bench.run() == "FAILED"
    assert "status-message" not in bench.document
    assert bench.queue.settled == ["consumed"]


def test_an_action_that_ends_its_job_itself_is_believed() -> None:
    bench = Bench(lambda job: job.update_job(state="FAILED", return_code=9))
    assert bench.run() == "FAILED"
    assert bench.document["return-code"] == 9
    assert bench.queue.settled == ["consumed"]


def test_after_a_lost_session_the_result_is_written_under_a_new_claim() -> None:
    def work(job: Any) -> int:
        bench.claim.live = False
        job.set_progress(50)
        return 0

    bench = Bench(work)
    bench.queue.next_claim = FakeClaim()
    assert bench.run() == "SUCCESS"
    assert bench.queue.settled == ["consumed"]
    assert bench.work.claim is bench.queue.next_claim


def test_after_a_lost_session_the_result_is_dropped_if_another_has_the_job() -> None:
    bench = Bench(lambda job: setattr(bench.claim, "live", False))
    assert bench.run() is None
    assert bench.document["state"] == "RUNNING"
    assert bench.queue.settled == []


def test_a_claim_lost_before_the_start_runs_nothing() -> None:
    bench = Bench()
    bench.claim.live = False
    bench.run()
    assert (bench.runs, bench.client.edits) == (0, [])


def test_a_claim_settled_from_outside_is_not_settled_again() -> None:
    bench = Bench(lambda job: bench.work.take_settling())
    bench.run()
    assert bench.queue.settled == []
    assert bench.document["state"] == "RUNNING"


def test_zookeeper_down_at_the_end_costs_no_thread() -> None:
    bench = Bench()

    def refuse(claim: object, *, wait: bool = True) -> str:
        raise ZooKeeperUnavailable("no answer")

    bench.queue.consume = refuse  # type: ignore[method-assign]  # breaks on purpose
    assert bench.run() == "SUCCESS"


def test_a_flaw_of_the_engine_puts_the_job_back() -> None:
    bench = Bench()
    bench.client.fail("get", ZeroDivisionError("a flaw"))
    bench.run()
    assert bench.queue.settled == ["released"]
