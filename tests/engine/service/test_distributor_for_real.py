"""Distributors over a real election and the local API."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator

import pytest
from kazoo.client import KazooClient

from engine.models import Distribution, JobRequest
from engine.nuvla.client import NuvlaClient
from engine.service.distributor import Distributor
from engine.service.registry import DistributorPlugin
from engine.zookeeper.connection import ZooKeeper
from engine.zookeeper.election import Election
from engine.zookeeper.paths import OwnPaths
from tests.engine.service.distribution_fakes import make_plugin
from tests.support import eventually

OWN = OwnPaths()


class Contender:
    """A distributor with a session of its own, in a thread of its own."""

    def __init__(
        self, hosts: str, client: NuvlaClient, name: str, plugin: DistributorPlugin
    ) -> None:
        self.zk = ZooKeeper(hosts, session_timeout=4.0)
        self.zk.start()
        self.service = Distributor(
            self.zk,
            client,
            {plugin.name: plugin},
            elect=lambda election: Election(self.zk, election, name),
            own=OWN,
            instance=name,
        )
        self._thread = threading.Thread(target=self.service.run)
        self._thread.start()

    def stop(self) -> None:
        self.service.stop()
        self._thread.join(20)
        assert not self._thread.is_alive()
        self.zk.close()


Contend = Callable[[str, float], Contender]


@pytest.fixture
def contend(zk_hosts: str, client: NuvlaClient) -> Iterator[Contend]:
    """Start distributors of one job, and stop them after the test."""
    started: list[Contender] = []

    def start(name: str, every: float) -> Contender:
        request = JobRequest(action="tick", target="job", description=name)
        plugin = make_plugin(lambda: [request], every=every)
        started.append(Contender(zk_hosts, client, name, plugin))
        return started[-1]

    yield start
    for contender in started:
        contender.stop()


def makers(client: NuvlaClient) -> list[str]:
    """Return which contender made each job, oldest first."""
    page = client.search_jobs(filter="action='tick'", orderby="created:asc", last=1000)
    return [str(job.raw.get("description")) for job in page.jobs]


def contenders(kazoo: KazooClient) -> int:
    """Return the number of contenders."""
    return len(kazoo.get_children("/election/tick")) if kazoo.exists("/election/tick") else 0


def test_one_of_two_distributes_and_the_other_goes_on_when_it_stops(
    contend: Contend, client: NuvlaClient, kazoo: KazooClient
) -> None:
    first = contend("first", 0.5)
    eventually(lambda: makers(client))
    contend("second", 0.5)
    eventually(lambda: contenders(kazoo) == 2)
    eventually(lambda: len(makers(client)) >= 3)
    assert set(makers(client)) == {"first"}
    first.stop()
    eventually(lambda: "second" in makers(client))
    assert contenders(kazoo) == 1


def test_a_new_leader_keeps_the_time_of_the_last_one(
    contend: Contend, client: NuvlaClient, kazoo: KazooClient
) -> None:
    first = contend("first", 3600.0)
    kept = eventually(lambda: kazoo.exists(OWN.distribution("tick")) and True)
    assert kept
    first.stop()
    contend("second", 3600.0)
    eventually(lambda: contenders(kazoo) == 1)
    began = time.monotonic()
    eventually(lambda: time.monotonic() > began + 1.0)
    assert makers(client) == ["first"]
    data, _ = kazoo.get(OWN.distribution("tick"))
    record = Distribution.from_node(data)
    assert record is not None and (record.by, record.jobs) == ("first", 1)


def test_a_stock_contender_ahead_of_us_leads_alone(
    contend: Contend, client: NuvlaClient, kazoo: KazooClient
) -> None:
    done = threading.Event()
    leading = threading.Event()

    def lead() -> None:
        leading.set()
        done.wait(60)

    stock = threading.Thread(target=lambda: kazoo.Election("/election/tick", "stock").run(lead))
    stock.start()
    assert leading.wait(15)
    contend("ours", 3600.0)
    eventually(lambda: contenders(kazoo) == 2)
    assert makers(client) == []
    done.set()
    eventually(lambda: makers(client) == ["ours"])
    stock.join(15)
