"""What the API says about a job, true or not: rows 52 to 57, 62, 66 and 68."""

from __future__ import annotations

import uuid

import pytest

from engine.zookeeper.paths import ENTRIES, TAKEN
from tests.faults import api_faults
from tests.faults.job_store import FINAL
from tests.faults.world import World
from tests.support import eventually


@pytest.mark.row(52)
def test_a_job_whose_document_comes_late_runs_once_when_it_is_there(world: World) -> None:
    """The server queues a job before it stores it: a young entry without document waits."""
    world.executor()
    late = f"job/{uuid.uuid4()}"
    entry = world.put_entry(late)
    other = world.add()
    eventually(lambda: world.api.called("GET", late), "the document was asked for")
    world.wait_state("SUCCESS", other)
    eventually(lambda: len(world.api.called("GET", late)) >= 2, "it was asked for again")
    assert entry in world.names(ENTRIES)
    world.store.put(world.document(late, "count"))
    world.wait_state("SUCCESS", late)
    world.wait_drained()


@pytest.mark.row(53)
def test_an_old_entry_without_a_document_is_removed_and_said_once(world: World) -> None:
    """The clock of this executor is two minutes ahead, so that the entry is old."""
    executor = world.executor(ahead=120.0)
    gone = f"job/{uuid.uuid4()}"
    world.put_entry(gone)
    job = world.add()
    world.wait_drained(within=60)
    assert world.state(job) == "SUCCESS"
    removed = [line for line in executor.output().splitlines() if gone in line and "remove" in line]
    assert len(removed) == 1
    assert len(world.api.called("GET", gone)) >= 2, "its own clock alone decides nothing"


@pytest.mark.row(55)
@pytest.mark.parametrize("state", FINAL)
def test_a_job_that_is_final_already_is_consumed_and_not_run(world: World, state: str) -> None:
    """All three final states count."""
    world.executor()
    job = world.add("count", state=state)
    world.wait_drained()
    assert world.state(job) == state
    assert not world.journal.lines(job=job)
    assert job not in world.store.writes


@pytest.mark.row(56)
def test_a_job_canceled_while_it_runs_stays_canceled_and_its_action_is_told(world: World) -> None:
    """The refused edit tells the action to stop; nothing is overwritten; the entry goes."""
    world.executor()
    gate = world.gate()
    job = world.hold(gate, heed=True, step=0.2, report=True)
    world.wait_running(job)
    world.store.documents[job].update({"state": "CANCELED"})
    eventually(lambda: world.journal.lines("told to stop", job), "the action was told to stop")
    world.wait_drained()
    assert world.state(job) == "CANCELED"
    assert world.store.documents[job].get("return-code") is None


@pytest.mark.row(56)
def test_a_job_that_another_made_final_at_the_last_moment_keeps_its_state(world: World) -> None:
    """The final write is refused with 409: the first final state wins, the entry is consumed."""
    world.executor()
    gate = world.gate()
    job = world.hold(gate)
    world.wait_running(job)
    world.store.documents[job].update({"state": "CANCELED", "status-message": "by hand"})
    gate.touch()
    world.wait_drained()
    assert world.state(job) == "CANCELED"
    assert world.store.documents[job]["status-message"] == "by hand"


@pytest.mark.row(57)
def test_a_job_found_running_is_handed_to_its_action_which_is_told(world: World) -> None:
    """Somebody has started it before: the action decides what that means."""
    world.executor()
    again = world.add("second_start", state="RUNNING")
    fresh = world.add("second_start")
    world.wait_state("SUCCESS", again, fresh)
    world.wait_drained()
    assert [line.detail for line in world.journal.lines("again", again)] == [True]
    assert [line.detail for line in world.journal.lines("again", fresh)] == [False]


@pytest.mark.row(54)
def test_a_job_deleted_while_it_runs_ends_without_a_fuss(world: World) -> None:
    """The write finds no document: the entry is consumed, and nothing is tried for ever."""
    world.executor()
    gate = world.gate()
    job = world.hold(gate)
    world.wait_running(job)
    del world.store.documents[job]
    gate.touch()
    world.wait_drained()
    assert len(world.api.called("PUT", job)) <= 4


BODIES: dict[str, bytes] = {
    "broken": b'{"id": "job/',
    "html": b"<html>sign in</html>",
    "null": b"null",
    "list": b"[]",
    "empty": b"",
    "no id": b"{}",
    "not a text": b'{"id": 3, "state": "QUEUED"}',
}


@pytest.mark.row(62)
def test_nonsense_instead_of_a_document_is_survived(world: World) -> None:
    """One answer of nonsense delays the job; it is not lost and runs once."""
    jobs = {}
    for name, content in BODIES.items():
        job = world.add()
        jobs[name] = job
        world.api.rule(api_faults.body(content), method="GET", path=job, times=1)
    wrong = world.add()
    world.api.rule(
        api_faults.changed(lambda job: {**job, "state": 7, "version": "x", "action": []}),
        method="GET",
        path=wrong,
        times=1,
    )
    world.executor()
    good = world.add()
    world.wait_state("SUCCESS", good)
    world.wait_state("SUCCESS", *jobs.values(), within=60)
    world.wait_drained()


@pytest.mark.row(62)
def test_a_document_that_stays_nonsense_does_not_stop_the_queue(world: World) -> None:
    """The job is tried again ever later, and the jobs behind it run."""
    bad = world.add()
    rule = world.api.rule(api_faults.body(b"[]"), method="GET", path=bad)
    world.executor(threads=1)
    others = world.add_many(5)
    world.wait_state("SUCCESS", *others)
    eventually(lambda: len(rule.hits) >= 2, "it was tried again")
    assert len(rule.hits) < 40
    if world.state(bad) not in FINAL:
        assert world.entry_of(bad)


@pytest.mark.row(66)
def test_the_document_of_another_job_is_refused(world: World) -> None:
    """An answer is for the job that was asked for, or worth nothing."""
    other = world.document(f"job/{uuid.uuid4()}", "count")
    job = world.add()
    rule = world.api.rule(api_faults.changed(lambda _: other), method="GET", path=job, times=1)
    world.executor()
    world.wait_state("SUCCESS", job)
    assert rule.hits
    assert other["id"] not in world.journal.starts()
    assert not world.api.called("PUT", other["id"])
    world.wait_drained()


@pytest.mark.row(68)
def test_a_job_of_a_later_version_is_left_to_others_without_spinning(world: World) -> None:
    """It keeps its entry, unlocked; the jobs behind it run."""
    executor = world.executor(threads=1)
    later = world.add(version=3)
    others = world.add_many(5)
    world.wait_state("SUCCESS", *others)
    eventually(lambda: world.api.called("GET", later), "it was looked at")
    eventually(lambda: not world.names(TAKEN), "it is not locked")
    assert world.state(later) == "QUEUED"
    assert world.entry_of(later)
    assert executor.is_running
    assert len(world.api.called("GET", later)) < 20


@pytest.mark.row(68)
@pytest.mark.parametrize("version", [0, 1, None])
def test_a_job_of_an_old_version_fails_with_a_message(world: World, version: int | None) -> None:
    """Nobody will ever run it: it says so and leaves the queue."""
    job = world.add(version=version if version is not None else 2)
    if version is None:
        del world.store.documents[job]["version"]
    world.executor()
    world.wait_drained()
    assert world.state(job) == "FAILED"
    assert "version" in world.store.documents[job]["status-message"].lower()
    assert not world.journal.lines(job=job)
