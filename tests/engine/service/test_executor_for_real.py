"""The executor over a real ZooKeeper and the local API, through the real queue and client."""

from __future__ import annotations

import threading
import time
from pathlib import Path
from typing import Any

from kazoo.client import KazooClient

from engine.models import JobRequest
from engine.nuvla.client import NuvlaClient
from engine.service.discovery import discover
from engine.service.endings import UnfinishedBulkAction
from engine.service.pause import PauseNode
from engine.service.runner import RunnerRules
from engine.zookeeper.connection import ZooKeeper
from engine.zookeeper.paths import ENTRIES, TAKEN, OwnPaths
from tests.engine.service.conftest import RunExecutor
from tests.engine.service.fakes import make_actions
from tests.support import eventually

ACT = JobRequest(action="act", target="job")


def nodes(kazoo: KazooClient) -> tuple[list[str], list[str]]:
    """Return the entries and the locks."""
    return kazoo.get_children(ENTRIES), kazoo.get_children(TAKEN)


def test_jobs_run_and_leave_neither_entry_nor_lock(
    run_executor: RunExecutor, client: NuvlaClient, kazoo: KazooClient
) -> None:
    ids = [client.add_job(ACT) for _ in range(30)]
    running = run_executor(make_actions(lambda job: job.set_progress(50)))
    eventually(lambda: all(running.state(job_id) == "SUCCESS" for job_id in ids), within=30)
    eventually(lambda: nodes(kazoo) == ([], []))
    document = client.get_job(ids[0])
    assert (document["return-code"], document["progress"]) == (0, 100)
    assert {"started", "duration"} <= set(document)
    assert running.stop() == 0


def test_each_end_of_an_action_is_a_document_that_the_api_takes(
    run_executor: RunExecutor, client: NuvlaClient
) -> None:
    def work(job: Any) -> object:
        way = job.payload["way"]
        if way == "unfinished":
            job.update_job(tags=["monitor"], progress=40)
            raise UnfinishedBulkAction
        if way == "huge":
            raise ValueError("\x1b\x00\udc80" * 1_000_000)
        return {"none": None, "seven": 7, "negative": -9, "text": "x"}[way]

    wanted = {
        "none": ("SUCCESS", 0),
        "seven": ("FAILED", 7),
        "negative": ("FAILED", 137),
        "text": ("FAILED", 1),
        "huge": ("FAILED", 1),
        "unfinished": ("RUNNING", None),
        "mixed": ("QUEUED", None),
    }
    running = run_executor(make_actions(work))
    ids = {way: client.add_job(_way(way)) for way in wanted}
    eventually(lambda: not nodes_left(running.queue) and settled(client, ids, wanted), within=30)
    assert client.get_job(ids["mixed"])["execution-mode"] == "pull"
    assert client.get_job(ids["unfinished"])["tags"] == ["monitor"]
    assert len(client.get_job(ids["huge"])["status-message"]) <= 100_005


def _way(way: str) -> JobRequest:
    extra = {"execution-mode": "mixed"} if way == "mixed" else {}
    request = JobRequest(action="act", target="job", payload=f'{{"way": "{way}"}}')
    return {**request.to_json(), **extra}  # type: ignore[return-value]  # add_job takes both


def nodes_left(queue: Any) -> bool:
    """Whether the executor still holds anything."""
    return bool(queue.claims())


def settled(client: NuvlaClient, ids: dict[str, str], wanted: dict[str, Any]) -> bool:
    """Whether each job is as wanted."""
    documents = {way: client.get_job(job_id) for way, job_id in ids.items()}
    return {way: (d["state"], d.get("return-code")) for way, d in documents.items()} == wanted


def test_higher_priorities_run_first(run_executor: RunExecutor, client: NuvlaClient) -> None:
    order: list[int] = []
    priorities = [999, 500, 10, 700, 10, 0]
    for priority in priorities:
        client.add_job(JobRequest(action="act", priority=priority, name=str(priority)))
    run_executor(make_actions(lambda job: order.append(int(job["name"]))), threads=1)
    eventually(lambda: len(order) == len(priorities))
    assert order == sorted(priorities)


def test_a_cancelled_job_is_told_and_stays_cancelled(
    run_executor: RunExecutor, client: NuvlaClient, kazoo: KazooClient
) -> None:
    told = threading.Event()

    def work(job: Any) -> int:
        while not job.cancelled:
            time.sleep(0.01)
        told.set()
        return 0

    running = run_executor(make_actions(work), rules=RunnerRules(cancel_poll=0.2))
    job_id = client.add_job(ACT)
    eventually(lambda: running.state(job_id) == "RUNNING")
    client.cancel_job(job_id)
    assert told.wait(15)
    eventually(lambda: nodes(kazoo) == ([], []))
    assert running.state(job_id) == "CANCELED"


def test_a_job_that_outlives_the_grace_is_put_back_at_once(
    run_executor: RunExecutor, client: NuvlaClient, kazoo: KazooClient
) -> None:
    hang = threading.Event()
    running = run_executor(make_actions(lambda job: hang.wait(60)), grace=0.2)
    job_id = client.add_job(ACT)
    eventually(lambda: running.state(job_id) == "RUNNING")
    assert running.stop() == 1
    entries, locks = nodes(kazoo)
    assert (len(entries), locks) == (1, [])
    hang.set()


def test_the_result_of_a_job_whose_session_was_lost_is_written_under_a_new_claim(
    run_executor: RunExecutor, client: NuvlaClient, kazoo: KazooClient, zk: ZooKeeper, zk_hosts: str
) -> None:
    go = threading.Event()
    runs: list[str] = []

    def work(job: Any) -> int:
        runs.append(job.id)
        go.wait(60)
        return 0

    running = run_executor(make_actions(work), threads=1)
    job_id = client.add_job(ACT)
    eventually(lambda: runs)
    expire(zk, zk_hosts)
    go.set()
    eventually(lambda: running.state(job_id) == "SUCCESS", within=30)
    eventually(lambda: nodes(kazoo) == ([], []))
    assert runs == [job_id]


def test_an_action_that_heard_of_its_lost_claim_runs_again_whatever_it_returned(
    run_executor: RunExecutor, client: NuvlaClient, kazoo: KazooClient, zk: ZooKeeper, zk_hosts: str
) -> None:
    go = threading.Event()
    runs: list[bool] = []

    def work(job: Any) -> int:
        runs.append(job.was_running)
        if len(runs) > 1:
            return 0
        go.wait(60)
        return 0 if job.cancelled else 5  # half done: this must not become SUCCESS

    running = run_executor(make_actions(work), threads=1)
    job_id = client.add_job(ACT)
    eventually(lambda: runs)
    expire(zk, zk_hosts)
    go.set()
    eventually(lambda: running.state(job_id) == "SUCCESS", within=30)
    eventually(lambda: nodes(kazoo) == ([], []))
    assert runs == [False, True]


def expire(zk: ZooKeeper, hosts: str) -> None:
    """Let the server end our session: a second client takes it over and closes it."""
    kazoo_client = zk._session._client
    assert kazoo_client is not None
    epoch = zk.epoch
    second = KazooClient(hosts, client_id=kazoo_client.client_id)
    second.start(timeout=15)
    second.stop()
    second.close()
    eventually(lambda: zk.epoch > epoch, "the session is lost")


def test_the_pause_node_stops_claiming_until_it_is_gone(
    run_executor: RunExecutor, client: NuvlaClient, kazoo: KazooClient, zk: ZooKeeper
) -> None:
    own = OwnPaths()
    kazoo.create(own.pause, b"by ann: upgrade", makepath=True)
    pause = PauseNode(zk, own.pause)
    running = run_executor(make_actions(lambda job: 0), paused_by=pause.reason)
    eventually(lambda: running.executor.state == "paused")
    assert pause.reason() == "by ann: upgrade"
    job_id = client.add_job(ACT)
    kazoo.delete(own.pause)
    eventually(lambda: running.state(job_id) == "SUCCESS")
    kazoo.create(own.pause, b"again")
    eventually(lambda: running.executor.state == "paused")


def test_the_shipped_and_the_demo_actions_load(run_executor: RunExecutor) -> None:
    demo = Path(__file__).parents[3] / "engine/local/demo/actions"
    found = discover(["actions", "distributors"], [demo])
    assert found.broken == ()
    shipped = {"cancel_children_jobs", "cleanup_jobs", "dummy_test_action", "monitor_bulk_job"}
    demos = {"demo_failing", "demo_hanging", "demo_quick", "demo_slow"}
    assert set(found.actions) == shipped | demos
    assert {name: plugin.election for name, plugin in found.distributors.items()} == {
        "jobs_cleanup": "cleanup_jobs",
        "dummy_test_action": "dummy_test_action",
        "monitor_bulk_jobs": "monitor_bulk_job",
    }
