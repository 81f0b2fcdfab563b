"""The stage of a measurement: the job endpoint and the filled queue."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from kazoo.client import KazooClient
from nuvla.api import Api

from benchmarks import fill
from benchmarks.stage import Endpoint
from engine.zookeeper.paths import ENTRIES, entry_path, is_entry_name, parse_job_id


@pytest.fixture
def endpoint() -> Iterator[Endpoint]:
    endpoint = Endpoint()
    yield endpoint
    endpoint.close()


def test_the_endpoint_serves_any_job_and_counts_each_once_when_it_is_final(
    endpoint: Endpoint,
) -> None:
    endpoint.reset("bench_noop", target=2)
    api = Api(endpoint.url, authn_header="group/nuvla-admin", persist_cookie=False)
    for job in ("job/a", "job/b"):
        document = api.get(job).data
        assert (document["id"], document["state"]) == (job, "QUEUED")
        assert (document["action"], document["version"]) == ("bench_noop", 2)
        assert endpoint.figures()["reached"] is None
        for state in ("RUNNING", "SUCCESS", "SUCCESS"):
            assert api.edit(job, {"state": state}).data["state"] == state
    figures = endpoint.figures()
    assert figures["finals"] == 2
    assert figures["first_read"] <= figures["reached"] <= figures["now"]


def test_a_reset_forgets_the_jobs(endpoint: Endpoint) -> None:
    api = Api(endpoint.url, authn_header="group/nuvla-admin", persist_cookie=False)
    api.edit("job/a", {"state": "FAILED"})
    endpoint.reset("bench_wait", target=1)
    assert endpoint.figures()["finals"] == 0
    assert api.get("job/a").data["action"] == "bench_wait"


def test_the_queue_is_filled_with_entries_of_different_jobs(
    zk_hosts: str, kazoo: KazooClient
) -> None:
    fill.fill(zk_hosts, fill.BATCH + 3)
    names = kazoo.get_children(ENTRIES)
    assert len(names) == fill.BATCH + 3
    assert all(is_entry_name(name) for name in names)
    jobs = {parse_job_id(kazoo.get(entry_path(name))[0]) for name in names[:20]}
    assert len(jobs) == 20 and None not in jobs


def test_the_warm_up_leaves_the_queue_alone(zk_hosts: str, kazoo: KazooClient) -> None:
    fill.warm_up(zk_hosts)
    assert kazoo.get_children("/warm-up") == []
    assert not kazoo.exists(ENTRIES)
