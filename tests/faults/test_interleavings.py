"""A thousand acts at random moments against executors that finish, crash and lose their sessions.

Shows that `release` and `requeue` never let a job run twice at once, complete twice, get lost or
stay wedged; and that a naive delete of the lock does in the same play, so that it proves something.
"""

from __future__ import annotations

import random
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from kazoo.client import KazooClient
from kazoo.exceptions import NoNodeError

from engine.act.acts import ACTS
from engine.act.apply import apply
from engine.act.plan import Options
from engine.act.sources import Sources
from engine.errors import EngineError
from engine.local.zookeeper import ZooKeeperServer
from engine.nuvla.client import NuvlaClient
from engine.nuvla.credentials import Header
from engine.settings import Secret
from engine.zookeeper.connection import ZooKeeper
from engine.zookeeper.paths import lock_path
from tests.engine.act.conftest import ANN, Noted
from tests.faults.interleaving import SESSION_SECONDS, Act, Request, Theatre, refused
from tests.faults.ports import steady_port
from tests.local_api import ADMIN_HEADER, running_api

pytestmark = pytest.mark.timeout(300)  # 20 s each where nothing else runs

ACTS_MADE = 500
"""Of each of two seeds: a thousand in all."""
NAIVE_ACTS = 100


@pytest.fixture
def lasting_hosts(tmp_path: Path) -> Iterator[str]:
    """A ZooKeeper of one's own, whose sessions last for as long as a busy machine needs."""
    server = ZooKeeperServer(tmp_path / "zk", port=steady_port(), durable=False)
    server.start()
    yield server.hosts
    server.kill()


@pytest.fixture
def theatre(
    lasting_hosts: str, tmp_path: Path, request: pytest.FixtureRequest
) -> Iterator[Theatre]:
    """A stage with two executors; its seed is the test's parameter."""
    kazoo = KazooClient(lasting_hosts, timeout=SESSION_SECONDS)
    kazoo.start(timeout=30)
    with (
        running_api(tmp_path / "api.sqlite", lasting_hosts) as api,
        NuvlaClient(api.url, credentials=Header(Secret(ADMIN_HEADER))) as client,
    ):
        stage = Theatre(lasting_hosts, api.url, client, tmp_path, request.param, kazoo)
        try:
            for _ in range(2):
                stage.add_executor()
            yield stage
        finally:
            stage.close()
            kazoo.stop()
            kazoo.close()


@pytest.fixture
def sources(theatre: Theatre) -> Iterator[Sources]:
    """What the operators read and write."""
    zk = ZooKeeper(theatre.hosts, session_timeout=SESSION_SECONDS)
    zk.start()
    assert zk.wait_connected(30)
    yield Sources(zk=zk, client=theatre.client)
    zk.close()


def operator(sources: Sources) -> Act:
    """Return an act: a release of something held or, less often, a requeue of what may be done."""

    def act(stage: Theatre, chance: random.Random) -> str | None:
        is_requeue = chance.random() < 0.25
        name = "requeue" if is_requeue else "release"
        if is_requeue:
            subject = chance.choice(stage.jobs[-200:]) if stage.jobs else None
        else:
            held = stage.held()
            subject = stage.job_in(chance.choice(held)) if held else None
        if subject is None:
            return None
        began = time.monotonic()
        try:
            plan = ACTS[name].plan(sources, subject, Options(by="ann"))
            if plan.is_refused:
                return f"{name}: refused at once"
            outcome = apply(plan, sources, by=ANN, reason="a test", audit=Noted())
        except EngineError as error:
            return f"{name}: {refused(error)}"
        finally:
            stage.requests.append(Request(subject, began, time.monotonic()))
        if outcome.made:
            stage.jobs.append(outcome.made)
        word = "done" if outcome.done else "unknown" if outcome.is_unknown else "refused"
        return f"{name}: {word}"

    return act


def naive(stage: Theatre, chance: random.Random) -> str | None:
    """Delete a lock, as one would with any ZooKeeper client."""
    held = stage.held()
    if not held:
        return None
    try:
        stage.kazoo.delete(lock_path(chance.choice(held)))
    except NoNodeError:
        return None
    return "deleted"


@pytest.mark.parametrize("theatre", [1, 2], indirect=True, ids=lambda seed: f"seed-{seed}")
def test_releases_and_requeues_at_any_moment_harm_no_job(
    theatre: Theatre, sources: Sources
) -> None:
    peer = theatre.add_peer()
    theatre.play(operator(sources), ACTS_MADE, accidents=True)
    assert any(run.pid == peer.pid for runs in theatre.runs().values() for run in runs)
    told = f"seed {theatre.seed}: {dict(theatre.outcomes)}, {len(theatre.accidents)} accidents"
    assert not theatre.unfinished(), told
    assert not theatre.overlaps(), told
    assert not theatre.repeats(), told
    assert not theatre.false_results(), told
    assert theatre.outcomes["release: done"] >= ACTS_MADE / 25, told
    assert theatre.outcomes["requeue: done"] > 0, told
    assert theatre.accidents, told


@pytest.mark.parametrize("theatre", [3], indirect=True, ids=lambda seed: f"seed-{seed}")
def test_a_naive_delete_of_the_lock_runs_jobs_twice(theatre: Theatre) -> None:
    theatre.busy, theatre.heeding = (0.4, 0.8), 0.0
    theatre.play(naive, NAIVE_ACTS, accidents=False)
    assert theatre.overlaps(), f"seed {theatre.seed}: the harness sees nothing"
