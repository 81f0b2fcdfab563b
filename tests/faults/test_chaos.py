"""Everything at once: row 39."""

from __future__ import annotations

import random
import time

import pytest

from engine.local.zookeeper import ZooKeeperServer
from tests.faults.children import Child
from tests.faults.proxy import Proxy
from tests.faults.sessions import expire
from tests.faults.world import SESSION_TIMEOUT, World

JOBS = 300
SECONDS = 12.0


def _hurt(world: World, chance: random.Random, victim: Child, link: Proxy) -> None:
    """Do one of the things that go wrong."""
    kind = chance.choice(["cut", "lose answers", "sever", "freeze", "expire", "api"])
    if kind == "cut":
        link.cut()
    elif kind == "lose answers":
        link.drop_down = True
        time.sleep(chance.uniform(0.05, 0.3))
        link.cut()
        link.drop_down = False
    elif kind == "sever":
        link.pause()
        time.sleep(chance.uniform(0.1, 1.5 * SESSION_TIMEOUT))
        link.resume()
    elif kind == "freeze":
        victim.freeze()
        time.sleep(chance.uniform(0.1, 1.5 * SESSION_TIMEOUT))
        victim.thaw()
    elif kind == "expire" and (member := world.member_of(victim)) is not None:
        expire(world.hosts, member.session)
    elif kind == "api":
        world.api.close()
        time.sleep(chance.uniform(0.05, 0.5))
        world.api.open()


@pytest.mark.row(39)
@pytest.mark.timeout(240)
@pytest.mark.parametrize("seed", [1, 2])
def test_random_faults_lose_no_job_and_rob_no_stock_consumer(
    world: World, zookeeper_server: ZooKeeperServer, seed: int
) -> None:
    """Three executors on bad links beside a stock consumer on a good one; the audit judges."""
    chance = random.Random(seed)
    chroot = world.hosts.partition("/")[2]
    links = [Proxy(zookeeper_server.port) for _ in range(3)]
    crew = [world.executor(hosts=f"{link.hosts}/{chroot}", name="ex") for link in links]
    stock = world.stock()
    jobs = [world.add("sleep", {"seconds": 0.1}) for _ in range(JOBS)]
    # A job may run again where its executor lost it, and come back to the same one after that.
    world.allowed.all_repeats = True
    world.allowed.same_process_repeats.update(jobs)
    end = time.monotonic() + SECONDS
    while time.monotonic() < end:
        at = chance.randrange(len(crew))
        _hurt(world, chance, crew[at], links[at])
        time.sleep(chance.uniform(0.0, 0.3))
    world.wait_state("SUCCESS", *jobs, within=120)
    world.wait_drained(within=60)
    assert all(child.is_running for child in (*crew, stock))
    for link in links:
        link.close()
