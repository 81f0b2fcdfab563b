"""Tests of the acts on jobs: start, cancel, requeue."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from engine.act.acts import ACTS
from engine.errors import ApiUnavailable, AuditError, QueueError
from engine.models import Ending, Member, MemberKind, RunningJob, Who
from engine.nuvla.client import NuvlaClient
from engine.zookeeper.paths import OwnPaths
from tests.engine.act.conftest import Desk, Noted

GONE = "job/00000000-0000-4000-8000-000000000000"


def finished(client: NuvlaClient, end: str = "FAILED", **document: Any) -> str:
    """Return a job that ended; its entry is still there."""
    named = {key.replace("target", "target-resource"): value for key, value in document.items()}
    job_id = client.add_job({"action": "x", **named})
    client.edit_job(job_id, {"state": "RUNNING"})
    client.edit_job(job_id, {"state": end, "return-code": 1})
    return job_id


def test_start_makes_a_job_and_names_it(desk: Desk, client: NuvlaClient) -> None:
    outcome = desk.act("start", "x", priority=7, target="deployment/y", payload='{"a": 1}')
    assert outcome.done, outcome
    document = client.get_job(outcome.made)
    assert document["target-resource"] == {"href": "deployment/y"}
    assert document["payload"] == '{"a": 1}'
    assert desk.entry_of(outcome.made).startswith("entry-007-")


def test_what_is_no_job_is_refused_before_it_is_sent(desk: Desk) -> None:
    assert "blank" in desk.act("start", " ").detail
    assert "1000" in desk.act("start", "x", priority=1000).detail
    assert desk.audit.attempts == []


def test_a_waiting_job_is_cancelled(desk: Desk, client: NuvlaClient) -> None:
    job_id = client.add_job({"action": "x"})
    outcome = desk.act("cancel", job_id, reason="not needed")
    assert (outcome.done, outcome.detail) == (True, "it is CANCELED")
    assert client.get_job(job_id)["state"] == "CANCELED"


def test_final_and_missing_jobs_are_not_cancelled(desk: Desk, client: NuvlaClient) -> None:
    assert "FAILED already" in desk.act("cancel", finished(client)).detail
    assert "no such job" in desk.act("cancel", GONE).detail


def test_a_job_that_began_since_the_plan_is_not_cancelled(desk: Desk, client: NuvlaClient) -> None:
    job_id = client.add_job({"action": "x"})
    plan = desk.plan("cancel", job_id)
    assert plan.warnings == ()
    client.edit_job(job_id, {"state": "RUNNING"})
    outcome = desk.apply(plan)
    assert not outcome.done
    assert "was QUEUED" in outcome.detail and "now RUNNING" in outcome.detail
    assert client.get_job(job_id)["state"] == "RUNNING"


def test_progress_does_not_make_a_plan_stale(desk: Desk, client: NuvlaClient) -> None:
    job_id = client.add_job({"action": "x"})
    client.edit_job(job_id, {"state": "RUNNING"})
    plan = desk.plan("cancel", job_id)
    assert any("does not stop a thread" in warning for warning in plan.warnings)
    client.edit_job(job_id, {"progress": 40})
    assert desk.apply(plan).done


def test_a_finished_job_runs_again_as_a_new_one(desk: Desk, client: NuvlaClient) -> None:
    old = finished(
        client,
        priority=7,
        payload='{"a": 1}',
        acl={"owners": ["group/nuvla-admin"], "view-acl": ["user/jane"]},
        target={"href": "deployment/y"},
    )
    outcome = desk.act("requeue", old)
    assert outcome.done, outcome
    new = client.get_job(outcome.made)
    assert (new["state"], new["action"], new["payload"]) == ("QUEUED", "x", '{"a": 1}')
    assert new["parent"] == old
    assert new["target-resource"] == {"href": "deployment/y"}
    assert new["acl"] == client.get_job(old)["acl"]
    assert "parent-job" not in new
    assert desk.entry_of(outcome.made).startswith("entry-007-")
    assert client.get_job(old)["state"] == "FAILED"


def test_a_job_is_requeued_once(desk: Desk, client: NuvlaClient) -> None:
    old = finished(client)
    first = desk.plan("requeue", old)
    new = desk.act("requeue", old).made
    assert new in desk.act("requeue", old).detail
    assert "stale" in desk.apply(first).detail
    client.cancel_job(new)
    again = desk.plan("requeue", old)
    assert any(new in warning for warning in again.warnings)
    assert desk.apply(again).made not in ("", new)


def test_unfinished_and_missing_jobs_are_not_requeued(desk: Desk, client: NuvlaClient) -> None:
    assert "QUEUED" in desk.act("requeue", client.add_job({"action": "x"})).detail
    assert "no such job" in desk.act("requeue", GONE).detail


def test_a_cancelled_job_that_is_still_held_is_not_requeued(
    desk: Desk, client: NuvlaClient
) -> None:
    job_id = client.add_job({"action": "x"})
    desk.lock(desk.entry_of(job_id))
    client.cancel_job(job_id)
    assert "has not let go" in desk.act("requeue", job_id).detail


def test_a_job_whose_thread_goes_on_without_a_lock_is_not_requeued(
    desk: Desk, client: NuvlaClient
) -> None:
    job_id = finished(client)
    now = datetime.now(UTC)
    running = RunningJob(job_id=job_id, entry="", action="x", thread="worker-1", since=now)
    member = Member(
        instance="ex-1",
        kind=MemberKind.EXECUTOR,
        name="ex",
        host="host",
        pid=1,
        version="0",
        started=now,
        jobs=(running,),
    )
    desk.kazoo.create(OwnPaths().member("ex-1"), member.to_node(), ephemeral=True, makepath=True)
    assert "has not let go" in desk.act("requeue", job_id).detail


def test_success_is_requeued_with_a_warning(desk: Desk, client: NuvlaClient) -> None:
    plan = desk.plan("requeue", finished(client, "SUCCESS"))
    assert any("has succeeded" in warning for warning in plan.warnings)
    assert not plan.is_refused


def test_two_requeues_of_one_job_do_not_run_at_once(desk: Desk, client: NuvlaClient) -> None:
    old = finished(client)
    plan = desk.plan("requeue", old)
    with ACTS["requeue"].guard(desk.sources, old), pytest.raises(QueueError, match="another"):
        desk.apply(plan)
    assert desk.apply(plan).done


def lose_answers(desk: Desk, monkeypatch: pytest.MonkeyPatch, method: str) -> None:
    """Let a call of the API be done, and its answer be lost."""
    call = getattr(desk.sources.client, method)

    def done_but_lost(argument: object) -> None:
        call(argument)
        raise ApiUnavailable("the connection broke", maybe_applied=True)

    monkeypatch.setattr(desk.sources.client, method, done_but_lost)


def test_after_a_lost_answer_the_new_job_is_looked_for(
    desk: Desk, client: NuvlaClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    old = finished(client)
    lose_answers(desk, monkeypatch, "add_job")
    outcome = desk.act("requeue", old)
    assert outcome.done, outcome
    assert client.get_job(outcome.made)["parent"] == old
    lose_answers(desk, monkeypatch, "cancel_job")
    assert desk.act("cancel", outcome.made).done


def test_a_start_whose_answer_is_lost_may_be_done(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    lose_answers(desk, monkeypatch, "add_job")
    outcome = desk.act("start", "x")
    assert not outcome.done
    assert outcome.is_unknown
    assert "may be done" in outcome.detail
    assert desk.audit.endings[0][0] is Ending.MAYBE_APPLIED


def test_a_write_that_failed_for_certain_is_on_record_and_raised(
    desk: Desk, client: NuvlaClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    job_id = client.add_job({"action": "x"})

    def refuse(_: str) -> None:
        raise ApiUnavailable("no connection")

    monkeypatch.setattr(desk.sources.client, "cancel_job", refuse)
    with pytest.raises(ApiUnavailable):
        desk.act("cancel", job_id)
    assert desk.audit.endings == [(Ending.FAILED, "no connection")]


def test_what_cannot_be_recorded_is_not_done(desk: Desk, client: NuvlaClient) -> None:
    class Full(Noted):
        def attempt(self, plan: object, *, by: Who, reason: str | None) -> Noted:
            raise AuditError("the disk is full")

    job_id = client.add_job({"action": "x"})
    desk.audit = Full()
    with pytest.raises(AuditError):
        desk.act("cancel", job_id)
    assert client.get_job(job_id)["state"] == "QUEUED"


def test_what_the_api_forbids_is_refused(
    desk: Desk, client: NuvlaClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    job_id = client.add_job({"action": "x"})
    plan = desk.plan("cancel", job_id)
    real = desk.sources.client.cancel_job

    def after_somebody_else(argument: str) -> object:
        real(argument)
        return real(argument)

    monkeypatch.setattr(desk.sources.client, "cancel_job", after_somebody_else)
    outcome = desk.apply(plan)
    assert not outcome.done
    assert desk.audit.endings[0][0] is Ending.REFUSED
