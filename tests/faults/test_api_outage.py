"""The API is away, slow, or breaks off: rows 44 to 48, 58, 59 and 61."""

from __future__ import annotations

import time

import pytest

from engine.zookeeper.paths import ENTRIES, TAKEN
from tests.faults import api_faults
from tests.faults.job_api import Fault
from tests.faults.job_store import FINAL, Call
from tests.faults.world import World
from tests.support import eventually


def _is_final_write(call: Call) -> bool:
    return call.json.get("state") in FINAL


@pytest.mark.row(44)
def test_jobs_claimed_while_the_api_refuses_connections_are_put_back(world: World) -> None:
    """The executor holds nothing meanwhile, does not spin, and resumes by itself."""
    executor = world.executor(threads=2)
    world.api.close()
    jobs = [world.add() for _ in range(4)]
    executor.says(jobs[0])
    eventually(lambda: not world.names(TAKEN), "nothing is held")
    assert len(world.names(ENTRIES)) == 4
    assert executor.is_running
    world.api.open()
    world.wait_state("SUCCESS", *jobs, within=60)
    world.wait_drained()


@pytest.mark.row(45)
def test_an_api_that_is_away_while_a_job_runs_costs_progress_only(world: World) -> None:
    """The action runs on, and its result is written when the API is back."""
    executor, gate = world.executor(), world.gate()
    job = world.hold(gate, step=0.1, report=True)
    world.wait_running(job)
    eventually(lambda: len(world.journal.lines("step", job)) > 2, "it reports")
    world.api.close()
    seen = len(world.journal.lines("step", job))
    eventually(lambda: len(world.journal.lines("step", job)) > seen + 3, "it runs on")
    world.api.open()
    gate.touch()
    world.wait_state("SUCCESS", job, within=60)
    world.wait_drained()
    assert executor.is_running


@pytest.mark.row(44, 45)
def test_an_outage_of_twenty_seconds_in_mid_job_and_at_a_claim_is_waited_out(world: World) -> None:
    """The one job runs through it, the others start after it; each runs once."""
    executor, gate = world.executor(threads=2), world.gate()
    held = world.hold(gate)
    world.wait_running(held)
    world.wait_state("RUNNING", held)
    world.api.close()
    jobs = [world.add() for _ in range(5)]
    time.sleep(20)  # the fault itself: an outage of this length
    assert executor.is_running
    assert world.names(TAKEN) == [world.entry_of(held)]
    world.api.open()
    gate.touch()
    world.wait_state("SUCCESS", held, *jobs, within=60)
    world.wait_drained()


@pytest.mark.row(46)
def test_a_result_is_written_once_the_api_is_back(world: World) -> None:
    """The final write is tried again."""
    gate = world.gate()
    world.executor()
    job = world.hold(gate)
    world.wait_running(job)
    world.wait_state("RUNNING", job)
    world.api.close()
    gate.touch()
    eventually(lambda: world.journal.ends()[job], "the action has ended")
    world.api.open()
    world.wait_state("SUCCESS", job, within=60)
    world.wait_drained()


@pytest.mark.row(46)
def test_a_result_that_cannot_be_written_leads_to_a_put_back_not_to_a_loss(world: World) -> None:
    """After the time set for it, the claim is released; the job is done later."""
    first, gate = world.executor(name="first", patience=1.0), world.gate()
    job = world.hold(gate)
    world.wait_running(job)
    world.wait_state("RUNNING", job)
    world.api.close()
    gate.touch()
    eventually(lambda: not world.names(TAKEN), "the claim is released", within=60)
    assert world.entry_of(job)
    first.kill()
    world.allowed.second_run_of(job)
    world.api.open()
    world.executor(name="second")
    world.wait_state("SUCCESS", job, within=60)
    world.wait_drained()


@pytest.mark.row(47, 48)
@pytest.mark.parametrize("status", [500, 502, 503, 504, 429])
def test_a_failing_api_delays_a_job_and_nothing_else(world: World, status: int) -> None:
    """At the claim, at the first write and at the last: the job runs once."""
    fault = api_faults.status(status, {"Retry-After": "1"})
    job = world.add()
    rules = [world.api.rule(fault, method="GET", path=job, times=2)]
    rules.append(world.api.rule(fault, method="PUT", path=job, times=1))
    rules.append(world.api.rule(fault, method="PUT", path=job, times=1, when=_is_final_write))
    world.executor()
    world.wait_state("SUCCESS", job, within=60)
    world.wait_drained()
    assert [len(rule.hits) for rule in rules] == [2, 1, 1]
    first, second = (call.at for call in rules[0].hits)
    assert second - first >= 1.0, "Retry-After is honoured"


@pytest.mark.row(58)
def test_an_answer_that_never_comes_counts_as_unreachable(world: World) -> None:
    """The worker is free again after its timeout, and the job runs."""
    job = world.add()
    world.api.rule(api_faults.late(100, applied=False), method="GET", path=job, times=1)
    world.executor(threads=1, api_timeout=1.0)
    world.wait_state("SUCCESS", job, within=60)
    world.wait_drained()


@pytest.mark.row(59)
@pytest.mark.parametrize(
    "fault", [api_faults.late(100, applied=True), api_faults.reset(applied=True)]
)
def test_a_final_write_that_was_done_but_not_answered_is_not_repeated(
    world: World, fault: Fault
) -> None:
    """The document is read before anything is written again; the entry is consumed."""
    job = world.add()
    rule = world.api.rule(fault, method="PUT", path=job, when=_is_final_write, times=1)
    world.executor(threads=1, api_timeout=1.0)
    eventually(lambda: rule.hits, "the final write was lost")
    world.wait_drained(within=60)
    assert world.state(job) == "SUCCESS"
    finals = [write for write in world.store.writes[job] if write.get("state") in FINAL]
    assert len(finals) == 1


CUTS: dict[str, Fault] = {
    "cut short": api_faults.cut_short,
    "reset": api_faults.reset(applied=True),
    "not http": api_faults.not_http,
}


@pytest.mark.row(61)
@pytest.mark.parametrize("name", CUTS)
@pytest.mark.parametrize("method", ["GET", "PUT"])
def test_an_answer_that_breaks_off_counts_as_unreachable(
    world: World, name: str, method: str
) -> None:
    """The job is tried again and runs once."""
    job = world.add()
    rule = world.api.rule(CUTS[name], method=method, path=job, times=1)
    world.executor(threads=1, api_timeout=2.0)
    world.wait_state("SUCCESS", job, within=60)
    world.wait_drained()
    assert rule.hits
