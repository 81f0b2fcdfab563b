"""The live picture while ZooKeeper stops and starts, sessions end, and the API misbehaves."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from urllib.parse import unquote_plus

import pytest
from kazoo.client import KazooClient

from engine.local.zookeeper import ZooKeeperServer
from engine.nuvla.client import NuvlaClient
from engine.nuvla.credentials import Password
from engine.settings import Secret
from engine.view.picture import Condition, Health, Search, Sight
from engine.view.store import Store
from engine.view.zookeeper_feed import PULSE_SECONDS
from engine.zookeeper.connection import ZooKeeper
from tests.engine.view.live import Live, live_store
from tests.faults import api_faults
from tests.faults.job_api import Fault, JobApi
from tests.faults.job_store import PASSWORD, USER, Call, JobStore, new_document
from tests.faults.ports import steady_port
from tests.faults.sessions import expire
from tests.local_api import LocalApi
from tests.support import eventually

pytestmark = pytest.mark.faults
BOUND = 10.0
"""Seconds; it is meant to take two, on a machine that has nothing else to do."""
ENTRY = "/job/entries/entry-999-"


@pytest.fixture
def api() -> Iterator[JobApi]:
    """An API whose answers can be scripted."""
    api = JobApi(JobStore(lambda job, priority: ""))
    yield api
    api.close()


@contextmanager
def store_over(hosts: str, api: JobApi) -> Iterator[Store]:
    """Run a store over these two."""
    credentials = Password(USER, Secret(PASSWORD))
    store = Store(
        ZooKeeper(hosts, session_timeout=4.0, call_timeout=2.0, pulse=PULSE_SECONDS),
        NuvlaClient(api.url, credentials=credentials, timeout=3.0),
        hosts=hosts,
        url=api.url,
    )
    store.start()
    try:
        yield store
    finally:
        store.stop()


def api_of(store: Store) -> Health:
    """Return the API's health after a tick."""
    store.check()
    return store.picture.api


def zookeeper_of(store: Store) -> Health:
    """Return ZooKeeper's health after a tick."""
    store.check()
    return store.picture.zookeeper


def depth(store: Store) -> int | None:
    """Return the length of the queue as it is shown, where all of it was read."""
    queue = store.picture.queue
    return queue.depth if queue and len(queue.entries) == queue.depth else None


def within_bound(condition: Callable[[], object], what: str) -> None:
    """Wait for what must come soon."""
    eventually(condition, what, within=BOUND)


def put(server: ZooKeeperServer, number: int) -> None:
    """Put an entry into the queue, in a session that is younger than the server."""
    client = KazooClient(server.hosts)
    client.start(timeout=15)
    client.create(f"{ENTRY}{number:010d}", b"job/a", makepath=True)
    client.stop()
    client.close()


def test_a_zookeeper_that_stops_and_starts_is_stale_meanwhile_and_current_after(
    api: JobApi, tmp_path: Path
) -> None:
    server = ZooKeeperServer(tmp_path / "zk", port=steady_port(), tick=500, durable=False)
    server.start()
    try:
        put(server, 1)
        with store_over(server.hosts, api) as store:
            eventually(lambda: zookeeper_of(store).is_live and depth(store) == 1, "it is read")
            server.kill()
            within_bound(lambda: not zookeeper_of(store).is_live, "it is marked stale")
            lost = store.picture.zookeeper
            assert depth(store) == 1, "the last good picture stays"
            assert lost.error and lost.read_at
            assert "\n" not in lost.error
            before = lost.age(datetime.now(UTC))
            server.start()
            put(server, 2)
            eventually(lambda: zookeeper_of(store).is_live, "it recovers by itself", within=30)
            assert before is not None
            assert before < 2 * BOUND
            eventually(lambda: depth(store) == 2, "what came meanwhile is shown")
            put(server, 3)
            eventually(lambda: depth(store) == 3, "the watches are set again")
    finally:
        server.kill()


def test_a_session_that_ends_is_replaced_with_all_its_watches(
    zk_hosts: str, kazoo: KazooClient, local_api: LocalApi
) -> None:
    kazoo.create(f"{ENTRY}0000000001", b"job/a", makepath=True)
    kazoo.ensure_path("/job/taken")
    with live_store(zk_hosts, local_api) as live:
        eventually(lambda: zookeeper_of(live.store).is_live and depth(live.store) == 1)
        session = live.zk.session_id
        assert session
        assert expire(zk_hosts, session)
        kazoo.create(f"{ENTRY}0000000002", b"job/b")
        eventually(lambda: live.zk.session_id not in (None, session), "there is a new session")
        eventually(lambda: zookeeper_of(live.store).is_live and depth(live.store) == 2)
        kazoo.create("/job/taken/entry-999-0000000001", b"0" * 32, ephemeral=True)
        eventually(lambda: live.store.picture.queue and live.store.picture.queue.held == 1)


def test_the_age_of_old_facts_counts_from_when_they_were_last_true(
    zk_hosts: str, kazoo: KazooClient, local_api: LocalApi
) -> None:
    with live_store(zk_hosts, local_api) as live:
        eventually(lambda: zookeeper_of(live.store).is_live and api_of(live.store).is_live)
        began = datetime.now(UTC)
        _sever(live)
        within_bound(lambda: not zookeeper_of(live.store).is_live, "ZooKeeper is marked stale")
        within_bound(lambda: not api_of(live.store).is_live, "the API is marked stale")
        first = (live.store.picture.zookeeper.read_at, live.store.picture.api.read_at)
        assert all(at and began <= at <= datetime.now(UTC) for at in first)
        eventually(lambda: datetime.now(UTC) - began > timedelta(seconds=BOUND / 3))
        assert (live.store.picture.zookeeper.read_at, live.store.picture.api.read_at) == first


def _sever(live: Live) -> None:
    for link in (live.zk_link, live.api_link):
        link.refuse = True
        link.cut()


@pytest.mark.parametrize(
    "fault",
    [
        pytest.param(api_faults.status(503), id="503"),
        pytest.param(api_faults.status(500), id="500"),
        pytest.param(api_faults.reset(applied=False), id="reset"),
        pytest.param(api_faults.late(30, applied=False), id="silent"),
        pytest.param(api_faults.not_http, id="no HTTP"),
        pytest.param(api_faults.cut_short, id="cut short"),
        pytest.param(api_faults.body(b"<html>\x1b[2J</html>"), id="a page"),
        pytest.param(api_faults.body(b"[" * 50_000), id="nested"),
    ],
)
def test_an_api_that_fails_in_any_way_is_stale_and_comes_back(
    zk_hosts: str, api: JobApi, fault: Fault
) -> None:
    with store_over(zk_hosts, api) as store:
        eventually(lambda: api_of(store).is_live and store.picture.counts, "it is read")
        api.rule(fault)
        began = time.monotonic()
        within_bound(lambda: api_of(store).condition is Condition.STALE, "it is marked stale")
        assert time.monotonic() - began < BOUND
        error = store.picture.api.error
        assert error
        assert error.isprintable()
        assert store.picture.counts, "the last good picture stays"
        api.mend()
        eventually(lambda: api_of(store).is_live, "it comes back by itself", within=30)


def test_a_refused_login_is_said_and_asks_no_oftener_than_it_should(
    zk_hosts: str, api: JobApi
) -> None:
    api.store.logins_refused = True
    with store_over(zk_hosts, api) as store:
        eventually(lambda: api_of(store).condition is Condition.STALE, "it is marked stale")
        assert USER in (store.picture.api.error or "")
        assert PASSWORD not in str(store.picture)
        asked = len(api.called("POST", "session"))
        eventually(lambda: zookeeper_of(store).is_live, "the rest works")
        assert len(api.called("POST", "session")) - asked <= 1


def test_an_answer_that_nobody_foresaw_is_said_and_ends_nothing(
    zk_hosts: str, local_api: LocalApi, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fails(*_: object, **__: object) -> None:
        raise RuntimeError("a bug of ours")

    with live_store(zk_hosts, local_api) as live:
        eventually(lambda: zookeeper_of(live.store).is_live and api_of(live.store).is_live)
        with monkeypatch.context() as broken:
            broken.setattr(live.zk, "children", fails)
            broken.setattr(live.client, "search_jobs", fails)
            live.store.read_again()
            eventually(lambda: "a bug" in (zookeeper_of(live.store).error or ""))
            eventually(lambda: "a bug" in (api_of(live.store).error or ""))
        eventually(lambda: zookeeper_of(live.store).is_live and api_of(live.store).is_live)


QUESTIONS = {"terms:action", "id=[", "parent-job", "orderby=created:desc", "state='FAILED'"}
"""What tells the kinds of questions apart."""


@pytest.mark.parametrize("refused", sorted(QUESTIONS - {"orderby=created:desc"}))
def test_a_question_that_the_api_refuses_holds_up_no_other(
    zk_hosts: str, api: JobApi, refused: str
) -> None:
    job = "job/3d2f5b0e-5f5e-4a6c-9d5e-0a6b7c8d9e0f"
    api.store.put(new_document(job, action="wanted"))

    def is_refused(call: Call) -> bool:
        return refused in unquote_plus(call.body.decode())

    api.rule(api_faults.status(400), when=is_refused)
    with store_over(zk_hosts, api) as store:
        store.set_pace(0.1)
        store.look(Sight(jobs=(job, "job/other"), in_full=job, unfolded=(job,), search=Search()))
        eventually(lambda: store.picture.search, "the search is answered")
        eventually(lambda: store.picture.jobs.get(job), "the document is there")
        asked = len(api.calls)

        def kinds() -> set[str]:
            later = [unquote_plus(call.body.decode()) for call in api.calls[asked:]]
            return {k for k in QUESTIONS for body in later if k in body}

        others = QUESTIONS - {refused}
        eventually(lambda: others <= kinds(), "all others are asked again", within=30)
