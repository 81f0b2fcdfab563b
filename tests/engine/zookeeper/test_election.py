"""Elections beside stock contenders, over lost sessions and deleted nodes."""

from __future__ import annotations

import threading
import uuid
from collections.abc import Callable, Iterator

import pytest
from kazoo.client import KazooClient

from engine.zookeeper.connection import ZooKeeper
from engine.zookeeper.election import Election
from tests.engine.zookeeper.conftest import LONG_SESSION, Connect
from tests.faults.proxy import Proxy
from tests.faults.sessions import expire
from tests.support import eventually

PATH = "/election/jobs_cleanup"


class Candidate:
    """A contender that, once it leads, asks again and again whether it still does."""

    def __init__(self, zk: ZooKeeper, name: str) -> None:
        self.zk = zk
        self.election = Election(zk, "jobs_cleanup", name)
        self.leads = threading.Event()
        self.terms = 0
        self.thread = threading.Thread(target=self.election.run, args=(self.lead,))
        self.thread.start()

    def lead(self, is_leading: Callable[[], bool]) -> None:
        self.terms += 1
        self.leads.set()
        pause = threading.Event()
        while is_leading():
            pause.wait(0.005)
        self.leads.clear()

    def stop(self) -> None:
        self.election.stop()
        self.thread.join(15)
        assert not self.thread.is_alive()


Stand = Callable[..., Candidate]


@pytest.fixture
def stand(connect: Connect) -> Iterator[Stand]:
    """A function that makes candidates, each with a session of its own."""
    candidates: list[Candidate] = []

    def make(name: str = "ours", hosts: str | None = None) -> Candidate:
        zk = connect(hosts, timeout=2.0) if hosts else connect(timeout=LONG_SESSION)
        candidates.append(Candidate(zk, name))
        return candidates[-1]

    yield make
    for candidate in candidates:
        candidate.stop()


def nodes(kazoo: KazooClient) -> list[str]:
    if not kazoo.exists(PATH):
        return []
    return sorted(kazoo.get_children(PATH), key=lambda name: name[-10:])


def test_a_lone_contender_leads_with_a_node_that_kazoo_knows(
    stand: Stand, kazoo: KazooClient
) -> None:
    ours = stand("exec-1")
    assert ours.leads.wait(15)
    assert kazoo.Election(PATH).contenders() == ["exec-1"]
    (node,) = nodes(kazoo)
    assert node[32:] == "__lock__0000000000"


def test_the_next_leads_when_the_leader_stops(stand: Stand, kazoo: KazooClient) -> None:
    first = stand("first")
    assert first.leads.wait(15)
    second, third = stand("second"), stand("third")
    eventually(lambda: len(nodes(kazoo)) == 3, "all contend")
    first.stop()
    eventually(lambda: second.leads.is_set() or third.leads.is_set(), "another leads")
    leader = second if second.leads.is_set() else third
    assert len(nodes(kazoo)) == 2
    other = third if leader is second else second
    assert not other.leads.is_set()
    other.stop()
    assert leader.leads.is_set()
    assert leader.terms == 1


def test_a_stock_contender_and_ours_elect_one_leader(stand: Stand, kazoo: KazooClient) -> None:
    leading, stop = threading.Event(), threading.Event()
    stock = kazoo.Election(PATH, "stock")

    def lead() -> None:
        leading.set()
        stop.wait(30)
        leading.clear()

    thread = threading.Thread(target=stock.run, args=(lead,))
    thread.start()
    assert leading.wait(15)
    ours = stand("ours")
    eventually(lambda: stock.contenders() == ["stock", "ours"], "both contend")
    assert not ours.leads.is_set()
    stop.set()
    thread.join(15)
    assert ours.leads.wait(15)
    # And the other way round: the stock one waits for ours.
    again = kazoo.Election(PATH, "stock")
    stop.clear()
    thread = threading.Thread(target=again.run, args=(lead,))
    thread.start()
    eventually(lambda: again.contenders() == ["ours", "stock"], "both contend")
    assert not leading.is_set()
    ours.stop()
    assert leading.wait(15)
    stop.set()
    thread.join(15)


def test_foreign_nodes_count_only_where_kazoo_counts_them(stand: Stand, kazoo: KazooClient) -> None:
    kazoo.create(f"{PATH}/config", makepath=True)
    kazoo.create(f"{PATH}/{uuid.uuid4().hex}__rlock__0000000000")
    blocker = kazoo.create(f"{PATH}/by-hand__lock__0000000000")
    ours = stand()
    eventually(lambda: len(nodes(kazoo)) == 4, "ours contends")
    assert not ours.leads.wait(0.3)
    kazoo.delete(blocker)
    assert ours.leads.wait(15)


def test_a_leader_steps_down_when_its_node_is_deleted_and_contends_again(
    stand: Stand, kazoo: KazooClient
) -> None:
    ours = stand()
    assert ours.leads.wait(15)
    (node,) = nodes(kazoo)
    kazoo.delete(f"{PATH}/{node}")
    eventually(lambda: ours.terms == 2, "a second term")
    (again,) = nodes(kazoo)
    assert again > node


def test_a_waiting_contender_whose_node_is_deleted_contends_again(
    stand: Stand, kazoo: KazooClient
) -> None:
    first = stand("first")
    assert first.leads.wait(15)
    second = stand("second")
    eventually(lambda: len(nodes(kazoo)) == 2, "both contend")
    kazoo.delete(f"{PATH}/{nodes(kazoo)[1]}")
    first.stop()
    assert second.leads.wait(15)


def test_an_expired_leader_stops_and_contends_again(
    stand: Stand, kazoo: KazooClient, zk_hosts: str
) -> None:
    ours = stand("ours")
    assert ours.leads.wait(15)
    other = stand("other")
    eventually(lambda: len(nodes(kazoo)) == 2, "both contend")
    assert ours.zk.session_id is not None
    expire(zk_hosts, ours.zk.session_id)
    assert other.leads.wait(15)
    eventually(lambda: not ours.leads.is_set(), "the old leader stops")
    eventually(lambda: len(nodes(kazoo)) == 2, "it contends again")
    other.stop()
    assert ours.leads.wait(15)


def test_a_severed_leader_stops_before_the_next_one_starts(
    stand: Stand, kazoo: KazooClient, proxy: Proxy, proxy_hosts: str
) -> None:
    ours = stand("ours", proxy_hosts)
    assert ours.leads.wait(15)
    other = stand("other")
    eventually(lambda: len(nodes(kazoo)) == 2, "both contend")
    proxy.pause()
    while not other.leads.wait(0.002):
        ours_led = ours.leads.is_set()
    assert not ours_led
    proxy.resume()


def test_a_blip_ends_no_term(
    stand: Stand, kazoo: KazooClient, proxy: Proxy, proxy_hosts: str
) -> None:
    ours = stand("ours", proxy_hosts)
    assert ours.leads.wait(15)
    proxy.cut()
    eventually(lambda: proxy.links > 0 and ours.zk.is_connected, "connected again")
    assert ours.election.is_leading() or ours.zk.epoch > 0
    assert ours.terms == 1 or ours.zk.epoch > 0


def test_stopping_removes_the_node_of_a_waiting_contender_at_once(
    stand: Stand, kazoo: KazooClient
) -> None:
    first = stand("first")
    assert first.leads.wait(15)
    second = stand("second")
    eventually(lambda: len(nodes(kazoo)) == 2, "both contend")
    second.election.stop()
    assert len(nodes(kazoo)) == 1
    assert first.leads.is_set()


def test_an_idle_contender_keeps_one_watch(stand: Stand, kazoo: KazooClient) -> None:
    candidates = [stand("first"), stand("second"), stand("third")]
    eventually(lambda: len(nodes(kazoo)) == 3, "all contend")
    eventually(lambda: any(c.leads.is_set() for c in candidates), "a leader")

    def watches(candidate: Candidate) -> int:
        client = candidate.zk._session._client
        assert client is not None
        return sum(map(len, client._data_watchers.values())) + len(client._child_watchers)

    eventually(lambda: [watches(c) for c in candidates] == [1, 1, 1], "one watch each")


def test_a_leader_function_that_returns_lets_another_lead(connect: Connect) -> None:
    turns: list[str] = []
    stopped = threading.Event()
    elections = [Election(connect(timeout=LONG_SESSION), "shared", name) for name in ("a", "b")]
    threads = []
    for election, name in zip(elections, "ab", strict=True):

        def lead(is_leading: Callable[[], bool], name: str = name) -> None:
            turns.append(name)

        threads.append(threading.Thread(target=election.run, args=(lead,)))
        threads[-1].start()
    eventually(lambda: {"a", "b"} <= set(turns), "both had a turn")
    stopped.set()
    for election, thread in zip(elections, threads, strict=True):
        election.stop()
        thread.join(15)
