"""Asking a member over ZooKeeper: every end is clear, and none leaves a node behind."""

from __future__ import annotations

import signal
import subprocess
import sys
import threading
import time
import zlib
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from typing import Any

import pytest
from kazoo.client import KazooClient
from kazoo.security import OPEN_ACL_UNSAFE, make_acl

from engine.errors import BadReply, MemberGone, NoAnswer, ZooKeeperUnavailable
from engine.models import Command, Member, MemberKind, RemoteControl, Reply, Request
from engine.models.control import Outcome
from engine.zookeeper import answering
from engine.zookeeper.answering import Answering
from engine.zookeeper.channel import ask
from engine.zookeeper.connection import ZooKeeper
from engine.zookeeper.parcels import MAX_PACKED, MAX_PLAIN
from engine.zookeeper.paths import OwnPaths
from tests.engine.zookeeper.conftest import LONG_SESSION, Connect
from tests.faults.proxy import Proxy
from tests.support import eventually

OWN = OwnPaths()
NAME = "exec-1-x"
NOW = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)
WAIT = 30.0
FIRST = "0000000000"
"""The name of the first request to a member."""

Answer = Callable[..., Answering]


def request(command: Command = Command.PING, **options: Any) -> Request:
    job_id = "job/1" if command.needs_job else None
    return Request.new(command, by="ann", now=NOW, job_id=job_id, **options)


def reply_to(asked: Request, detail: str = "here", **changes: Any) -> Reply:
    values = {"request_id": asked.id, "outcome": Outcome.DONE, "detail": detail, "instance": NAME}
    return Reply(**{**values, "answered_at": NOW, **changes})


def be_there(zk: ZooKeeper, remote_control: RemoteControl = RemoteControl.ALL) -> None:
    """Make the presence node."""
    member = Member(
        instance=NAME,
        kind=MemberKind.EXECUTOR,
        name="exec-1",
        host="node",
        pid=7,
        version="1",
        started=NOW,
        remote_control=remote_control,
    )
    zk.create(OWN.member(NAME), member.to_node(), ephemeral=True)


@pytest.fixture
def member(connect: Connect) -> ZooKeeper:
    """The session of a member that is there."""
    zk = connect(timeout=LONG_SESSION)
    be_there(zk)
    return zk


@pytest.fixture
def asker(connect: Connect) -> ZooKeeper:
    """The session of an operator."""
    return connect(timeout=LONG_SESSION)


@pytest.fixture
def answer() -> Iterator[Answer]:
    """A function that starts to answer, ended after the test."""
    made: list[Answering] = []

    def start(zk: ZooKeeper, handle: Callable[[Request], Reply] = reply_to) -> Answering:
        channel = Answering(zk, OWN, NAME, handle)
        made.append(channel)
        channel.start()
        return channel

    yield start
    for channel in made:
        channel.close()


def left_behind(kazoo: KazooClient) -> list[str]:
    """Every request and reply that is there."""
    found = []
    for parent in (OWN.commands_of(NAME), OWN.replies_of(NAME)):
        if kazoo.exists(parent):
            found += [f"{parent}/{name}" for name in kazoo.get_children(parent)]
    return found


def requests(kazoo: KazooClient) -> list[str]:
    parent = OWN.commands_of(NAME)
    return [f"{parent}/{n}" for n in kazoo.get_children(parent)] if kazoo.exists(parent) else []


def in_background(call: Callable[[], object]) -> tuple[threading.Thread, list[object]]:
    """Start a call in a thread; its result, or its error, comes into the list."""
    results: list[object] = []

    def run() -> None:
        try:
            results.append(call())
        except Exception as error:
            results.append(error)

    thread = threading.Thread(target=run)
    thread.start()
    return thread, results


def test_a_member_answers_and_nothing_stays(
    member: ZooKeeper, asker: ZooKeeper, answer: Answer, kazoo: KazooClient
) -> None:
    heard: list[Request] = []

    def handle(asked: Request) -> Reply:
        heard.append(asked)
        return reply_to(asked, "running")

    answer(member, handle)
    for _ in range(3):
        asked = request(reason="look")
        reply = ask(asker, OWN, NAME, asked, timeout=WAIT)
        assert (reply.is_done, reply.detail, reply.request_id) == (True, "running", asked.id)
        assert heard[-1] == asked
        assert left_behind(kazoo) == []


def test_a_member_that_is_not_there_is_gone_and_so_is_what_it_left(
    asker: ZooKeeper, kazoo: KazooClient
) -> None:
    kazoo.create(f"{OWN.commands_of(NAME)}/{FIRST}", b"old", makepath=True)
    kazoo.create(f"{OWN.replies_of(NAME)}/{FIRST}/below", b"old", makepath=True)
    with pytest.raises(MemberGone, match="members") as raised:
        ask(asker, OWN, NAME, request(), timeout=WAIT)
    assert not raised.value.maybe_done
    assert kazoo.exists(OWN.commands_of(NAME)) is None
    assert kazoo.exists(OWN.replies_of(NAME)) is None


@pytest.mark.parametrize("name", ["", ".", "..", "a/b", "../members"])
def test_what_is_no_name_is_no_member(asker: ZooKeeper, name: str) -> None:
    with pytest.raises(MemberGone):
        ask(asker, OWN, name, request(), timeout=WAIT)


@pytest.mark.parametrize(
    ("setting", "command"),
    [
        (RemoteControl.NONE, Command.PING),
        (RemoteControl.NONE, Command.RELEASE),
        (RemoteControl.READ_ONLY, Command.DRAIN),
    ],
)
def test_what_a_members_setting_forbids_is_not_even_asked(
    connect: Connect, kazoo: KazooClient, setting: RemoteControl, command: Command
) -> None:
    zk = connect(timeout=LONG_SESSION)
    be_there(zk, setting)
    reply = ask(zk, OWN, NAME, request(command), timeout=WAIT)
    assert reply.outcome is Outcome.LIMITED
    assert setting.value in reply.detail
    assert kazoo.exists(OWN.commands_of(NAME)) is None


def test_a_member_that_does_not_answer_ends_in_time(
    member: ZooKeeper, asker: ZooKeeper, kazoo: KazooClient
) -> None:
    with pytest.raises(NoAnswer, match="drain") as raised:
        ask(asker, OWN, NAME, request(Command.DRAIN), timeout=2.0)
    assert raised.value.maybe_done
    assert left_behind(kazoo) == []


def test_a_member_that_ends_while_it_is_asked_is_noticed_at_once(
    member: ZooKeeper, asker: ZooKeeper, kazoo: KazooClient
) -> None:
    thread, results = in_background(lambda: ask(asker, OWN, NAME, request(), timeout=120))
    eventually(lambda: requests(kazoo), "the request")
    member.close()
    thread.join(60)
    assert isinstance(results[0], MemberGone)
    assert kazoo.exists(OWN.commands_of(NAME)) is None


BAD_REPLIES = {
    "no JSON": b"\xff\xfe",
    "cut off": zlib.compress(b"x" * 100_000)[:50],
    "no object": b"[1]",
    "nothing": b"",
    "wrong types": b'{"request_id": 5}',
    "nested": b"{" * 100_000,
    "zip bomb": zlib.compress(b" " * (4 * MAX_PLAIN), 9),
    "bomb of many parts": zlib.compress(b"{}") * 2,
    "too large": b"{" + b" " * MAX_PACKED,
}


@pytest.mark.parametrize("data", BAD_REPLIES.values(), ids=BAD_REPLIES.keys())
def test_a_reply_of_the_members_that_cannot_be_used_is_told_at_once(
    member: ZooKeeper, asker: ZooKeeper, kazoo: KazooClient, data: bytes
) -> None:
    member.create(f"{OWN.replies_of(NAME)}/{FIRST}", data, ephemeral=True)
    with pytest.raises(BadReply) as raised:
        ask(asker, OWN, NAME, request(), timeout=120)
    assert raised.value.maybe_done
    assert left_behind(kazoo) == []


def test_a_reply_under_another_name_is_refused(
    member: ZooKeeper, asker: ZooKeeper, answer: Answer, kazoo: KazooClient
) -> None:
    answer(member, lambda asked: reply_to(asked, instance="exec-2-y"))
    with pytest.raises(BadReply, match="exec-2-y"):
        ask(asker, OWN, NAME, request(), timeout=WAIT)
    assert left_behind(kazoo) == []


def test_a_reply_that_the_members_session_did_not_write_is_not_believed(
    member: ZooKeeper, asker: ZooKeeper, kazoo: KazooClient
) -> None:
    stop = threading.Event()

    def forge() -> None:
        """Read the request, and answer it before the member does: word for word, but for the
        session."""
        while not stop.is_set():
            for path in requests(kazoo):
                asked = Request.from_json(kazoo.get(path)[0])
                forged = path.replace(OWN.commands, OWN.replies)
                if not kazoo.exists(forged):
                    kazoo.create(forged, reply_to(asked).to_json(), ephemeral=True, makepath=True)
                    return
            time.sleep(0.001)

    forger = threading.Thread(target=forge)
    forger.start()
    with pytest.raises(BadReply, match="not its own"):
        ask(asker, OWN, NAME, request(), timeout=10.0)
    stop.set()
    forger.join(30)
    assert left_behind(kazoo) == []


def test_the_members_own_reply_comes_through_although_others_stand_in_its_way(
    member: ZooKeeper, asker: ZooKeeper, answer: Answer, kazoo: KazooClient
) -> None:
    for number in range(3):
        path = f"{OWN.replies_of(NAME)}/{number:010d}"
        kazoo.create(path, reply_to(request()).to_json(), makepath=True)
        kazoo.create(f"{path}/below", b"in the way")
    answer(member)
    for _ in range(3):
        assert ask(asker, OWN, NAME, request(), timeout=WAIT).is_done
    assert left_behind(kazoo) == []


def test_an_answer_to_another_request_is_not_taken(
    member: ZooKeeper, asker: ZooKeeper, answer: Answer, kazoo: KazooClient
) -> None:
    answer(member, lambda asked: reply_to(request()))
    with pytest.raises(BadReply, match="another request"):
        ask(asker, OWN, NAME, request(), timeout=120)
    assert left_behind(kazoo) == []


def test_a_slow_release_does_not_hold_up_a_ping(
    member: ZooKeeper, asker: ZooKeeper, answer: Answer, kazoo: KazooClient
) -> None:
    go_on = threading.Event()

    def handle(asked: Request) -> Reply:
        if asked.command is Command.RELEASE:
            assert go_on.wait(60)
        return reply_to(asked, asked.command.value)

    answer(member, handle)
    thread, results = in_background(
        lambda: ask(asker, OWN, NAME, request(Command.RELEASE), timeout=60)
    )
    eventually(lambda: requests(kazoo), "the release")
    assert ask(asker, OWN, NAME, request(), timeout=WAIT).detail == "ping"
    assert not results
    go_on.set()
    thread.join(60)
    [reply] = results
    assert isinstance(reply, Reply)
    assert reply.detail == "release"
    assert left_behind(kazoo) == []


def test_no_more_slow_requests_are_taken_than_there_may_be(
    member: ZooKeeper,
    asker: ZooKeeper,
    answer: Answer,
    kazoo: KazooClient,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(answering, "MAX_SLOW", 1)
    go_on, begun = threading.Event(), threading.Event()

    def handle(asked: Request) -> Reply:
        begun.set()
        assert go_on.wait(60)
        return reply_to(asked)

    answer(member, handle)
    thread, results = in_background(
        lambda: ask(asker, OWN, NAME, request(Command.RELEASE), timeout=60)
    )
    assert begun.wait(30)
    refused = ask(asker, OWN, NAME, request(Command.INTERRUPT), timeout=WAIT)
    assert refused.outcome is Outcome.REFUSED
    go_on.set()
    thread.join(60)
    assert isinstance(results[0], Reply)


def test_a_member_that_fails_over_a_request_says_so(
    member: ZooKeeper, asker: ZooKeeper, answer: Answer, kazoo: KazooClient
) -> None:
    def handle(asked: Request) -> Reply:
        raise KeyError("a flaw\x1b[31m")

    answer(member, handle)
    reply = ask(asker, OWN, NAME, request(), timeout=WAIT)
    assert reply.outcome is Outcome.FAILED
    assert "KeyError" in reply.detail
    assert "\x1b" not in reply.detail
    assert left_behind(kazoo) == []


GARBLED = [
    b"",
    b"\xff",
    b"[]",
    b'{"command": "explode"}',
    b'{"command": "release", "job_id": null}',
    b"x" * (answering.MAX_REQUEST + 1),
]


@pytest.mark.parametrize("data", GARBLED)
def test_a_garbled_request_is_dropped_and_the_next_one_is_answered(
    member: ZooKeeper, asker: ZooKeeper, answer: Answer, kazoo: KazooClient, data: bytes
) -> None:
    heard: list[Request] = []

    def handle(asked: Request) -> Reply:
        heard.append(asked)
        return reply_to(asked)

    kazoo.create(f"{OWN.commands_of(NAME)}/", data, makepath=True, sequence=True)
    answer(member, handle)
    assert ask(asker, OWN, NAME, request(), timeout=WAIT).is_done
    eventually(lambda: left_behind(kazoo) == [], "it is dropped")
    assert len(heard) == 1


def test_a_request_that_nobody_waits_for_any_more_is_dropped(
    member: ZooKeeper, answer: Answer, kazoo: KazooClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(answering, "TOO_OLD", -1.0)
    heard: list[Request] = []

    def handle(asked: Request) -> Reply:
        heard.append(asked)
        return reply_to(asked)

    asked = request(Command.DRAIN)
    kazoo.create(f"{OWN.commands_of(NAME)}/", asked.to_json(), makepath=True, sequence=True)
    answer(member, handle)
    eventually(lambda: left_behind(kazoo) == [], "it is dropped")
    assert heard == []


def test_the_copy_of_a_request_is_not_obeyed_again(
    member: ZooKeeper, asker: ZooKeeper, answer: Answer, kazoo: KazooClient
) -> None:
    heard: list[str] = []

    def handle(asked: Request) -> Reply:
        heard.append(asked.id)
        return reply_to(asked)

    answer(member, handle)
    asked = request(Command.DRAIN)
    ask(asker, OWN, NAME, asked, timeout=WAIT)
    kazoo.create(f"{OWN.commands_of(NAME)}/", asked.to_json(), sequence=True)
    eventually(lambda: left_behind(kazoo) == [], "the copy is dropped")
    assert heard == [asked.id]


def test_nothing_is_written_for_an_asker_that_gave_up(
    member: ZooKeeper, asker: ZooKeeper, answer: Answer, kazoo: KazooClient
) -> None:
    go_on, ended = threading.Event(), threading.Event()

    def handle(asked: Request) -> Reply:
        assert go_on.wait(60)
        ended.set()
        return reply_to(asked)

    channel = answer(member, handle)
    with pytest.raises(NoAnswer):
        ask(asker, OWN, NAME, request(Command.RELEASE), timeout=3.0)
    go_on.set()
    assert ended.wait(30)
    eventually(lambda: not channel._in_hand, "the member is done with it")
    assert left_behind(kazoo) == []


def test_a_short_loss_of_zookeeper_costs_no_answer(
    member: ZooKeeper,
    connect: Connect,
    answer: Answer,
    kazoo: KazooClient,
    proxy: Proxy,
    proxy_hosts: str,
) -> None:
    asker = connect(proxy_hosts, timeout=LONG_SESSION)
    go_on = threading.Event()

    def handle(asked: Request) -> Reply:
        assert go_on.wait(60)
        return reply_to(asked)

    answer(member, handle)
    thread, results = in_background(
        lambda: ask(asker, OWN, NAME, request(Command.RELEASE), timeout=60)
    )
    eventually(lambda: requests(kazoo), "the request")
    proxy.cut()
    go_on.set()
    thread.join(60)
    assert isinstance(results[0], Reply)
    eventually(lambda: left_behind(kazoo) == [], "all is removed")


def test_a_member_answers_after_it_was_cut_off_itself(
    connect: Connect,
    asker: ZooKeeper,
    answer: Answer,
    kazoo: KazooClient,
    proxy: Proxy,
    proxy_hosts: str,
) -> None:
    member = connect(proxy_hosts, timeout=LONG_SESSION)
    be_there(member)

    def handle(asked: Request) -> Reply:
        proxy.cut()
        return reply_to(asked)

    answer(member, handle)
    assert ask(asker, OWN, NAME, request(), timeout=60).is_done
    assert left_behind(kazoo) == []


def test_zookeeper_lost_for_good_ends_in_time_and_the_member_cleans_up(
    member: ZooKeeper,
    connect: Connect,
    answer: Answer,
    kazoo: KazooClient,
    proxy: Proxy,
    proxy_hosts: str,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(answering, "SWEEP_EVERY", 0.3)
    monkeypatch.setattr(answering, "KEPT", 0.1)
    asker = connect(proxy_hosts, timeout=LONG_SESSION)
    go_on = threading.Event()

    def handle(asked: Request) -> Reply:
        assert go_on.wait(60)
        return reply_to(asked)

    answer(member, handle)
    thread, results = in_background(
        lambda: ask(asker, OWN, NAME, request(Command.RELEASE), timeout=6.0)
    )
    eventually(lambda: requests(kazoo), "the request")
    proxy.pause()
    thread.join(60)
    assert not thread.is_alive()
    assert isinstance(results[0], ZooKeeperUnavailable)
    go_on.set()
    eventually(lambda: left_behind(kazoo) == [], "the member sweeps its reply")
    proxy.resume()


ASKER = """
import sys
from datetime import UTC, datetime
from engine.models import Command, Request
from engine.zookeeper.channel import ask
from engine.zookeeper.connection import ZooKeeper
from engine.zookeeper.paths import OwnPaths

zk = ZooKeeper(sys.argv[1])
zk.start()
zk.wait_connected(30)
request = Request.new(Command.RELEASE, by="ann", now=datetime.now(UTC), job_id="job/1")
ask(zk, OwnPaths(), sys.argv[2], request, timeout=120)
"""


def test_an_asker_that_is_killed_leaves_nothing_for_long(
    member: ZooKeeper,
    answer: Answer,
    kazoo: KazooClient,
    zk_hosts: str,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(answering, "SWEEP_EVERY", 0.3)
    monkeypatch.setattr(answering, "KEPT", 0.1)
    go_on, answered = threading.Event(), threading.Event()

    def handle(asked: Request) -> Reply:
        assert go_on.wait(60)
        answered.set()
        return reply_to(asked)

    answer(member, handle)
    process = subprocess.Popen([sys.executable, "-c", ASKER, zk_hosts, NAME])
    try:
        eventually(lambda: requests(kazoo), "the request", within=60)
    finally:
        process.send_signal(signal.SIGKILL)
        process.wait(30)
    go_on.set()
    assert answered.wait(30)
    eventually(lambda: left_behind(kazoo) == [], "the reply is swept")


def test_what_gone_members_left_is_swept_and_what_is_in_use_is_not(
    member: ZooKeeper, answer: Answer, kazoo: KazooClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(answering, "SWEEP_EVERY", 0.2)
    other = "exec-2-y"
    kazoo.create(OWN.member(other), b"", ephemeral=True)
    for instance in ("gone", other):
        kazoo.create(f"{OWN.commands_of(instance)}/{FIRST}", b"", makepath=True)
        kazoo.create(f"{OWN.replies_of(instance)}/{FIRST}", b"", makepath=True)
    answer(member)
    eventually(lambda: not kazoo.exists(OWN.commands_of("gone")), "commands are swept")
    eventually(lambda: not kazoo.exists(OWN.replies_of("gone")), "replies are swept")
    assert kazoo.exists(f"{OWN.commands_of(other)}/{FIRST}")
    assert kazoo.exists(f"{OWN.replies_of(other)}/{FIRST}")


def test_nodes_that_may_not_be_read_hold_up_no_member_and_are_told_once(
    connect: Connect, answer: Answer, kazoo: KazooClient, caplog: pytest.LogCaptureFixture
) -> None:
    member = connect(timeout=LONG_SESSION)
    be_there(member)
    kazoo.ensure_path(OWN.commands_of(NAME))
    kazoo.set_acls(OWN.commands_of(NAME), [make_acl("world", "anyone", admin=True)])
    try:
        channel = answer(member)
        eventually(lambda: "not answered" in caplog.text, "it is told")
        assert channel._thread.is_alive()
    finally:
        kazoo.set_acls(OWN.commands_of(NAME), OPEN_ACL_UNSAFE)


def test_a_member_that_stops_takes_its_nodes_with_it(
    member: ZooKeeper, asker: ZooKeeper, answer: Answer, kazoo: KazooClient
) -> None:
    channel = answer(member)
    ask(asker, OWN, NAME, request(), timeout=WAIT)
    channel.close()
    assert kazoo.exists(OWN.commands_of(NAME)) is None
    assert kazoo.exists(OWN.replies_of(NAME)) is None
