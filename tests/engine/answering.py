"""Members that answer as a test tells them, over real sessions, and guards that speak for them."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime

from engine.models import (
    Frame,
    Member,
    MemberKind,
    MemberState,
    RunningJob,
    StackReport,
    ThreadStack,
)
from engine.models.control import Outcome, Reply, Request
from engine.zookeeper.answering import Answering
from engine.zookeeper.connection import ZooKeeper
from engine.zookeeper.members import Presence
from engine.zookeeper.paths import OwnPaths
from engine.zookeeper.stalls import Stall
from tests.support import eventually

OWN = OwnPaths()
NOW = datetime(2026, 3, 4, tzinfo=UTC)
RECV, POLL = Frame("recv", "socket.py", 718), Frame("do_work", "/opt/poll.py", 42)
TAKE = Frame("wait", "threading.py", 320)


def thread(job: str | None, *frames: Frame) -> ThreadStack:
    """Return a thread, innermost frame first."""
    return ThreadStack(ident=1, name=f"exec-{job}", job_id=job, frames=frames)


def report(*threads: ThreadStack, source: str = "in-process") -> StackReport:
    """Return a report of these threads."""
    return StackReport(source=source, taken_at=NOW, pid=7, threads=threads)


WORKING = report(thread("job/1", RECV, POLL), thread(None, TAKE))
HELD = replace(WORKING, source="watchdog", trouble="its interpreter has not run for 9 s")


def answer(request: Request, stacks: StackReport | None, instance: str = "a-1") -> Reply:
    """Return a reply."""
    return Reply(
        request_id=request.id,
        outcome=Outcome.DONE,
        detail="",
        instance=instance,
        answered_at=NOW,
        stacks=stacks,
    )


@contextmanager
def member(
    zk_hosts: str,
    handle: Callable[[Request], Reply],
    instance: str = "a-1",
    jobs: tuple[RunningJob, ...] = (),
) -> Iterator[ZooKeeper]:
    """A member that answers as it is told."""
    session = ZooKeeper(zk_hosts, session_timeout=4.0)
    session.start()
    assert session.wait_connected(15)
    who = Member(
        instance=instance,
        kind=MemberKind.EXECUTOR,
        name=instance.partition("-")[0],
        host="node1",
        pid=7,
        version="1",
        started=NOW,
    )
    presence = Presence(session, OWN, who)
    presence.publish(MemberState.RUNNING, jobs)
    answering = Answering(session, OWN, instance, handle)
    answering.start()
    eventually(lambda: session.exists(OWN.member(instance)), "the member is there")
    try:
        yield session
    finally:
        answering.close()
        presence.close()
        session.close()


@contextmanager
def guard(zk_hosts: str, told: StackReport, instance: str = "a-1") -> Iterator[Stall]:
    """A guard that has told this."""
    stall = Stall(lambda: ZooKeeper(zk_hosts, session_timeout=4.0), OWN, instance)
    stall.tell(told)
    try:
        yield stall
    finally:
        stall.withdraw()
