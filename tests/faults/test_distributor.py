"""Distributors that die, freeze, lose their session, or meet bad generators: rows 94 to 104."""

from __future__ import annotations

import json
import time

import pytest

from engine.local.zookeeper import ZooKeeperServer
from tests.faults import api_faults
from tests.faults.children import Child
from tests.faults.job_store import Call
from tests.faults.proxy import Proxy
from tests.faults.world import SESSION_TIMEOUT, World
from tests.support import eventually


def posts(world: World, pid: int | None = None, action: str = "tick") -> list[Call]:
    """Return the requests that added a job of this action, of one process where named."""
    calls = [call for call in world.api.called("POST", "job") if call.json["action"] == action]
    return [call for call in calls if pid is None or json.loads(call.json["payload"])["pid"] == pid]


def leader_and_waiter(world: World) -> tuple[Child, Child]:
    """Start two distributors and return the one that leads and the one that waits."""
    first = world.distributor("tick", name="first")
    eventually(lambda: posts(world, first.pid), "the first leads")
    return first, world.distributor("tick", name="second")


def _assert_no_burst(world: World) -> None:
    # One that is late can come close to the next, which keeps to the rhythm: three cannot.
    times = [call.at for call in posts(world)]
    spans = [last - first for first, last in zip(times, times[2:], strict=False)]
    assert all(span > 0.75 for span in spans), times


@pytest.mark.row(94)
def test_when_the_leader_is_killed_the_next_goes_on_in_its_rhythm(world: World) -> None:
    """After the session has ended; what was missed is not made up for in a burst."""
    leader, waiter = leader_and_waiter(world)
    leader.kill()
    eventually(lambda: len(posts(world, waiter.pid)) >= 2, "the other leads")
    _assert_no_burst(world)


@pytest.mark.row(95)
def test_a_stopped_leader_hands_over_at_once(world: World) -> None:
    """Its node is gone when it is; exit 0."""
    leader, waiter = leader_and_waiter(world)
    leader.terminate()
    assert leader.wait() == 0
    assert len(world.names("/election/tick")) == 1
    eventually(lambda: len(posts(world, waiter.pid)) >= 2, "the other leads")
    _assert_no_burst(world)


@pytest.mark.row(97)
def test_a_leader_frozen_past_its_session_adds_nothing_when_it_wakes(world: World) -> None:
    """Another leads by then; it contends again behind that one."""
    leader, waiter = leader_and_waiter(world)
    leader.freeze()
    eventually(lambda: len(posts(world, waiter.pid)) >= 2, "the other leads", within=30)
    woken = time.monotonic()
    leader.thaw()
    eventually(
        lambda: [call for call in posts(world, waiter.pid) if call.at > woken + 2.5],
        "the other leads on",
    )
    assert not [call for call in posts(world, leader.pid) if call.at > woken]
    eventually(lambda: len(world.names("/election/tick")) == 2, "it contends again")
    waiter.terminate()
    eventually(
        lambda: [call for call in posts(world, leader.pid) if call.at > woken], "it leads again"
    )


@pytest.mark.row(96)
def test_a_leader_cut_off_adds_nothing_once_another_can_lead(
    world: World, zookeeper_server: ZooKeeperServer
) -> None:
    """By the clock of its lease, looked at before each job."""
    with Proxy(zookeeper_server.port) as proxy:
        hosts = f"{proxy.hosts}/{world.hosts.partition('/')[2]}"
        leader = world.distributor("tick", "--interval", "tick=0.2", hosts=hosts, name="first")
        eventually(lambda: len(posts(world, leader.pid)) >= 3, "the first leads")
        waiter = world.distributor("tick", "--interval", "tick=0.2", name="second")
        proxy.pause()
        eventually(lambda: posts(world, waiter.pid), "the other leads", within=30)
        began = posts(world, waiter.pid)[0].at
        eventually(lambda: posts(world, waiter.pid)[-1].at > began + SESSION_TIMEOUT, "time passes")
        proxy.resume()
        proxy.cut()
        eventually(
            lambda: len(world.names("/election/tick")) == 2, "the first contends again", within=30
        )
        number = len(posts(world, waiter.pid))
        eventually(lambda: len(posts(world, waiter.pid)) > number + 3, "the other leads on")
        assert not [call for call in posts(world, leader.pid) if call.at > began]


@pytest.mark.row(99)
def test_a_blip_changes_no_leader_and_loses_no_contender(
    world: World, zookeeper_server: ZooKeeperServer
) -> None:
    """The leader leads on, and a waiter that blipped still wins later."""
    with Proxy(zookeeper_server.port) as proxy:
        hosts = f"{proxy.hosts}/{world.hosts.partition('/')[2]}"
        leader = world.distributor("tick", hosts=hosts, name="first")
        eventually(lambda: posts(world, leader.pid), "the first leads")
        waiter = world.distributor("tick", hosts=hosts, name="second")
        eventually(lambda: len(world.names("/election/tick")) == 2, "both contend")
        contenders = world.names("/election/tick")
        proxy.cut()
        eventually(lambda: proxy.links >= 2, "both are connected again")
        number = len(posts(world, leader.pid))
        eventually(lambda: len(posts(world, leader.pid)) >= number + 2, "the first leads on")
        assert world.names("/election/tick") == contenders
        assert not posts(world, waiter.pid)
        leader.terminate()
        eventually(lambda: posts(world, waiter.pid), "the other leads")


@pytest.mark.row(101)
def test_bad_generators_harm_neither_each_other_nor_the_stop(world: World) -> None:
    """One raises, one yields nonsense, one never stops, one never starts; the good one goes on."""
    child = world.distributor("tick", "raises", "garbage", "endless", "blocks")
    eventually(lambda: len(posts(world, action="raises")) >= 2, "the one that raises goes on")
    eventually(lambda: len(posts(world, action="garbage")) >= 2, "the one with nonsense goes on")
    eventually(lambda: len(posts(world)) >= 3, "the good one goes on")
    child.says("a distributor that raises")
    child.terminate()
    child.wait(20)
    assert not world.names("/election/tick")


@pytest.mark.row(102)
@pytest.mark.parametrize("status", [500, 503])
def test_an_api_that_fails_delays_a_job_without_doubling_it(world: World, status: int) -> None:
    """One distribution, three failures, one job."""
    rule = world.api.rule(api_faults.status(status), method="POST", path="job", times=3)
    world.distributor("slow_tick")
    eventually(lambda: world.store.documents, "the job was added", within=60)
    assert len(rule.hits) == 3
    assert len(world.store.documents) == 1


@pytest.mark.row(102)
def test_an_api_that_is_away_is_waited_out(world: World) -> None:
    """The job comes once when the API does."""
    world.api.close()
    child = world.distributor("slow_tick")
    child.says("API")
    world.api.open()
    eventually(lambda: world.store.documents, "the job was added", within=60)
    began = time.monotonic()
    eventually(lambda: time.monotonic() > began + 1.5, "time passes")
    assert len(world.store.documents) == 1
    assert child.is_running


@pytest.mark.row(103)
def test_a_job_that_was_added_without_an_answer_is_not_added_again(world: World) -> None:
    """The distributor looks before it repeats."""
    world.api.rule(api_faults.reset(applied=True), method="POST", path="job", times=1)
    child = world.distributor("slow_tick")
    eventually(lambda: world.store.documents, "the job was added")
    began = time.monotonic()
    eventually(lambda: time.monotonic() > began + 3.0, "time passes")
    assert len(world.store.documents) == 1
    assert child.is_running


@pytest.mark.row(104)
def test_it_stops_soon_whatever_it_does(lone_world: World, server: ZooKeeperServer) -> None:
    """While it leads, while it waits, and while ZooKeeper does not answer; no node stays."""
    world = lone_world
    leader, waiter = leader_and_waiter(world)
    third = world.distributor("tick", name="third")
    waiter.terminate()
    assert waiter.wait(20) == 0
    eventually(lambda: len(world.names("/election/tick")) == 2, "its node is gone")
    server.pause()
    try:
        leader.terminate()
        third.terminate()
        leader.wait(20)
        third.wait(20)
    finally:
        server.resume()
    eventually(
        lambda: not world.names("/election/tick"), "no node stays", within=SESSION_TIMEOUT + 20
    )
