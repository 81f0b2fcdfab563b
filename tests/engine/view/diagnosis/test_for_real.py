"""The rows of the catalogue made for real: ZooKeeper, the local API, locks of several makers."""

from __future__ import annotations

import threading
import uuid
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from kazoo.client import KazooClient
from kazoo.recipe.queue import LockingQueue

from engine.errors import NotFound
from engine.local.zookeeper import ZooKeeperServer
from engine.models import (
    Diagnosis,
    Dossier,
    Flaps,
    JobRequest,
    Member,
    MemberKind,
    MemberState,
    RunningJob,
    Verdict,
)
from engine.nuvla.client import NuvlaClient
from engine.nuvla.credentials import ApiKey
from engine.settings import Secret
from engine.states import ExecutionMode
from engine.view import doubts
from engine.view.checkup import read_checkup
from engine.view.diagnosis import diagnose, limits
from engine.view.dossier import Closely, look, read_document, read_dossier
from engine.zookeeper.connection import ZooKeeper
from engine.zookeeper.members import Presence
from engine.zookeeper.paths import OwnPaths, entry_prefix
from engine.zookeeper.queue import JobQueue
from tests.engine.service.conftest import Running
from tests.engine.service.fakes import make_actions
from tests.faults.proxy import Proxy
from tests.local_api import LocalApi
from tests.support import eventually

OWN = OwnPaths()
ACT = JobRequest(action="act", target="job")
LATER = timedelta(seconds=400)


@pytest.fixture
def client(local_api: LocalApi) -> Iterator[NuvlaClient]:
    """A client of an administrator."""
    credentials = ApiKey(local_api.api_key, Secret(local_api.api_secret))
    with NuvlaClient(local_api.url, credentials=credentials) as made:
        yield made


class World:
    """What a reader sees, and what can be done to it."""

    def __init__(self, zk: ZooKeeper, kazoo: KazooClient, client: NuvlaClient) -> None:
        self.zk, self.kazoo, self.client = zk, kazoo, client

    def add(self, **changes: Any) -> str:
        """Create a job."""
        extra = {name.replace("_", "-"): value for name, value in changes.items()}
        return self.client.add_job({**ACT.to_json(), **extra})

    def entry(self, job_id: str) -> str:
        """Return the path of the entry that the server made."""
        return str(self.client.get_job(job_id)["tags"][0])

    def dossier(self, job_id: str) -> Dossier:
        """Read a job from all sources."""
        return read_dossier(job_id, self.zk, self.client, OWN)

    def verdict(self, job_id: str, *, later: timedelta = timedelta()) -> Verdict:
        """Read a job and judge it as if some time had passed without a change."""
        return self.diagnosis(job_id, later=later).verdict

    def diagnosis(self, job_id: str, *, later: timedelta = timedelta()) -> Diagnosis:
        """Return the whole diagnosis."""
        return diagnose(self.dossier(job_id), datetime.now(UTC) + later)

    def wait_for(self, verdict: Verdict, job_id: str) -> None:
        """Wait until a job has this verdict."""
        eventually(lambda: self.verdict(job_id) is verdict, f"{job_id} is {verdict}", within=30)

    def announce(self, zk: ZooKeeper | None = None, **changes: Any) -> Presence:
        """Be present as an executor that offers `act`."""
        member = Member(
            instance=f"exec-{uuid.uuid4().hex[:8]}",
            kind=MemberKind.EXECUTOR,
            name="exec",
            host="node1",
            pid=1,
            version="1",
            started=datetime.now(UTC),
            threads=4,
            offers=changes.pop("offers", ("act",)),
        )
        presence = Presence(zk or self.zk, OWN, member)
        presence.publish(changes.pop("state", MemberState.RUNNING), ())
        eventually(lambda: self.kazoo.exists(OWN.member(member.instance)))
        return presence


@pytest.fixture
def world(zk: ZooKeeper, kazoo: KazooClient, client: NuvlaClient) -> World:
    """An installation without executors."""
    return World(zk, kazoo, client)


class Busy:
    """An executor of ours that announces itself; its actions wait until they may go on."""

    def __init__(self, world: World) -> None:
        self.go = threading.Event()
        self.presence = world.announce()
        queue = JobQueue(world.zk, instance="exec-1")
        actions = make_actions(lambda job: self.go.wait(30) and None)
        self._running = Running(queue, world.client, actions, threads=4, presence=self.presence)

    def stop(self) -> None:
        """Let all actions end."""
        self.go.set()
        self._running.stop()


@pytest.fixture
def busy(world: World) -> Iterator[Busy]:
    """Start the executor, and stop it after the test."""
    made = Busy(world)
    yield made
    made.stop()


def test_a_job_waits_in_a_queue_that_somebody_works_on(world: World) -> None:
    world.announce()
    assert world.verdict(world.add(), later=LATER) is Verdict.WAITING


def test_a_job_that_a_thread_works_on_is_working_then_hung_past_its_own_history(
    world: World, busy: Busy
) -> None:
    busy.go.set()
    done = [world.add() for _ in range(limits.HISTORY_LEAST)]
    for job_id in done:
        world.wait_for(Verdict.FINISHED, job_id)
    busy.go.clear()
    job_id = world.add()
    eventually(lambda: (found := world.dossier(job_id)).record and listed(found), "it runs")
    assert world.verdict(job_id) is Verdict.WORKING
    diagnosis = world.diagnosis(job_id, later=LATER)
    assert diagnosis.verdict is Verdict.HUNG, diagnosis
    assert any(each.source == "stacks" and each.age_s is None for each in diagnosis.evidence)
    world.client.cancel_job(job_id)
    assert world.verdict(job_id) is Verdict.CANCELLED_RUNNING


def listed(dossier: Dossier) -> bool:
    """Whether a member says that it works on the job, and the document says so too."""
    members = dossier.members.members if dossier.members else ()
    works = any(job.job_id == dossier.job_id for member in members for job in member.jobs)
    return works and dossier.record is not None and dossier.record.state == "RUNNING"


def test_a_claim_that_no_thread_works_on_is_a_ghost(world: World) -> None:
    world.announce()
    job_id = world.add()
    queue = JobQueue(world.zk, instance="exec-1")
    queue.start()
    try:
        claim = eventually(lambda: queue.take("worker-1", 0.2))
        assert claim.job_id == job_id
        assert world.verdict(job_id) is Verdict.WORKING
        assert world.verdict(job_id, later=LATER) is Verdict.GHOST_LOCK
        queue.consume(claim)
    finally:
        queue.stop()
        queue.join(10)


def test_a_stock_consumer_that_never_began_is_a_ghost_and_one_that_keeps_a_result_wedged(
    world: World,
) -> None:
    job_id = world.add()
    assert LockingQueue(world.kazoo, "/job").get(timeout=10) == job_id.encode()
    assert world.verdict(job_id) is Verdict.WORKING
    diagnosis = world.diagnosis(job_id, later=LATER)
    assert diagnosis.verdict is Verdict.GHOST_LOCK
    assert [act.act for act in diagnosis.acts] == ["restart"]
    assert any("127.0.0.1" in each.claim for each in diagnosis.evidence)
    world.client.edit_job(job_id, {"state": "RUNNING"})
    assert world.verdict(job_id) is Verdict.WORKING
    world.client.edit_job(job_id, {"state": "SUCCESS"})
    assert world.verdict(job_id) is Verdict.WORKING
    assert world.verdict(job_id, later=LATER) is Verdict.WEDGED_OWNER


def test_an_executor_that_works_on_what_another_one_took_is_wedged(world: World) -> None:
    presence = world.announce()
    job_id = world.add()
    assert LockingQueue(world.kazoo, "/job").get(timeout=10) == job_id.encode()
    world.client.edit_job(job_id, {"state": "RUNNING"})
    name = world.entry(job_id).rpartition("/")[2]
    works = RunningJob(
        job_id=job_id, entry=name, action="act", thread="worker-1", since=datetime.now(UTC)
    )
    presence.publish(MemberState.RUNNING, (works,))
    eventually(lambda: listed(world.dossier(job_id)), "the presence node says so")
    assert world.verdict(job_id) is Verdict.WORKING
    diagnosis = world.diagnosis(job_id, later=LATER)
    assert diagnosis.verdict is Verdict.WEDGED_OWNER
    assert "another executor took it" in diagnosis.summary


def test_the_check_up_says_nothing_of_jobs_whose_documents_it_did_not_read(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    world.announce()
    for name in ("ENQUEUE", "NOTICED", "FOREIGN_START", "SETTLED"):
        monkeypatch.setattr(limits, name, 0.0)
    orphan = f"job/{uuid.uuid4()}"
    world.kazoo.ensure_path("/job/taken")
    for _ in range(2):
        world.kazoo.create(entry_prefix(999), orphan.encode(), sequence=True, makepath=True)
    assert [f.verdict for f in read_checkup(world.zk, world.client, OWN).findings] == [
        Verdict.ORPHAN_ENTRY
    ]
    monkeypatch.setattr(doubts, "MOST_STRANGERS", 0)
    unread = read_checkup(world.zk, world.client, OWN)
    assert unread.findings == ()
    (said,) = unread.left_out
    assert "1 entry" in said


def test_an_owner_that_was_cut_off_has_an_expiring_lock(
    world: World, zk_hosts: str, zookeeper_server: ZooKeeperServer
) -> None:
    job_id = world.add()
    root = zk_hosts.partition("/")[2]
    with Proxy(int(zookeeper_server.hosts.rpartition(":")[2])) as link:
        owner = KazooClient(f"{link.hosts}/{root}", timeout=4.0)
        owner.start(timeout=15)
        try:
            assert LockingQueue(owner, "/job").get(timeout=10) == job_id.encode()
            link.close()
            eventually(
                lambda: world.verdict(job_id) is Verdict.LOCK_EXPIRING, "it expires", within=4
            )
        finally:
            owner.stop()
            owner.close()


def test_jobs_without_an_entry(world: World) -> None:
    world.announce()
    lost, bulk = world.add(), world.add(action="bulk_start")
    world.client.edit_job(bulk, {"state": "RUNNING"})
    for job_id in (lost, bulk):
        world.kazoo.delete(world.entry(job_id))
    world.client.edit_job(bulk, {"tags": ["monitor"]})
    assert world.verdict(lost) is Verdict.WAITING
    assert world.verdict(lost, later=LATER) is Verdict.LOST
    assert world.verdict(bulk, later=LATER) is Verdict.ELSEWHERE
    pull = world.add(execution_mode=ExecutionMode.PULL)
    assert world.verdict(pull, later=LATER) is Verdict.ELSEWHERE


def test_entries_that_ought_not_to_be(world: World) -> None:
    world.announce()
    ended, twice = world.add(), world.add()
    world.client.cancel_job(ended)
    assert world.verdict(ended, later=LATER) is Verdict.LEFTOVER
    world.kazoo.create(entry_prefix(100), twice.encode(), sequence=True)
    assert world.verdict(twice) is Verdict.DUPLICATE
    orphan = f"job/{uuid.uuid4()}"
    world.kazoo.create(entry_prefix(999), orphan.encode(), sequence=True)
    assert world.verdict(orphan) is Verdict.WAITING
    assert world.verdict(orphan, later=LATER) is Verdict.ORPHAN_ENTRY


def test_a_job_that_nobody_knows_is_not_found(world: World) -> None:
    document = read_document(f"job/{uuid.uuid4()}", world.client)
    with pytest.raises(NotFound, match="no such job"):
        look(document, world.zk, world.client, OWN)


def test_nobody_to_take_it(world: World) -> None:
    job_id = world.add()
    assert world.verdict(job_id) is Verdict.WAITING
    assert world.verdict(job_id, later=LATER) is Verdict.NO_CONSUMER


def test_everybody_is_paused_by_an_operator_or_by_the_api(world: World) -> None:
    world.announce(state=MemberState.PAUSED)
    job_id = world.add()
    assert world.verdict(job_id, later=LATER) is Verdict.API_DOWN
    world.kazoo.create(OWN.pause, b"by ops: upgrade", makepath=True)
    diagnosis = world.diagnosis(job_id, later=LATER)
    assert diagnosis.verdict is Verdict.NO_CONSUMER
    assert any("by ops: upgrade" in each.claim for each in diagnosis.evidence)


def test_the_api_is_down_for_us_and_for_all(world: World) -> None:
    world.announce(state=MemberState.PAUSED)
    secret = Secret("x")
    with NuvlaClient("http://127.0.0.1:1", credentials=ApiKey("k", secret)) as down:
        dossier = read_dossier(f"job/{uuid.uuid4()}", world.zk, down, OWN)
    assert diagnose(dossier, datetime.now(UTC)).verdict is Verdict.API_DOWN


def test_nobody_offers_the_action(world: World) -> None:
    world.announce(offers=("other",))
    assert world.verdict(world.add(), later=LATER) is Verdict.UNKNOWN_ACTION


def test_better_priorities_keep_coming(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(limits, "STARVED", 3.0)
    world.announce()
    job_id = world.add(priority=500)

    def come_and_go() -> bool:
        better = [world.add(priority=100) for _ in range(2)]
        world.client.edit_job(better[0], {"state": "RUNNING"})
        return world.verdict(job_id) is Verdict.STARVED

    eventually(come_and_go, "it starves", every=0.2)
    world.client.edit_job(world.add(priority=500), {"state": "RUNNING"})
    assert world.verdict(job_id) is Verdict.WAITING


def test_a_queue_too_long_for_java_is_a_finding(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    world.announce()
    world.add()
    assert read_checkup(world.zk, world.client, OWN).findings == ()
    monkeypatch.setattr(limits, "JAVA_LISTING", 0)
    (finding,) = read_checkup(world.zk, world.client, OWN).findings
    assert finding.verdict is Verdict.OVERSIZED


def test_no_alarm_over_hundreds_of_jobs_that_come_and_go(world: World, busy: Busy) -> None:
    busy.go.set()
    quiet = [world.add(execution_mode=ExecutionMode.PULL) for _ in range(20)]
    jobs = [world.add() for _ in range(200)]
    for job_id in jobs[::5]:
        diagnosis = look(read_document(job_id, world.client), world.zk, world.client, OWN)
        assert not diagnosis.verdict.is_stuck, diagnosis
        if job_id in jobs[::50]:
            assert read_checkup(world.zk, world.client, OWN).findings == ()
    assert all(world.verdict(job_id) is Verdict.ELSEWHERE for job_id in quiet)
    world.wait_for(Verdict.FINISHED, jobs[-1])
    assert read_checkup(world.zk, world.client, OWN).findings == ()


def test_what_a_watch_saw_flapping_is_found_by_the_check_up_and_by_a_look(world: World) -> None:
    world.announce()
    calm, restless = world.add(), world.add()
    name = world.entry(restless).rpartition("/")[2]
    seen = Flaps(times=limits.FLAPS, window=60.0, reason="too new")
    (finding,) = read_checkup(world.zk, world.client, OWN, flaps={name: seen}).findings
    assert (finding.verdict, finding.jobs) == (Verdict.POISON, (restless,))
    closely = Closely(flaps=seen)
    for job_id, verdict in ((restless, Verdict.POISON), (calm, Verdict.WAITING)):
        document = read_document(job_id, world.client)
        given = closely if job_id == restless else Closely()
        found = look(document, world.zk, world.client, OWN, closely=given)
        assert found.verdict is verdict
