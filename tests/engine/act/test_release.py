"""Tests of release: who is asked, who is not, and what force does."""

from __future__ import annotations

from engine.models import Ending
from engine.nuvla.client import NuvlaClient
from tests.engine.act.conftest import Desk


def test_a_job_that_nobody_holds_is_not_released(desk: Desk, client: NuvlaClient) -> None:
    job_id = client.add_job({"action": "x"})
    outcome = desk.act("release", job_id)
    assert not outcome.done
    assert "nobody holds it" in outcome.detail
    assert desk.audit.attempts == []


def test_a_foreign_owner_is_not_robbed_without_force(desk: Desk, client: NuvlaClient) -> None:
    job_id = client.add_job({"action": "x"})
    desk.lock(desk.entry_of(job_id))
    outcome = desk.act("release", job_id, reason="it hangs")
    assert not outcome.done
    assert "restart it" in outcome.detail
    assert desk.locks() == [desk.entry_of(job_id)]


def test_force_needs_a_reason(desk: Desk, client: NuvlaClient) -> None:
    job_id = client.add_job({"action": "x"})
    desk.lock(desk.entry_of(job_id))
    assert "--reason" in desk.act("release", job_id, force=True).detail
    assert desk.locks() == [desk.entry_of(job_id)]


def test_force_takes_the_lock_away_and_says_the_risk(desk: Desk, client: NuvlaClient) -> None:
    job_id = client.add_job({"action": "x"})
    entry = desk.entry_of(job_id)
    desk.lock(entry)
    plan = desk.plan("release", job_id, force=True, reason="its host is gone")
    assert any("may run twice" in warning for warning in plan.warnings)
    outcome = desk.apply(plan, "its host is gone")
    assert outcome.done, outcome
    assert desk.locks() == []
    assert desk.entry_of(job_id) == entry
    assert desk.audit.endings == [(Ending.DONE, "the lock is gone")]


def test_a_lock_that_came_back_since_is_left_alone(desk: Desk, client: NuvlaClient) -> None:
    job_id = client.add_job({"action": "x"})
    entry = desk.entry_of(job_id)
    desk.lock(entry)
    plan = desk.plan("release", job_id, force=True, reason="why not")
    desk.kazoo.delete(f"/job/taken/{entry}")
    desk.lock(entry)
    outcome = desk.apply(plan)
    assert not outcome.done
    assert "stale" in outcome.detail
    assert desk.locks() == [entry]
    assert desk.audit.attempts == []
