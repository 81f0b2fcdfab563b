"""What the live picture costs its sources, counted on the wire; and that it changes nothing."""

from __future__ import annotations

import time
import uuid
from collections.abc import Iterator
from dataclasses import dataclass

import pytest
from kazoo.client import KazooClient

from benchmarks.fill import fill
from engine.models import JobRequest, LockNote
from engine.nuvla.client import NuvlaClient
from engine.nuvla.credentials import ApiKey
from engine.settings import Secret
from engine.view.picture import Search, Sight
from engine.view.zookeeper_feed import PULSE_SECONDS
from nuvla_console.profiles import SESSION_SECONDS
from tests.engine.view.live import Live, live_store
from tests.engine.view.wire import WRITES, HttpJournal, ZooKeeperJournal
from tests.local_api import LocalApi
from tests.support import eventually

ENTRIES, TAKEN = "/job/entries", "/job/taken"


@dataclass
class Counted:
    """A live store whose links are listened to."""

    live: Live
    zookeeper: ZooKeeperJournal
    api: HttpJournal


@pytest.fixture
def counted(zk_hosts: str, local_api: LocalApi) -> Iterator[Counted]:
    """A store that is not started."""
    with live_store(zk_hosts, local_api, start=False) as live:
        counted = Counted(live, ZooKeeperJournal(zk_hosts), HttpJournal())
        live.zk_link.on_up = counted.zookeeper.note
        live.api_link.on_up = counted.api.note
        yield counted


def is_read(live: Live) -> bool:
    """Whether everything was read once."""
    live.store.check()
    picture = live.store.picture
    parts = (picture.queue, picture.taken, picture.elections, picture.members, picture.counts)
    queue = picture.queue
    is_whole = queue is not None and len(queue.entries) == queue.depth and not picture.unread
    return is_whole and None not in parts and picture.api.is_live


def put(kazoo: KazooClient) -> str:
    """Add an entry and return its name."""
    path = kazoo.create(
        f"{ENTRIES}/entry-999-", f"job/{uuid.uuid4()}".encode(), sequence=True, makepath=True
    )
    return str(path).rpartition("/")[2]


def tree(kazoo: KazooClient, path: str = "/") -> dict[str, tuple[int, ...]]:
    """Return every node below a path with all that a write to it would change."""
    stat = kazoo.exists(path)
    found = {path: tuple(stat)} if stat else {}
    for child in kazoo.get_children(path):
        found |= tree(kazoo, f"{path.rstrip('/')}/{child}")
    return found


def test_looking_at_everything_writes_nothing(
    counted: Counted, kazoo: KazooClient, local_api: LocalApi
) -> None:
    credentials = ApiKey(local_api.api_key, Secret(local_api.api_secret))
    with NuvlaClient(local_api.url, credentials=credentials) as client:
        parent = client.add_job(JobRequest(action="bulk_update"))
        job = client.add_job(JobRequest(action="update", parent=parent))
        documents = [client.get_job(parent), client.get_job(job)]
    kazoo.create(f"{ENTRIES}/foreign", b"\xff")
    before = tree(kazoo)  # no locks, elections or members: nothing may be made for them either
    live = counted.live
    live.store.start()
    eventually(lambda: is_read(live), "both sources were read")
    look = Sight(jobs=(job,), in_full=job, search=Search(), unfolded=(parent,))
    live.store.look(look)
    eventually(lambda: live.store.picture.children.get(parent), "all of it was read")
    live.store.read_again()
    live.zk_link.cut()
    eventually(lambda: not live.store.picture.zookeeper.is_live, "the blip was noticed")
    eventually(lambda: is_read(live) and live.store.picture.zookeeper.is_live, "it is back")
    live.store.stop()
    assert tree(kazoo) == before
    assert not WRITES & counted.zookeeper.asked.keys()
    reads = {("PUT", "/api/job"), ("GET", f"/api/{job}")}
    logins = {request for request in counted.api.requests if request[1].startswith("/api/session")}
    assert set(counted.api.requests) == reads | logins
    with NuvlaClient(local_api.url, credentials=credentials) as client:
        assert [client.get_job(parent), client.get_job(job)] == documents


def test_at_rest_it_asks_zookeeper_next_to_nothing_and_the_api_once_a_second(
    counted: Counted, kazoo: KazooClient
) -> None:
    names = [put(kazoo) for _ in range(30)]
    note = LockNote(instance="exec-a.host.1.ab", thread="worker-1", claim="x")
    kazoo.create(f"{TAKEN}/{names[0]}", note.to_node(), ephemeral=True, makepath=True)
    live = counted.live
    live.store.start()
    eventually(lambda: is_read(live), "both sources were read")
    live.store.look(Sight(entries=tuple(names), search=Search()))
    eventually(lambda: live.store.picture.search, "what is in sight was read")
    quiet = counted.zookeeper.reads, time.monotonic()

    def at_rest() -> bool:
        nonlocal quiet
        if counted.zookeeper.reads != quiet[0]:
            quiet = counted.zookeeper.reads, time.monotonic()
        return time.monotonic() - quiet[1] > 1.5

    eventually(at_rest, "the first reading is over")
    reads, asked, began = counted.zookeeper.reads, len(counted.api.requests), time.monotonic()
    heartbeats, pings = counted.zookeeper.heartbeats, counted.zookeeper.pings
    eventually(lambda: len(counted.api.requests) - asked >= 4, "the API is asked in turn")
    passed = time.monotonic() - began
    assert counted.zookeeper.reads - reads <= 1 + passed * 12 / 60
    assert len(counted.api.requests) - asked <= passed + 1
    # Signs of life go by the session's length: the console's sessions are ten times as long.
    a_minute = (counted.zookeeper.heartbeats - heartbeats - 1) * 60 / passed
    assert a_minute * live.zk.session_timeout / SESSION_SECONDS <= 12
    assert counted.zookeeper.pings - pings <= passed / PULSE_SECONDS + 2


def test_a_slower_pace_is_kept_until_somebody_asks(counted: Counted) -> None:
    live = counted.live
    live.store.start()
    eventually(lambda: is_read(live), "both sources were read")
    live.store.set_pace(60.0)
    asked = len(counted.api.requests)
    eventually(lambda: len(counted.api.requests) > asked, "the next one is under way already")
    asked, began = len(counted.api.requests), time.monotonic()
    eventually(lambda: time.monotonic() - began > 2.0)
    assert len(counted.api.requests) == asked
    live.store.read_again()
    eventually(lambda: len(counted.api.requests) > asked, "what is asked for is not held up")


@pytest.mark.timeout(180)
def test_a_long_queue_is_followed_without_listing_it_for_each_change(
    counted: Counted, zk_hosts: str, kazoo: KazooClient
) -> None:
    size = 100_000
    fill(zk_hosts, size)
    live = counted.live

    def names() -> list[str]:
        queue = live.store.picture.queue
        return [entry.name for entry in queue.entries] if queue else []

    try:
        live.store.start()
        eventually(lambda: is_read(live), "the queue was read", within=60)
        assert len(names()) == size
        assert live.store.picture.queue is not None
        assert all(entry.job_id for entry in live.store.picture.queue.entries)
        listed = counted.zookeeper.listings(ENTRIES)
        waiting = iter(names())
        made: list[str] = []

        def listed_twice_while_it_changes() -> bool:
            kazoo.delete(f"{ENTRIES}/{next(waiting)}")
            made.append(put(kazoo))
            return counted.zookeeper.listings(ENTRIES) - listed >= 2

        eventually(listed_twice_while_it_changes, "it is listed again", within=60)
        assert len(made) >= 10, "one listing serves many changes"
        eventually(lambda: names()[-1:] == made[-1:], "the last change is shown", within=60)
        eventually(lambda: is_read(live), "what is new was read", within=30)
        assert len(names()) == size
    finally:
        live.store.stop()
        empty(kazoo)


def empty(kazoo: KazooClient) -> None:
    """Delete all entries, many at once."""
    names = kazoo.get_children(ENTRIES)
    flight = []
    for start in range(0, len(names), 500):
        transaction = kazoo.transaction()
        for name in names[start : start + 500]:
            transaction.delete(f"{ENTRIES}/{name}")
        flight.append(transaction.commit_async())
    for answer in flight:
        answer.get(timeout=60)
