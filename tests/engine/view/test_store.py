"""The live picture over a real ZooKeeper and a real API."""

from __future__ import annotations

import time
import uuid
from collections.abc import Iterator
from datetime import UTC, datetime

import pytest
from kazoo.client import KazooClient

from engine.models import JobRequest, LockNote, Member, MemberKind
from engine.nuvla.client import NuvlaClient
from engine.nuvla.credentials import ApiKey
from engine.settings import Secret
from engine.states import JobState
from engine.view.picture import Condition, Picture, Search, Sight
from engine.zookeeper.paths import OwnPaths
from tests.engine.view.live import Live, live_store
from tests.local_api import LocalApi
from tests.support import eventually


@pytest.fixture
def live(zk_hosts: str, kazoo: KazooClient, local_api: LocalApi) -> Iterator[Live]:
    """A store that has read both sources once."""
    kazoo.ensure_path("/job/entries")
    kazoo.ensure_path("/job/taken")
    with live_store(zk_hosts, local_api) as live:
        eventually(lambda: is_whole(live.store.picture), "both sources were read")
        yield live


@pytest.fixture
def jobs(local_api: LocalApi) -> Iterator[NuvlaClient]:
    """A client of the test's own."""
    credentials = ApiKey(local_api.api_key, Secret(local_api.api_secret))
    with NuvlaClient(local_api.url, credentials=credentials) as client:
        yield client


def is_whole(picture: Picture) -> bool:
    """Whether everything was read once."""
    parts = (picture.queue, picture.taken, picture.elections, picture.members, picture.counts)
    return None not in parts and picture.zookeeper.is_live and picture.api.is_live


def enqueue(kazoo: KazooClient, *, priority: int = 999, data: bytes | None = None) -> str:
    """Add an entry as the server does; return its name."""
    job = f"job/{uuid.uuid4()}".encode() if data is None else data
    path = kazoo.create(f"/job/entries/entry-{priority:03d}-", job, sequence=True)
    return str(path).rpartition("/")[2]


def names(live: Live) -> list[str]:
    """Return the entries that the picture shows."""
    queue = live.store.picture.queue
    return [entry.name for entry in queue.entries] if queue else []


def test_entries_come_and_go_in_the_order_in_which_they_run(live: Live, kazoo: KazooClient) -> None:
    late, soon = enqueue(kazoo), enqueue(kazoo, priority=10)
    eventually(lambda: names(live) == [soon, late], "both entries are shown")
    eventually(lambda: live.store.picture.unread == 0, "both are read")
    queue = live.store.picture.queue
    assert queue is not None
    assert queue.entries[0].job_id is not None
    assert queue.entries[0].created is not None
    kazoo.delete(f"/job/entries/{soon}")
    eventually(lambda: names(live) == [late], "one is gone")


def test_locks_are_joined_with_their_entries_and_tell_their_owner(
    live: Live, kazoo: KazooClient
) -> None:
    name = enqueue(kazoo)
    note = LockNote(instance="exec-a.host.1.ab", thread="worker-1", claim="x")
    kazoo.create(f"/job/taken/{name}", note.to_node(), ephemeral=True)

    def joined() -> bool:
        queue, taken = live.store.picture.queue, live.store.picture.taken
        return bool(queue and queue.entries and queue.entries[0].lock and taken and taken.locks)

    eventually(joined, "the lock is shown")
    queue, taken = live.store.picture.queue, live.store.picture.taken
    assert queue is not None
    assert taken is not None
    assert (queue.held, queue.waiting) == (1, 0)
    assert taken.locks[0].owner.instance == "exec-a.host.1.ab"
    eventually(
        lambda: (t := live.store.picture.taken) and t.locks[0].job_id == queue.entries[0].job_id
    )
    assert live.store.picture.oldest_waiting is None


def test_a_lock_without_entry_is_shown_as_one(live: Live, kazoo: KazooClient) -> None:
    kazoo.create("/job/taken/entry-999-0000000077", b"0" * 32, ephemeral=True)
    eventually(lambda: (t := live.store.picture.taken) and t.locks and t.locks[0].is_orphan)


def test_foreign_nodes_and_bad_data_are_shown_and_stop_nothing(
    live: Live, kazoo: KazooClient
) -> None:
    kazoo.create("/job/entries/zzz", b"")
    bad = enqueue(kazoo, data=b"\xff\x1b]0;title\x07")
    good = enqueue(kazoo)
    eventually(lambda: names(live) == [bad, good] and live.store.picture.unread == 0)
    eventually(lambda: (q := live.store.picture.queue) and q.entries[0].problem)
    queue = live.store.picture.queue
    assert queue is not None
    assert queue.foreign == ("zzz",)
    assert "\x1b" not in (queue.entries[0].problem or "")
    assert queue.entries[1].job_id is not None


def test_members_and_elections_are_followed(live: Live, kazoo: KazooClient) -> None:
    member = Member(
        instance="dist.host.7.ab",
        kind=MemberKind.DISTRIBUTOR,
        name="dist",
        host="host",
        pid=7,
        version="1",
        started=datetime.now(UTC),
    )
    own = OwnPaths()
    kazoo.create(own.member(member.instance), member.to_node(), ephemeral=True, makepath=True)
    eventually(lambda: (m := live.store.picture.members) and m.members, "the member is shown")
    prefix = f"/election/jobs_cleanup/{uuid.uuid4().hex}__lock__"
    kazoo.create(prefix, b"dist", ephemeral=True, sequence=True, makepath=True)

    def leader() -> str | None:
        elections = live.store.picture.elections
        found = elections.elections[0].leader if elections and elections.elections else None
        return found.owner.instance if found else None

    eventually(lambda: leader() == member.instance, "the leader is known by its process")


def test_at_rest_it_hangs_on_watches_and_reads_nothing(live: Live, kazoo: KazooClient) -> None:
    for _ in range(5):
        enqueue(kazoo)
    eventually(lambda: len(names(live)) == 5 and live.store.picture.unread == 0)
    still = live.zk.asked.total()
    quiet_since = time.monotonic()

    def at_rest() -> bool:
        nonlocal still, quiet_since
        if live.zk.asked.total() != still:
            still, quiet_since = live.zk.asked.total(), time.monotonic()
        return time.monotonic() - quiet_since > 2.0

    eventually(at_rest, "two seconds without a read")
    enqueue(kazoo)
    eventually(lambda: len(names(live)) == 6, "the watches were still set")


def test_only_documents_in_sight_are_asked_for(live: Live, jobs: NuvlaClient) -> None:
    ids = [jobs.add_job(JobRequest(action="dummy_test_action")) for _ in range(6)]
    eventually(lambda: len(names(live)) == 6 and live.store.picture.unread == 0)
    assert not live.store.picture.jobs
    live.store.look(Sight(jobs=tuple(ids[:2])))
    eventually(lambda: len(live.store.picture.jobs) == 2, "two documents are there")
    assert not any(job in (asked or "") for job in ids[2:] for asked in live.client.filters)


def test_documents_in_sight_are_kept_fresh_until_they_are_final(
    live: Live, jobs: NuvlaClient
) -> None:
    job = jobs.add_job(JobRequest(action="dummy_test_action"))
    live.store.look(Sight(jobs=(job,)))
    eventually(lambda: job in live.store.picture.jobs)
    jobs.edit_job(job, {"state": "FAILED", "return-code": 3})

    def state() -> JobState | None:
        record = live.store.picture.jobs.get(job)
        return record.state if record else None

    eventually(lambda: state() is JobState.FAILED, "the new state is shown")


def test_a_job_that_the_api_does_not_have_is_said_to_be_missing(live: Live) -> None:
    job = f"job/{uuid.uuid4()}"
    live.store.look(Sight(jobs=(job,), in_full=job))
    eventually(lambda: job in live.store.picture.jobs, "the answer came")
    assert live.store.picture.jobs[job] is None


def test_counts_are_aggregations(live: Live, jobs: NuvlaClient) -> None:
    for action in ("a", "a", "b"):
        last = jobs.add_job(JobRequest(action=action))
    jobs.edit_job(last, {"state": "SUCCESS"})

    def counted() -> bool:
        counts = live.store.picture.counts
        return counts is not None and dict(counts.actions) == {"a": 2} and bool(counts.finished)

    eventually(counted, "actions and finished jobs are counted")
    counts = live.store.picture.counts
    assert counts is not None
    assert counts.states == {JobState.QUEUED: 2}
    assert counts.finished == {JobState.SUCCESS: 1}


def test_a_search_is_answered_and_a_bad_one_explained(live: Live, jobs: NuvlaClient) -> None:
    wanted = jobs.add_job(JobRequest(action="wanted"))
    jobs.add_job(JobRequest(action="other"))
    live.store.look(Sight(search=Search(filter="action='wanted'")))
    answer = eventually(lambda: live.store.picture.search)
    assert [record.id for record in answer.jobs] == [wanted]
    assert answer.count == 1
    live.store.look(Sight(search=Search(filter="action=")))
    eventually(lambda: (s := live.store.picture.search) and s.error, "the refusal is shown")
    assert live.store.picture.api.is_live


def test_children_of_an_unfolded_job_are_read(live: Live, jobs: NuvlaClient) -> None:
    parent = jobs.add_job(JobRequest(action="bulk_update"))
    child = jobs.add_job(JobRequest(action="update", parent=parent))
    live.store.look(Sight(search=Search(), unfolded=(parent,)))
    below = eventually(lambda: live.store.picture.children.get(parent))
    assert [record.id for record in below] == [child]
    live.store.look(Sight(search=Search()))


@pytest.mark.faults
def test_a_lost_zookeeper_makes_its_facts_stale_within_two_seconds_and_it_recovers(
    live: Live, kazoo: KazooClient
) -> None:
    name = enqueue(kazoo)
    eventually(lambda: names(live) == [name])
    live.zk_link.refuse = True
    live.zk_link.cut()
    lost = time.monotonic()
    eventually(lambda: watched(live).zookeeper.condition is Condition.STALE, "it is marked stale")
    took = time.monotonic() - lost
    assert names(live) == [name], "the last good picture stays"
    assert live.store.picture.zookeeper.error
    other = enqueue(kazoo)
    live.zk_link.refuse = False
    eventually(lambda: live.store.picture.zookeeper.is_live, "it recovers")
    eventually(lambda: names(live) == [name, other], "what happened meanwhile is shown")
    assert took < 10, f"marked stale after {took:.1f} s"


@pytest.mark.faults
def test_a_silent_zookeeper_is_noticed_though_its_link_stays_open(live: Live) -> None:
    live.zk_link.pause()
    eventually(lambda: watched(live).zookeeper.condition is Condition.STALE, "silence is noticed")
    live.zk_link.resume()
    eventually(lambda: watched(live).zookeeper.is_live, "it recovers")


@pytest.mark.faults
def test_a_lost_api_makes_its_facts_stale_and_it_recovers(live: Live, jobs: NuvlaClient) -> None:
    live.api_link.refuse = True
    live.api_link.cut()
    eventually(lambda: watched(live).api.condition is Condition.STALE, "it is marked stale")
    assert live.store.picture.zookeeper.is_live
    assert live.store.picture.counts is not None, "the last good picture stays"
    live.api_link.refuse = False
    eventually(lambda: watched(live).api.is_live, "it recovers", within=30)
    levels = [note.level for note in live.store.picture.notes if "the API" in note.text]
    assert levels[-2:] == ["bad", "good"]


@pytest.mark.faults
def test_a_silent_api_is_noticed(live: Live) -> None:
    live.api_link.pause()
    eventually(lambda: watched(live).api.condition is Condition.STALE, "silence is noticed")
    live.api_link.resume()
    eventually(lambda: watched(live).api.is_live, "it recovers", within=30)


@pytest.mark.faults
def test_with_both_down_at_the_start_it_says_so_and_keeps_trying(
    zk_hosts: str, local_api: LocalApi
) -> None:
    with live_store(zk_hosts, local_api, start=False) as live:
        live.zk_link.refuse = live.api_link.refuse = True
        live.store.start()
        eventually(lambda: watched(live).zookeeper.error and watched(live).api.error)
        live.zk_link.refuse = live.api_link.refuse = False
        eventually(lambda: is_whole(watched(live)), "both were read", within=30)


def watched(live: Live) -> Picture:
    """Return the picture after a tick, which notices silence."""
    live.store.check()
    return live.store.picture


def test_what_stays_as_it_is_is_no_news(live: Live, kazoo: KazooClient) -> None:
    enqueue(kazoo)
    eventually(lambda: len(names(live)) == 1 and live.store.picture.unread == 0)
    live.store.look(Sight(search=Search()))
    news, since = -1, time.monotonic()

    def quiet() -> bool:
        nonlocal news, since
        live.store.check()
        if live.store.news != news:
            news, since = live.store.news, time.monotonic()
        return time.monotonic() - since > 6.0

    eventually(quiet, "six seconds of questions without news", within=60)


def test_one_job_is_read_whole_where_lists_leave_the_payload_out(
    live: Live, jobs: NuvlaClient
) -> None:
    job = jobs.add_job(JobRequest(action="dummy_test_action", payload='{"a": 1}'))
    live.store.look(Sight(jobs=(job,)))
    eventually(lambda: live.store.picture.jobs.get(job))

    def payload() -> object:
        record = live.store.picture.jobs.get(job)
        return record.raw.get("payload") if record else None

    assert payload() is None
    live.store.look(Sight(in_full=job))
    eventually(lambda: payload() == '{"a": 1}', "the payload is there")
