"""Rights that end while jobs run: rows 49 to 51."""

from __future__ import annotations

import time
import uuid

import pytest

from engine.zookeeper.paths import ENTRIES, TAKEN
from tests.faults import api_faults
from tests.faults.job_store import COOKIE, Call
from tests.faults.world import World
from tests.support import eventually


@pytest.mark.row(49)
@pytest.mark.parametrize("answer", [403, 401])
def test_an_expired_cookie_costs_one_login_for_all_threads(world: World, answer: int) -> None:
    """The requests are repeated once, and no job notices."""
    world.executor(threads=4, as_user=True)
    gate = world.gate()
    running = [world.hold(gate) for _ in range(4)]
    world.wait_running(*running)
    world.wait_state("RUNNING", *running)

    def is_expired(call: Call) -> bool:
        return not any(f"{COOKIE}={good}" in call.headers.get("cookie", "") for good in good_ones)

    before = len(world.api.called("POST", "session"))
    world.store.cookies.clear()
    good_ones = world.store.cookies
    if answer == 401:
        world.api.rule(api_faults.status(401), path="job/.*", when=is_expired)
    gate.touch()
    world.wait_state("SUCCESS", *running)
    world.wait_drained()
    assert before == 1
    assert len(world.api.called("POST", "session")) == 2
    assert len(world.api.called("POST", "session/.*/switch-group")) == 2


@pytest.mark.row(50)
def test_revoked_credentials_pause_the_claiming_without_a_storm_of_logins(world: World) -> None:
    """What is claimed goes back; the log is loud and holds no secret."""
    executor = world.executor(threads=4, as_user=True)
    first = world.add()
    world.wait_state("SUCCESS", first)
    world.wait_drained()
    world.store.logins_refused = True
    world.store.cookies.clear()
    jobs = [world.add() for _ in range(6)]
    eventually(lambda: len(world.api.called("POST", "session")) > 1, "it tried to log in")
    eventually(lambda: not world.names(TAKEN), "nothing is held")
    began, calls = time.monotonic(), len(world.api.calls)
    eventually(lambda: time.monotonic() > began + 3.0, "three seconds pass")
    assert len(world.api.called("POST", "session")) <= 3
    assert len(world.api.calls) - calls <= 6
    assert len(world.names(ENTRIES)) == 6
    assert executor.is_running
    assert "refused" in executor.output().lower()
    assert not set(jobs) & set(world.journal.starts())


@pytest.mark.row(51)
def test_a_refusal_of_one_job_concerns_that_job_only(world: World) -> None:
    """No login for it again and again; the others run."""
    world.executor(threads=2, as_user=True)
    barred = f"job/{uuid.uuid4()}"
    rule = world.api.rule(api_faults.status(403), path=barred)
    world.store.put(world.document(barred, "count"))
    world.put_entry(barred)
    others = world.add_many(5)
    world.wait_state("SUCCESS", *others)
    eventually(lambda: rule.hits, "it was asked for")
    assert len(world.api.called("POST", "session")) <= 3
    world.api.mend()
