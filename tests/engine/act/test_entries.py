"""Tests of the acts on entries: drop, reprioritise, restore."""

from __future__ import annotations

import pytest
from kazoo.client import KazooClient

from engine.act import drop, restore_one
from engine.act.acts import ACTS
from engine.errors import QueueError, ZooKeeperUnavailable
from engine.models import Ending
from engine.nuvla.client import NuvlaClient
from engine.zookeeper.paths import ENTRIES, OwnPaths, entry_path, entry_prefix
from tests.engine.act.conftest import Desk

GONE = "job/00000000-0000-4000-8000-000000000000"


@pytest.fixture
def no_window(monkeypatch: pytest.MonkeyPatch) -> None:
    """The entries and jobs of these tests are seconds old."""
    monkeypatch.setattr(drop, "ENQUEUE_WINDOW", 0.0)
    monkeypatch.setattr(restore_one, "ENQUEUE_WINDOW", 0.0)


def put(kazoo: KazooClient, data: str | bytes, priority: int = 999) -> str:
    """Queue something and return the entry's name."""
    raw = data.encode() if isinstance(data, str) else data
    path: str = kazoo.create(entry_prefix(priority), raw, sequence=True, makepath=True)
    return path.rpartition("/")[2]


@pytest.mark.usefixtures("no_window")
def test_an_orphan_is_dropped(desk: Desk) -> None:
    name = put(desk.kazoo, GONE)
    outcome = desk.act("drop", GONE)
    assert outcome.done, outcome
    assert name in outcome.detail
    assert desk.entries() == {}


def test_a_young_orphan_is_left_alone(desk: Desk) -> None:
    put(desk.kazoo, GONE)
    assert "may be on its way" in desk.act("drop", GONE).detail
    assert len(desk.entries()) == 1


def test_an_entry_without_a_job_id_is_dropped_by_its_name(desk: Desk) -> None:
    name = put(desk.kazoo, b"\xff\x1b]0;x\x07")
    outcome = desk.act("drop", name)
    assert outcome.done, outcome
    assert desk.entries() == {}
    assert "\x1b" not in "".join(desk.audit.attempts[0].effects)


def test_a_leftover_is_dropped_but_not_while_it_is_held(desk: Desk, client: NuvlaClient) -> None:
    job_id = client.add_job({"action": "x"})
    client.cancel_job(job_id)
    desk.lock(desk.entry_of(job_id))
    outcome = desk.act("drop", job_id)
    assert "is held by an executor that does not announce itself" in outcome.detail
    assert desk.audit.attempts == []
    desk.kazoo.delete(f"/job/taken/{desk.entry_of(job_id)}")
    assert desk.act("drop", job_id).done
    assert desk.entries() == {}


def test_of_a_duplicate_the_first_entry_stays(desk: Desk, client: NuvlaClient) -> None:
    job_id = client.add_job({"action": "x"})
    first = desk.entry_of(job_id)
    put(desk.kazoo, job_id)
    put(desk.kazoo, job_id)
    assert desk.act("drop", job_id).done
    assert desk.entries() == {first: job_id}


def test_of_a_duplicate_the_held_entry_stays(desk: Desk, client: NuvlaClient) -> None:
    job_id = client.add_job({"action": "x"})
    later = put(desk.kazoo, job_id)
    desk.lock(later)
    assert desk.act("drop", job_id).done
    assert desk.entries() == {later: job_id}


def test_a_duplicate_whose_kept_entry_goes_meanwhile_keeps_the_other(
    desk: Desk, client: NuvlaClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    job_id = client.add_job({"action": "x"})
    first = desk.entry_of(job_id)
    later = put(desk.kazoo, job_id)
    plan = desk.plan("drop", later)
    transaction = desk.sources.zk.transaction

    def after_the_first_is_gone(*operations: object, **named: object) -> object:
        desk.kazoo.delete(entry_path(first))
        return transaction(*operations, **named)  # type: ignore[arg-type]  # passed on

    monkeypatch.setattr(desk.sources.zk, "transaction", after_the_first_is_gone)
    outcome = desk.apply(plan)
    assert not outcome.done
    assert "nothing was changed" in outcome.detail
    assert desk.entries() == {later: job_id}


def test_the_only_entry_of_an_unfinished_job_is_dropped_by_force_only(
    desk: Desk, client: NuvlaClient
) -> None:
    job_id = client.add_job({"action": "x"})
    assert "only entry" in desk.act("drop", job_id).detail
    assert "--reason" in desk.act("drop", job_id, force=True).detail
    assert len(desk.entries()) == 1
    assert desk.act("drop", job_id, force=True, reason="it kills executors").done
    assert desk.entries() == {}


def test_a_claim_wins_over_a_drop(
    desk: Desk, client: NuvlaClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    job_id = client.add_job({"action": "x"})
    client.cancel_job(job_id)
    name = desk.entry_of(job_id)
    plan = desk.plan("drop", job_id)
    transaction = desk.sources.zk.transaction

    def after_a_claim(*operations: object, **named: object) -> object:
        desk.lock(name)
        return transaction(*operations, **named)  # type: ignore[arg-type]  # passed on

    monkeypatch.setattr(desk.sources.zk, "transaction", after_a_claim)
    outcome = desk.apply(plan)
    assert not outcome.done
    assert "the node exists" in outcome.detail
    assert (desk.entries(), desk.locks()) == ({name: job_id}, [name])


def test_after_a_lost_answer_of_zookeeper_the_act_looks(
    desk: Desk, client: NuvlaClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    job_id = client.add_job({"action": "x"})
    transaction = desk.sources.zk.transaction

    def lost(*operations: object, **named: object) -> None:
        raise ZooKeeperUnavailable("the connection broke")

    def done_but_lost(*operations: object, **named: object) -> None:
        transaction(*operations, **named)  # type: ignore[arg-type]  # passed on
        lost()

    monkeypatch.setattr(desk.sources.zk, "transaction", lost)
    outcome = desk.act("reprioritise", job_id, priority=5)
    assert (outcome.done, outcome.is_unknown) == (False, True)
    assert "its old entry is still there" in outcome.detail
    monkeypatch.setattr(desk.sources.zk, "transaction", done_but_lost)
    outcome = desk.act("reprioritise", job_id, priority=5)
    assert outcome.done, outcome
    assert outcome.made == desk.entry_of(job_id)
    assert [ending for ending, _ in desk.audit.endings] == [Ending.MAYBE_APPLIED, Ending.DONE]


def test_what_cannot_be_looked_at_afterwards_is_said(
    desk: Desk, client: NuvlaClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    job_id = client.add_job({"action": "x"})
    plan = desk.plan("reprioritise", job_id, priority=5)

    def away(_: str) -> None:
        raise ZooKeeperUnavailable("no server")

    monkeypatch.setattr(desk.sources.zk, "sync", away)
    outcome = desk.apply(plan)
    assert outcome.done
    assert "cannot be read: no server" in outcome.detail
    assert desk.entry_of(job_id).startswith("entry-005-")


def test_dropping_what_is_not_there_is_refused(desk: Desk) -> None:
    assert "no such entry" in desk.act("drop", "entry-999-0000000001").detail
    assert "no such entry" in desk.act("drop", GONE).detail


def test_a_waiting_job_is_moved_in_one_step(desk: Desk, client: NuvlaClient) -> None:
    job_id = client.add_job({"action": "x"})
    put(desk.kazoo, GONE, 10)
    outcome = desk.act("reprioritise", job_id, priority=10)
    assert outcome.done, outcome
    name = desk.entry_of(job_id)
    assert name.startswith("entry-010-")
    assert outcome.made == name
    assert list(desk.entries().values()) == [GONE, job_id]
    assert desk.locks() == []


@pytest.mark.parametrize("priority", [None, -1, 1000, 999])
def test_a_priority_that_is_none_or_no_change_is_refused(
    desk: Desk, client: NuvlaClient, priority: int | None
) -> None:
    job_id = client.add_job({"action": "x"})
    name = desk.entry_of(job_id)
    assert not desk.act("reprioritise", job_id, priority=priority).done
    assert desk.entry_of(job_id) == name


def test_jobs_that_do_not_wait_are_not_moved(desk: Desk, client: NuvlaClient) -> None:
    held, final = (client.add_job({"action": "x"}) for _ in range(2))
    desk.lock(desk.entry_of(held))
    client.cancel_job(final)
    before = desk.entries()
    for job_id, why in ((held, "holds it"), (final, "CANCELED"), (GONE, "no such job")):
        assert why in desk.act("reprioritise", job_id, priority=5).detail
    put(desk.kazoo, held)
    assert "2 times" in desk.act("reprioritise", held, priority=5).detail
    assert before.items() <= desk.entries().items()


@pytest.mark.usefixtures("no_window")
def test_a_lost_job_is_put_back_at_its_priority(desk: Desk, client: NuvlaClient) -> None:
    job_id = client.add_job({"action": "x", "priority": 7})
    client.edit_job(job_id, {"state": "RUNNING"})
    desk.kazoo.delete(entry_path(desk.entry_of(job_id)))
    outcome = desk.act("restore", job_id)
    assert outcome.done, outcome
    assert desk.entry_of(job_id) == outcome.made
    assert outcome.made.startswith("entry-007-")
    assert not desk.act("restore", job_id).done
    assert len(desk.entries()) == 1


@pytest.mark.usefixtures("no_window")
def test_jobs_that_lost_nothing_are_not_put_back(desk: Desk, client: NuvlaClient) -> None:
    pull = client.add_job({"action": "x", "execution-mode": "pull"})
    final = client.add_job({"action": "x"})
    desk.kazoo.delete(entry_path(desk.entry_of(final)))
    client.cancel_job(final)
    waiting = client.add_job({"action": "x"})
    found = {pull: "edge device", final: "requeue", waiting: "holds it", GONE: "no such job"}
    for job_id, why in found.items():
        assert why in desk.act("restore", job_id).detail
    assert list(desk.entries().values()) == [waiting]


@pytest.mark.usefixtures("no_window")
def test_two_restores_do_not_run_at_once(desk: Desk, client: NuvlaClient) -> None:
    job_id = client.add_job({"action": "x"})
    desk.kazoo.delete(entry_path(desk.entry_of(job_id)))
    plan = desk.plan("restore", job_id)
    with ACTS["restore"].guard(desk.sources, job_id), pytest.raises(QueueError, match="another"):
        desk.apply(plan)
    assert desk.entries() == {}
    assert desk.apply(plan).done


def test_a_young_job_is_not_put_back(desk: Desk, client: NuvlaClient) -> None:
    job_id = client.add_job({"action": "x"})
    desk.kazoo.delete(entry_path(desk.entry_of(job_id)))
    assert "may be on its way" in desk.act("restore", job_id).detail
    assert desk.kazoo.get_children(ENTRIES) == []
    assert desk.kazoo.exists(OwnPaths().restoring) is None
