"""Tests of acts in bulk, against a real ZooKeeper and the local API."""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from kazoo.client import KazooClient

from engine.act import bulk as bulk_module
from engine.act import pace as pace_module
from engine.act import selecting
from engine.act.acts import ACTS
from engine.act.audit import Audit
from engine.act.bulk import Bulk, Progress
from engine.act.bulk_file import BulkFile, Order
from engine.act.selecting import select
from engine.act.sources import Sources
from engine.errors import ApiUnavailable, AuditError, BulkError, QueueError
from engine.models import Ending, JobRequest
from engine.nuvla.client import NuvlaClient
from engine.nuvla.credentials import ApiKey
from engine.settings import Secret
from engine.states import JobState
from engine.view.audit import read_audit_file
from engine.view.paging import every_job
from engine.zookeeper.connection import ZooKeeper
from engine.zookeeper.paths import ENTRIES, TAKEN, entry_prefix, lock_path
from tests.engine.act.attempts import WHO
from tests.local_api import LocalApi


class Client(NuvlaClient):
    """A client whose cancels a test can break, or watch."""

    before_cancel: Callable[[str], None] = staticmethod(lambda job_id: None)

    def cancel_job(self, job_id: str) -> dict[str, Any]:
        self.before_cancel(job_id)
        return super().cancel_job(job_id)


@pytest.fixture
def client(local_api: LocalApi) -> Iterator[Client]:
    credentials = ApiKey(local_api.api_key, Secret(local_api.api_secret))
    with Client(local_api.url, credentials=credentials) as client:
        yield client


@pytest.fixture
def sources(zk_hosts: str, client: Client) -> Iterator[Sources]:
    zk = ZooKeeper(zk_hosts)
    zk.start()
    assert zk.wait_connected(15)
    yield Sources(zk=zk, client=client)
    zk.close()


@pytest.fixture
def file(tmp_path: Path) -> Path:
    """The record of acts."""
    return tmp_path / "state" / "audit.jsonl"


@pytest.fixture
def begin(sources: Sources, file: Path) -> Callable[..., Bulk]:
    """Begin an act in bulk, or take one up again by its id."""

    def begin(act: str = "cancel", *, subjects: tuple[str, ...] = (), id: str = "") -> Bulk:
        order = Order(act=act, filter="action=x", reason="flood", subjects=subjects)
        taken = BulkFile.open(file.parent, id) if id else BulkFile.create(file.parent, order)
        return Bulk(taken, sources, by=WHO, audit=Audit(file))

    return begin


def add(client: NuvlaClient, number: int, **request: Any) -> tuple[str, ...]:
    return tuple(client.add_job(JobRequest(**{"action": "x", **request})) for _ in range(number))


def states(client: NuvlaClient, jobs: tuple[str, ...]) -> Counter[str]:
    return Counter(client.get_job(job)["state"] for job in jobs)


def attempts(file: Path) -> Counter[str]:
    """How often each subject was attempted."""
    return Counter(record.subject for record in read_audit_file(file).records)


def test_each_has_its_own_plan_record_and_outcome(
    begin: Callable[..., Bulk], client: Client, file: Path
) -> None:
    jobs = add(client, 20)
    reports = list(begin(subjects=jobs).run())
    assert [report.handled for report in reports] == list(range(21))
    assert reports[-1].endings == {Ending.DONE: 20}
    assert states(client, jobs) == {"CANCELED": 20}
    assert attempts(file) == dict.fromkeys(jobs, 1)
    records = read_audit_file(file).records
    assert {record.ending for record in records} == {Ending.DONE}
    assert {record.reason for record in records} == {"flood"}


def test_what_has_changed_since_the_count_is_refused_alone(
    begin: Callable[..., Bulk], client: Client
) -> None:
    jobs = add(client, 5)
    bulk = begin(subjects=(*jobs, "job/gone"))
    client.edit_job(jobs[2], {"state": "SUCCESS", "return-code": 0})
    told = {report.outcome.subject: report.outcome for report in bulk.run() if report.outcome}
    assert {job for job, outcome in told.items() if not outcome.done} == {jobs[2], "job/gone"}
    assert "SUCCESS already" in told[jobs[2]].detail
    assert states(client, jobs) == {"CANCELED": 4, "SUCCESS": 1}


def test_a_stopped_one_is_taken_up_again_where_it_was(
    begin: Callable[..., Bulk], client: Client, file: Path
) -> None:
    jobs = add(client, 12)
    first = begin(subjects=jobs)
    client.before_cancel = lambda job_id: first.stop()
    last = list(first.run())[-1]
    assert 1 <= last.handled < 12
    second = begin(id=first.file.id)
    reports = list(second.run())
    assert reports[0].handled == last.handled
    assert reports[-1].endings == {Ending.DONE: 12}
    assert attempts(file) == dict.fromkeys(jobs, 1)


def test_one_whose_watcher_goes_away_ends_what_it_has_begun(
    begin: Callable[..., Bulk], client: Client, file: Path
) -> None:
    jobs = add(client, 12)
    bulk = begin(subjects=jobs)
    run = bulk.run()
    assert isinstance(run, Iterator)
    next(run), next(run)
    run.close()  # type: ignore[attr-defined]
    records = read_audit_file(file).records
    assert 1 <= len(records) < 12
    assert {record.ending for record in records} == {Ending.DONE}
    again = begin(id=bulk.file.id)
    assert len(again.file.pending(unknown=True)) == 12 - len(records)
    again.file.close()


def test_a_server_that_does_not_answer_is_waited_for(
    begin: Callable[..., Bulk], client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pace_module, "FIRST_PAUSE", 0.01)
    jobs = add(client, 10)
    failures = iter(range(4))

    def fail_at_first(job_id: str) -> None:
        if next(failures, None) is not None:
            raise ApiUnavailable("scripted 503", status=503)

    client.before_cancel = fail_at_first
    reports = list(begin(subjects=jobs).run())
    troubles = [report for report in reports if report.trouble]
    assert len(troubles) == 4
    assert all(report.trouble == "scripted 503" and report.width == 1 for report in troubles)
    assert reports[-1].endings == {Ending.DONE: 10}
    assert states(client, jobs) == {"CANCELED": 10}


def test_servers_that_stay_away_end_it_and_it_can_be_continued(
    begin: Callable[..., Bulk], client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pace_module, "FIRST_PAUSE", 0.01)
    monkeypatch.setattr(pace_module, "PATIENCE", 0.05)
    jobs = add(client, 6)

    def fail(job_id: str) -> None:
        raise ApiUnavailable("scripted 503", status=503)

    client.before_cancel = fail
    bulk = begin(subjects=jobs)
    with pytest.raises(ApiUnavailable, match="scripted 503"):
        list(bulk.run())
    client.before_cancel = lambda job_id: None
    assert list(begin(id=bulk.file.id).run())[-1].endings == {Ending.DONE: 6}
    assert states(client, jobs) == {"CANCELED": 6}


def test_one_that_never_gets_an_answer_does_not_hold_up_the_others(
    begin: Callable[..., Bulk], client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pace_module, "FIRST_PAUSE", 0.01)
    monkeypatch.setattr(bulk_module, "TRIES", 2)
    jobs = add(client, 6)
    has_failed = threading.Event()

    def fail_for_one(job_id: str) -> None:
        if job_id == jobs[1]:
            has_failed.set()
            raise ApiUnavailable("scripted 500", status=500)
        if job_id == jobs[5]:
            assert has_failed.wait(60)  # so that there is an answer after the failure

    client.before_cancel = fail_for_one
    last = list(begin(subjects=jobs).run())[-1]
    assert last.endings == {Ending.DONE: 5, Ending.FAILED: 1}


def test_without_a_record_nothing_more_is_done(
    begin: Callable[..., Bulk], client: Client, file: Path
) -> None:
    jobs = add(client, 10)
    bulk = begin(subjects=jobs)
    run = bulk.run()
    next(run), next(run)
    file.chmod(0o666)
    with pytest.raises(AuditError, match="others could change"):
        list(run)
    file.chmod(0o600)
    assert states(client, jobs)["CANCELED"] == len(read_audit_file(file).records) < 10
    assert list(begin(id=bulk.file.id).run())[-1].endings == {Ending.DONE: 10}


def test_what_nobody_knows_the_end_of_is_looked_at_again_but_made_once_only(
    begin: Callable[..., Bulk], client: Client, file: Path
) -> None:
    jobs = add(client, 3)
    cancel = begin("cancel", subjects=jobs)
    cancel.file.begin(0)
    client.cancel_job(jobs[0])
    cancel.file.close()
    # Its process died after the cancel and before it could write that down.
    last = list(begin(id=cancel.file.id).run())[-1]
    assert last.endings == {Ending.DONE: 2, Ending.REFUSED: 1}
    requeue = begin("requeue", subjects=jobs)
    requeue.file.begin(0)
    requeue.file.close()
    last = list(begin(id=requeue.file.id).run())[-1]
    assert last.endings == {Ending.DONE: 2, Ending.MAYBE_APPLIED: 1}
    assert attempts(file) == {jobs[1]: 2, jobs[2]: 2}


def test_an_act_that_is_none_is_refused(begin: Callable[..., Bulk]) -> None:
    with pytest.raises(BulkError, match="there is no act 'destroy'"):
        begin("destroy", subjects=("job/1",))


def test_the_first_report_comes_before_anything_is_done(
    begin: Callable[..., Bulk], client: Client, file: Path
) -> None:
    run = begin(subjects=add(client, 2)).run()
    assert next(run) == Progress(total=2, endings=Counter())
    assert not file.exists()
    run.close()  # type: ignore[attr-defined]


def test_what_an_act_could_not_change_is_not_counted(
    sources: Sources, client: Client, kazoo: KazooClient
) -> None:
    waiting = add(client, 3)
    ended = add(client, 2)
    for job in ended:
        client.edit_job(job, {"state": "SUCCESS", "return-code": 0})
    add(client, 2, action="other")
    entries = {
        kazoo.get(f"{ENTRIES}/{name}")[0].decode(): name for name in kazoo.get_children(ENTRIES)
    }
    kazoo.ensure_path(TAKEN)
    kazoo.create(lock_path(entries[waiting[1]]), ephemeral=True)

    def chosen(act: str) -> list[str]:
        return list(select(ACTS[act], "action='x'", sources))

    assert chosen("cancel") == list(waiting)
    assert chosen("requeue") == list(ended)
    assert chosen("release") == [entries[waiting[1]]]
    assert chosen("interrupt") == [waiting[1]]
    assert chosen("drop") == sorted(entries[job] for job in (*waiting, *ended))
    assert chosen("reprioritise") == [*waiting, *ended]


def test_a_job_that_stands_in_the_queue_twice_is_one_subject_and_two_entries(
    sources: Sources, client: Client, kazoo: KazooClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    jobs = add(client, 2)
    for job in (*jobs, jobs[0]):
        kazoo.create(entry_prefix(999), job.encode(), sequence=True)
    for chunk in (1, 2, 100):
        monkeypatch.setattr(selecting, "CHUNK", chunk)
        assert list(select(ACTS["reprioritise"], "action='x'", sources)) == list(jobs)
        assert len(list(select(ACTS["drop"], "action='x'", sources))) == 5


def test_all_matching_jobs_are_found_page_by_page(client: Client) -> None:
    jobs = add(client, 7)
    for page in (3, 7, 8):
        found = every_job(client, "action='x'", page=page)
        assert [job.id for job in found] == list(jobs)
    assert {job.state for job in every_job(client, "state='QUEUED'")} == {JobState.QUEUED}
    with pytest.raises(QueueError, match="were created at"):
        list(every_job(client, "action='x'", page=1))
