"""Changes that are told: from real nodes through the live picture of ZooKeeper."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from kazoo.client import KazooClient

from engine.models import (
    Flapping,
    Flaps,
    LockNote,
    Member,
    MemberKind,
    MemberState,
    PutBack,
    Starving,
)
from engine.view.changes import Change, Differ, Kind, What
from engine.view.diagnosis import limits
from engine.view.live_queue import LiveQueue
from engine.view.picture import Condition, Health, Picture
from engine.zookeeper.connection import ZooKeeper
from engine.zookeeper.paths import OwnPaths, entry_prefix
from tests.support import eventually

NOW = datetime(2026, 11, 24, 12, 0, 0, tzinfo=UTC)
JOB = "job/3d2f5b0e-5f5e-4a6c-9d5e-0a6b7c8d9e0f"
BLANK = Picture(zookeeper=Health(name="zookeeper", where="zk:2181"), api=Health(name="api"))


class Watched:
    """A live picture, and all changes that were seen in it."""

    def __init__(self, zk_hosts: str) -> None:
        self.live = LiveQueue(ZooKeeper(zk_hosts, session_timeout=4.0), OwnPaths())
        self.differ = Differ()
        self.seen: list[Change] = []
        self.live.start()

    def look(self) -> bool:
        """Take in what is new; whether all parts were seen."""
        picture = self.live.wait(0.05)
        self.seen += self.differ.changes(picture, datetime.now(UTC))
        return self.differ.is_whole

    def sees(self, kind: Kind, what: What, text: str = "") -> Change:
        """Wait for a change."""

        def find() -> Change | None:
            self.look()
            return next(
                (c for c in self.seen if (c.kind, c.what) == (kind, what) and text in c.text), None
            )

        return eventually(find, f"{kind} {what} {text}", within=30)


@pytest.fixture
def watched(zk_hosts: str, kazoo: KazooClient) -> Iterator[Watched]:
    """A watch of a queue that holds one entry."""
    kazoo.ensure_path("/job/taken")
    kazoo.create(entry_prefix(999), b"job/there-before", sequence=True, makepath=True)
    made = Watched(zk_hosts)
    eventually(made.look, "all was seen", within=30)
    yield made
    made.live.stop()


def test_entries_and_locks_that_come_and_go_are_told_with_their_job(
    watched: Watched, kazoo: KazooClient
) -> None:
    path = kazoo.create(entry_prefix(10), JOB.encode(), sequence=True)
    name = path.rpartition("/")[2]
    came = watched.sees(Kind.ENTRY, What.CAME)
    assert (came.subject, came.job_id) == (name, JOB)
    note = LockNote(instance="exec-1", thread="worker-2", claim="c")
    kazoo.create(f"/job/taken/{name}", note.to_node(), ephemeral=True)
    taken = watched.sees(Kind.LOCK, What.CAME)
    assert (taken.job_id, taken.text) == (JOB, "taken by exec-1 worker-2")
    kazoo.delete(f"/job/taken/{name}")
    assert watched.sees(Kind.LOCK, What.WENT).subject == name
    kazoo.delete(path)
    assert watched.sees(Kind.ENTRY, What.WENT).job_id == JOB
    assert all(change.job_id != "job/there-before" for change in watched.seen)


def test_members_elections_and_the_pause_are_told(watched: Watched, kazoo: KazooClient) -> None:
    own = OwnPaths()
    member = Member(
        instance="exec-1",
        kind=MemberKind.EXECUTOR,
        name="exec",
        host="node1",
        pid=1,
        version="1",
        started=NOW,
    )
    path = own.member(member.instance)
    kazoo.create(path, member.to_node(), ephemeral=True, makepath=True)
    assert watched.sees(Kind.MEMBER, What.CAME).text == "executor on node1, running"
    kazoo.set(path, replace(member, state=MemberState.DRAINING).to_node())
    watched.sees(Kind.MEMBER, What.CHANGED, "is draining, was running")
    kazoo.delete(path)
    watched.sees(Kind.MEMBER, What.WENT)
    kazoo.create(own.pause, b"upgrade", makepath=True)
    watched.sees(Kind.PAUSE, What.CAME, "upgrade")
    kazoo.delete(own.pause)
    watched.sees(Kind.PAUSE, What.WENT)
    contender = f"/election/cleanup/{'a' * 32}__lock__0000000001"
    kazoo.create(contender, b"dist-a", ephemeral=True, makepath=True)
    watched.sees(Kind.ELECTION, What.CAME, "led by dist-a")
    kazoo.delete(contender)
    watched.sees(Kind.ELECTION, What.WENT, "nobody leads")


def test_an_entry_that_is_taken_and_released_again_and_again_flaps(
    watched: Watched, kazoo: KazooClient
) -> None:
    name = kazoo.create(entry_prefix(10), JOB.encode(), sequence=True).rpartition("/")[2]
    watched.sees(Kind.ENTRY, What.CAME)
    for number in range(limits.FLAPS):
        kazoo.create(f"/job/taken/{name}", b"f" * 32, ephemeral=True)
        _await(watched, Kind.LOCK, What.CAME, number + 1)
        kazoo.delete(f"/job/taken/{name}")
        _await(watched, Kind.LOCK, What.WENT, number + 1)
    flapping = watched.sees(Kind.FLAPPING, What.CAME)
    assert (flapping.subject, flapping.job_id) == (name, JOB)
    assert f"released {limits.FLAPS} times" in flapping.text
    (seen,) = watched.live.picture.flapping
    assert (seen.entry, seen.job_id, seen.flaps.times) == (name, JOB, limits.FLAPS)


def _await(watched: Watched, kind: Kind, what: What, times: int) -> None:
    def count() -> bool:
        watched.look()
        return sum((each.kind, each.what) == (kind, what) for each in watched.seen) >= times

    eventually(count, f"{kind} {what} {times} times", within=30)


def test_flapping_is_told_again_each_time_that_it_doubled() -> None:
    differ = Differ()
    told: list[Change] = []
    for times in (5, 6, 9, 10, 15, 20):
        flaps = Flaps(times=times, window=60.0, reason="too new")
        each = Flapping(entry="entry-999-0000000001", job_id=JOB, flaps=flaps)
        told += differ.changes(replace(BLANK, flapping=(each,)), NOW)
    assert [change.text.split()[3] for change in told] == ["5", "10", "20"]
    assert told[0].text.endswith("1m00: too new")
    (last,) = differ.changes(BLANK, NOW)
    assert last.what is What.WENT


def test_starving_is_told_once() -> None:
    starving = Starving(
        priority=500,
        entry="entry-500-0000000001",
        since=NOW - timedelta(minutes=11),
        overtaken=40,
        waiting=3,
    )
    differ = Differ()
    (came,) = differ.changes(replace(BLANK, starving=(starving,)), NOW)
    assert (came.kind, came.subject) == (Kind.STARVED, "priority 500")
    assert "no turn for 11m00" in came.text
    assert not list(differ.changes(replace(BLANK, starving=(starving,)), NOW))
    (went,) = differ.changes(BLANK, NOW)
    assert went.what is What.WENT


def test_a_zookeeper_that_is_lost_and_found_is_told() -> None:
    differ = Differ()
    live = replace(BLANK.zookeeper, condition=Condition.LIVE)
    stale = replace(live, condition=Condition.STALE, error="refused")
    told: list[Change] = []
    for health in (live, stale, stale, live):
        told += differ.changes(replace(BLANK, zookeeper=health), NOW)
    assert [(c.what, c.text) for c in told] == [
        (What.WENT, "lost: refused"),
        (What.CAME, "answers again"),
    ]


def test_a_member_tells_why_a_job_flaps(watched: Watched, kazoo: KazooClient) -> None:
    told = PutBack(job_id=JOB, times=9, last=NOW, reason="its version 3 is for a newer engine")
    member = Member(
        instance="exec-1",
        kind=MemberKind.EXECUTOR,
        name="exec",
        host="node1",
        pid=1,
        version="1",
        started=NOW,
        put_back=(told,),
    )
    path = OwnPaths().member(member.instance)
    kazoo.create(path, member.to_node(), ephemeral=True, makepath=True)
    watched.sees(Kind.MEMBER, What.CAME)
    name = kazoo.create(entry_prefix(10), JOB.encode(), sequence=True).rpartition("/")[2]
    for number in range(limits.FLAPS):
        kazoo.create(f"/job/taken/{name}", b"f" * 32, ephemeral=True)
        _await(watched, Kind.LOCK, What.CAME, number + 1)
        kazoo.delete(f"/job/taken/{name}")
        _await(watched, Kind.LOCK, What.WENT, number + 1)
    assert "newer engine" in watched.sees(Kind.FLAPPING, What.CAME).text


def test_a_priority_that_is_overtaken_all_the_time_starves_while_it_is_watched(
    watched: Watched, kazoo: KazooClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(limits, "STARVED", 1.0)
    kazoo.create(entry_prefix(500), JOB.encode(), sequence=True)

    def starved() -> Change | None:
        # Always one that stands before it: another one each time.
        newer = kazoo.create(entry_prefix(100), b"job/better", sequence=True)
        for name in sorted(kazoo.get_children("/job/entries")):
            if name.startswith("entry-100-") and not newer.endswith(name):
                kazoo.delete(f"/job/entries/{name}")
        watched.look()
        found = (c for c in watched.seen if (c.kind, c.what) == (Kind.STARVED, What.CAME))
        return next((c for c in found if c.subject == "priority 500"), None)

    seen = eventually(starved, "priority 500 starves", within=60, every=0.1)
    assert seen.job_id == JOB
    assert "better entr" in seen.text
