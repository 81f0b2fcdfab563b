"""Distributing: what is added, in which rhythm, and what a bad generator cannot do."""

from __future__ import annotations

import itertools
import threading
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from engine.errors import ApiRefused, ApiUnavailable, SettingsError
from engine.models import Distribution, JobRequest, format_time
from engine.service.distributor import Distributor, chosen, intervals
from engine.service.registry import DistributorPlugin
from engine.zookeeper.paths import OwnPaths
from tests.engine.service.distribution_fakes import (
    FakeAddingClient,
    FakeElection,
    FakeNodes,
    make_plugin,
)
from tests.support import eventually

OWN = OwnPaths()
ONE = JobRequest(action="tick")


class Desk:
    """A distributor over doubles, in a thread of its own."""

    def __init__(self, *plugins: DistributorPlugin) -> None:
        self.plugins = {plugin.name: plugin for plugin in plugins}
        self.client = FakeAddingClient()
        self.nodes = FakeNodes()
        self.elections: dict[str, FakeElection] = {}
        self.service: Distributor | None = None

    def start(self) -> None:
        def elect(name: str) -> FakeElection:
            self.elections[name] = FakeElection(name)
            return self.elections[name]

        self.service = Distributor(
            self.nodes, self.client, self.plugins, elect=elect, own=OWN, instance="us"
        )
        self.thread = threading.Thread(target=self.service.run)
        self.thread.start()

    def stop(self) -> float:
        began = time.monotonic()
        if self.service is not None:
            self.service.stop()
            self.thread.join(20)
            assert not self.thread.is_alive()
        return time.monotonic() - began

    def kept(self) -> Distribution | None:
        return Distribution.from_node(self.nodes.data.get(OWN.distribution("tick")))

    def keep(self, ago: float) -> None:
        last = datetime.now(UTC) - timedelta(seconds=ago)
        record = Distribution(last=last, interval=60.0, by="them", jobs=1)
        self.nodes.data[OWN.distribution("tick")] = record.to_node()

    def actions(self) -> list[str]:
        return [job["action"] for job in self.client.added]


Start = Callable[..., Desk]


@pytest.fixture
def make() -> Iterator[Start]:
    """Make desks, and stop them after the test."""
    desks: list[Desk] = []

    def make_desk(*plugins: DistributorPlugin) -> Desk:
        desks.append(Desk(*plugins))
        return desks[-1]

    yield make_desk
    for desk in desks:
        desk.stop()


def test_the_first_leader_distributes_at_once_and_keeps_the_time(make: Start) -> None:
    desk = make(make_plugin(lambda: [ONE, {"action": "other"}]))
    desk.start()
    kept = eventually(desk.kept)
    assert desk.actions() == ["tick", "other"]
    assert (kept.jobs, kept.by, kept.interval) == (2, "us", 3600.0)


def test_it_goes_on_in_its_rhythm(make: Start) -> None:
    desk = make(make_plugin(lambda: [ONE], every=0.2))
    desk.start()
    eventually(lambda: len(desk.client.added) >= 4)


def test_a_new_leader_repeats_nothing(make: Start) -> None:
    desk = make(make_plugin(lambda: [ONE], every=0.6), make_plugin(lambda: [ONE], name="tock"))
    desk.keep(ago=0.0)
    desk.start()
    began = time.monotonic()
    eventually(lambda: [job for job in desk.client.added if job["name"].startswith("tick ")])
    assert time.monotonic() - began > 0.3


def test_a_new_leader_counts_the_newest_job_where_no_time_was_kept(make: Start) -> None:
    desk = make(make_plugin(lambda: [ONE]), make_plugin(lambda: [ONE], name="tock"))
    desk.client.added.append({"action": "tick", "created": format_time(datetime.now(UTC))})
    desk.start()
    eventually(lambda: len(desk.client.added) == 2)
    assert desk.client.added[1]["name"].startswith("tock ")


def test_a_new_leader_skips_nothing_that_is_overdue(make: Start) -> None:
    desk = make(make_plugin(lambda: [ONE]))
    desk.keep(ago=7200.0)
    desk.start()
    eventually(desk.client.added.copy)


def test_an_api_that_is_down_is_waited_out(make: Start) -> None:
    desk = make(make_plugin(lambda: [ONE]))
    desk.client.search_faults = [ApiUnavailable("refused")] * 2
    desk.client.faults = [ApiUnavailable("refused"), ApiUnavailable("503", status=503)]
    desk.start()
    eventually(desk.kept)
    assert len(desk.client.added) == 1


def test_a_job_that_was_added_without_an_answer_is_not_added_again(make: Start) -> None:
    desk = make(make_plugin(lambda: [ONE]))
    desk.client.applies_before_fault = True
    desk.client.faults = [ApiUnavailable("reset", maybe_applied=True)]
    desk.start()
    kept = eventually(desk.kept)
    assert kept.jobs == 1
    assert len(desk.client.added) == 1


def test_a_job_that_was_not_added_after_all_is_added_then(make: Start) -> None:
    desk = make(make_plugin(lambda: [ONE]))
    desk.client.faults = [ApiUnavailable("reset", maybe_applied=True)]
    desk.start()
    kept = eventually(desk.kept)
    assert kept.jobs == len(desk.client.added) == 1


def test_a_job_with_a_name_of_its_own_is_not_repeated_after_an_unknown_outcome(
    make: Start,
) -> None:
    desk = make(make_plugin(lambda: [{"action": "tick", "name": "mine"}]))
    desk.client.faults = [ApiUnavailable("reset", maybe_applied=True)]
    desk.start()
    eventually(desk.kept)
    assert desk.client.added == []


def test_a_refused_job_is_skipped_and_the_next_added(make: Start) -> None:
    desk = make(make_plugin(lambda: [ONE, ONE]))
    desk.client.faults = [ApiRefused("schema", status=400)]
    desk.start()
    kept = eventually(desk.kept)
    assert kept.jobs == 1


@pytest.mark.parametrize("garbage", [None, 7, "job", {}, {"action": " "}, JobRequest(action="")])
def test_garbage_is_skipped_and_the_rest_added(make: Start, garbage: object) -> None:
    desk = make(make_plugin(lambda: [garbage, ONE]))
    desk.start()
    eventually(desk.kept)
    assert desk.actions() == ["tick"]


def test_a_generator_that_raises_is_tried_again_and_the_others_go_on(make: Start) -> None:
    tries = itertools.count()

    def raise_once() -> Iterator[JobRequest]:
        if next(tries) == 0:
            raise SystemExit("no luck")
        yield ONE

    desk = make(make_plugin(raise_once), make_plugin(lambda: [ONE], name="tock"))
    desk.start()
    eventually(lambda: len(desk.client.added) == 2)


def test_a_generator_that_raises_after_a_job_is_left_until_the_next_time(make: Start) -> None:
    def raise_late() -> Iterator[JobRequest]:
        yield ONE
        raise RuntimeError("too late")

    desk = make(make_plugin(raise_late))
    desk.start()
    kept = eventually(desk.kept)
    assert kept.jobs == len(desk.client.added) == 1


def test_a_generator_that_never_ends_is_cut_off(
    make: Start, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("engine.service.round.MOST_JOBS", 20)
    desk = make(make_plugin(lambda: itertools.repeat(ONE)))
    desk.start()
    kept = eventually(desk.kept)
    assert kept.jobs == 20


def test_a_generator_that_blocks_harms_no_other_and_no_stop(
    make: Start, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("engine.service.round.LEAST_PATIENCE", 0.1)
    release = threading.Event()
    calls: list[int] = []

    def block() -> list[JobRequest]:
        calls.append(1)
        release.wait(30)
        return []

    desk = make(make_plugin(block, every=0.1), make_plugin(lambda: [ONE], name="tock", every=0.1))
    desk.start()
    eventually(lambda: len(desk.client.added) >= 4)
    eventually(lambda: desk.kept())
    assert calls == [1]
    assert desk.stop() < 10
    release.set()


def test_nothing_is_added_once_the_lead_is_lost(make: Start) -> None:
    at_second = threading.Event()
    go = threading.Event()

    def generate() -> Iterator[JobRequest]:
        yield ONE
        at_second.set()
        go.wait(15)
        yield ONE

    desk = make(make_plugin(generate))
    desk.start()
    assert at_second.wait(10)
    eventually(lambda: len(desk.client.added) == 1)
    desk.elections["tick"].is_won = False
    go.set()
    began = time.monotonic()
    eventually(lambda: time.monotonic() > began + 0.5)
    assert len(desk.client.added) == 1
    assert desk.kept() is None


def test_a_constructor_may_take_the_api(make: Start) -> None:
    got: list[Any] = []

    class Wanting:
        def __init__(self, api: Any) -> None:
            got.append(api)

        def job_generator(self) -> list[JobRequest]:
            return [ONE]

    plugin = DistributorPlugin(name="tick", every=9.0, election="tick", place="", make=Wanting)
    desk = make(plugin)
    desk.start()
    eventually(desk.kept)
    assert got == ["the official client"]


def test_distributors_are_chosen_by_their_name_or_their_action() -> None:
    plugin = DistributorPlugin(
        name="jobs_cleanup", every=9.0, election="cleanup_jobs", place="", make=lambda api: api
    )
    known = {"jobs_cleanup": plugin, "tick": make_plugin(list)}
    assert set(chosen(known, ["cleanup_jobs"])) == {"jobs_cleanup"}
    assert set(chosen(known, [], all_of_them=True)) == set(known)
    assert set(chosen(known, [], all_of_them=True, exclude=["tick"])) == {"jobs_cleanup"}
    assert intervals(known, {"cleanup_jobs": 5.0}) == {"jobs_cleanup": 5.0, "tick": 3600.0}
    with pytest.raises(SettingsError, match=r"'nothing'.*jobs_cleanup, tick"):
        chosen(known, ["nothing"])
    with pytest.raises(SettingsError, match="positive"):
        intervals(known, {"tick": 0.0})
