"""Stacks over the control channel, and what a fleet's stacks have in common."""

from __future__ import annotations

import threading
from dataclasses import replace
from datetime import timedelta

import pytest
from kazoo.client import KazooClient

from engine.errors import BadReply, MemberGone, StacksUnavailable
from engine.models.control import Command, Outcome, Reply, Request
from engine.view.stacks import group, read_fleet, read_known, read_stacks, to_samples
from engine.zookeeper.connection import ZooKeeper
from engine.zookeeper.stalls import Stall, read_stall
from tests.engine.answering import (
    HELD,
    NOW,
    OWN,
    POLL,
    RECV,
    TAKE,
    WORKING,
    answer,
    guard,
    member,
    report,
    thread,
)


def test_a_member_answers_with_its_stacks(zk: ZooKeeper, zk_hosts: str) -> None:
    with member(zk_hosts, lambda request: answer(request, WORKING)):
        assert read_stacks(zk, OWN, "a-1", timeout=30) == (WORKING,)


def test_samples_are_taken_one_after_the_other(zk: ZooKeeper, zk_hosts: str) -> None:
    taken = iter(replace(WORKING, taken_at=NOW + timedelta(seconds=n)) for n in range(9))
    with member(zk_hosts, lambda request: answer(request, next(taken))):
        reports = read_stacks(zk, OWN, "a-1", timeout=30, samples=3, interval=0.01)
    assert [each.taken_at.second for each in reports] == [0, 1, 2]


def test_a_member_that_refuses_says_why(zk: ZooKeeper, zk_hosts: str) -> None:
    def refuse(request: Request) -> Reply:
        return replace(answer(request, None), outcome=Outcome.LIMITED, detail="not here")

    with (
        member(zk_hosts, refuse),
        pytest.raises(StacksUnavailable, match="not here"),
    ):
        read_stacks(zk, OWN, "a-1", timeout=30)


def test_a_reply_without_stacks_is_a_bad_one(zk: ZooKeeper, zk_hosts: str) -> None:
    with (
        member(zk_hosts, lambda request: answer(request, None)),
        pytest.raises(BadReply, match="no stacks"),
    ):
        read_stacks(zk, OWN, "a-1", timeout=30)


def test_a_member_that_is_not_there_is_named(zk: ZooKeeper) -> None:
    with pytest.raises(MemberGone, match="a-9"):
        read_stacks(zk, OWN, "a-9", timeout=5)


class Stalling:
    """Answers nothing until it is let go, as a held interpreter does."""

    def __init__(self) -> None:
        self.is_asked = threading.Event()
        self.may_go_on = threading.Event()

    def __call__(self, request: Request) -> Reply:
        self.is_asked.set()
        self.may_go_on.wait(60)
        return answer(request, WORKING)


def test_a_member_that_stalls_is_answered_for_by_its_guard(zk: ZooKeeper, zk_hosts: str) -> None:
    stalling = Stalling()
    with member(zk_hosts, stalling), guard(zk_hosts, HELD):
        assert read_stacks(zk, OWN, "a-1", timeout=30) == (HELD,)
        assert not stalling.is_asked.is_set()


def test_a_guard_that_speaks_only_after_the_question_is_heard(zk: ZooKeeper, zk_hosts: str) -> None:
    stalling = Stalling()
    stall = Stall(lambda: ZooKeeper(zk_hosts, session_timeout=4.0), OWN, "a-1")

    def speak() -> None:
        stalling.is_asked.wait(60)
        stall.tell(HELD)

    speaker = threading.Thread(target=speak)
    with member(zk_hosts, stalling):
        speaker.start()
        try:
            assert read_stacks(zk, OWN, "a-1", timeout=60) == (HELD,)
        finally:
            stalling.may_go_on.set()
            speaker.join(60)
            stall.withdraw()


def test_a_process_that_lost_its_session_is_answered_for_by_its_guard(
    zk: ZooKeeper, zk_hosts: str
) -> None:
    with guard(zk_hosts, HELD):
        assert read_stacks(zk, OWN, "a-1", timeout=30) == (HELD,)
        assert read_known(zk, OWN) == {"a-1": None}
    assert read_known(zk, OWN) == {}


def test_what_a_guard_told_can_be_brought_up_to_date(zk: ZooKeeper, zk_hosts: str) -> None:
    later = replace(HELD, taken_at=NOW + timedelta(seconds=2))
    with guard(zk_hosts, HELD) as stall:
        stall.tell(later)
        assert read_stall(zk, OWN, "a-1") == later
    assert read_stall(zk, OWN, "a-1") is None


@pytest.mark.parametrize("data", [b"", b"{}", b"x" * 600_000, b"\x78\x9c"])
def test_a_garbled_word_of_a_guard_is_refused(
    zk: ZooKeeper, kazoo: KazooClient, data: bytes
) -> None:
    kazoo.create(OWN.stall("a-1"), data, makepath=True)
    with pytest.raises(BadReply):
        read_stall(zk, OWN, "a-1")


def test_a_word_in_the_name_of_another_is_refused(zk: ZooKeeper, kazoo: KazooClient) -> None:
    request = Request.new(Command.STACKS, by="", now=NOW)
    kazoo.create(OWN.stall("a-1"), answer(request, HELD, "b-1").to_json(), makepath=True)
    with pytest.raises(BadReply, match="no report"):
        read_stall(zk, OWN, "a-1")


def test_a_fleet_is_read_and_each_has_its_own_error(zk: ZooKeeper, zk_hosts: str) -> None:
    def refuse(request: Request) -> Reply:
        return replace(answer(request, None, "b-1"), outcome=Outcome.FAILED, detail="no memory")

    with (
        member(zk_hosts, lambda request: answer(request, WORKING)),
        member(zk_hosts, refuse, "b-1"),
        guard(zk_hosts, HELD, "c-1"),
    ):
        known = read_known(zk, OWN)
        assert list(known) == ["a-1", "b-1", "c-1"]
        first, second, third = read_fleet(zk, OWN, known, timeout=30)
    assert (first.reports, first.error) == ((WORKING,), "")
    assert second.reports == ()
    assert "no memory" in second.error
    assert (third.member, third.reports) == (None, (HELD,))


def test_executors_in_the_same_frame_are_one_group() -> None:
    hung = [
        (f"ex-{n}", report(thread(f"job/{n}", RECV, POLL), thread(None, TAKE))) for n in "1234567"
    ]
    busy, idle = group([*hung, ("ex-8", report(thread(None, TAKE)))])
    assert busy.frames == (RECV, POLL)
    assert busy.members == tuple(f"ex-{n}" for n in "1234567")
    assert busy.jobs == tuple(f"job/{n}" for n in "1234567")
    assert (len(idle.standing), idle.jobs) == (8, ())


def test_groups_do_not_part_over_what_only_some_sources_know() -> None:
    with_code = replace(RECV, function="socket.recv", code="sock.recv(n)")
    groups = group(
        [("a", report(thread("job/1", with_code))), ("b", report(thread("job/2", RECV)))]
    )
    assert [each.members for each in groups] == [("a", "b")]


def test_another_line_is_another_group() -> None:
    lower = replace(RECV, line=719)
    groups = group([("a", report(thread("job/1", RECV))), ("b", report(thread("job/2", lower)))])
    assert len(groups) == 2


def test_reports_become_samples_of_a_job() -> None:
    gone = report(thread("job/2", RECV), source="py-spy")
    first, second = to_samples([WORKING, gone], "job/1")
    assert (first.at, first.source) == (NOW, "in-process")
    assert first.frames == ("recv (socket.py:718)", "do_work (/opt/poll.py:42)")
    assert (second.frames, second.source) == (None, "py-spy")


def test_a_report_without_threads_is_no_proof_that_nobody_works() -> None:
    assert to_samples([report()], "job/1") == ()
