"""The store's check-ups: bounded, in rounds, and seldom while nothing happens."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial

import pytest
from kazoo.client import KazooClient

from engine.models import JobRequest, Verdict
from engine.nuvla.client import NuvlaClient
from engine.nuvla.credentials import ApiKey
from engine.settings import Secret
from engine.view import checkup, diagnosis_feed
from engine.view.picture import Picture, Sight
from engine.view.store import Store
from engine.zookeeper.connection import ZooKeeper
from tests.local_api import LocalApi
from tests.support import eventually

MISSING = "job/3d2f5b0e-5f5e-4a6c-9d5e-0a6b7c8d9e0f"


@contextmanager
def store_over(hosts: str, api: LocalApi) -> Iterator[Store]:
    """Run a store that diagnoses."""
    credentials = ApiKey(api.api_key, Secret(api.api_secret))
    client = NuvlaClient(api.url, credentials=credentials, timeout=10.0)
    store = Store(ZooKeeper(hosts, session_timeout=4.0), client, diagnoses=True)
    store.start()
    try:
        yield store
    finally:
        store.stop()


@pytest.fixture
def store(zk_hosts: str, kazoo: KazooClient, local_api: LocalApi) -> Iterator[Store]:
    """A store over an election without contenders."""
    kazoo.ensure_path("/job/entries")
    kazoo.ensure_path("/election/jobs_cleanup")
    with store_over(zk_hosts, local_api) as store:
        yield store


def is_found(picture: Picture, verdict: Verdict) -> bool:
    """Whether the check-up has found this."""
    found = picture.checkup
    return found is not None and any(f.verdict is verdict for f in found.findings)


def test_what_is_stuck_is_found_without_asking(store: Store) -> None:
    eventually(lambda: is_found(store.picture, Verdict.NO_DISTRIBUTOR), "it is found", within=60)
    assert store.picture.checked_at is not None
    assert store.picture.checkup_error == ""


def test_a_check_up_is_no_news_and_the_next_one_waits(store: Store) -> None:
    eventually(lambda: store.picture.checkup, "the first check-up", within=60)
    first = store.picture.checkup
    store.read_again()
    eventually(lambda: store.picture.checkup is not first, "asked for, it comes at once", within=60)
    news, second = store.news, store.picture.checkup
    store.publish(checkup=second)
    assert store.news == news


def test_the_job_that_is_looked_at_is_judged_and_then_the_next(
    store: Store, local_api: LocalApi
) -> None:
    def verdict(job: str) -> Verdict | None:
        judged = store.picture.judgement
        is_it = judged is not None and judged.job_id == job
        return judged.diagnosis.verdict if is_it and judged and judged.diagnosis else None

    credentials = ApiKey(local_api.api_key, Secret(local_api.api_secret))
    with NuvlaClient(local_api.url, credentials=credentials) as client:
        jobs = [client.add_job(JobRequest(action="cleanup_jobs")) for _ in range(2)]
    for job in jobs:
        store.look(Sight(in_full=job, judged=True))
        found = eventually(partial(verdict, job), "its verdict", within=60)
        assert found in (Verdict.WAITING, Verdict.NO_CONSUMER)  # by its age
    store.look(Sight(in_full=MISSING, judged=True))

    def said() -> str:
        judged = store.picture.judgement
        return judged.error if judged and judged.job_id == MISSING else ""

    assert "no such job" in eventually(said, "what is wrong", within=60)


def test_an_error_of_its_own_is_shown_and_the_rounds_go_on(
    zk_hosts: str, kazoo: KazooClient, local_api: LocalApi, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: object, **__: object) -> None:
        raise RuntimeError("\x1b[2Jbroken")

    kazoo.ensure_path("/job/entries")
    whole = checkup.read_checkup
    monkeypatch.setattr(diagnosis_feed, "read_checkup", fail)
    with store_over(zk_hosts, local_api) as store:
        said = eventually(lambda: store.picture.checkup_error, "it is said", within=60)
        assert "broken" in said
        assert "\x1b" not in said
        monkeypatch.setattr(diagnosis_feed, "read_checkup", whole)
        store.read_again()
        eventually(lambda: store.picture.checkup, "the next round", within=60)
        assert store.picture.checkup_error == ""
