"""A service that answers what it is asked over ZooKeeper."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager

from engine.models import Member, RemoteControl, StackReport
from engine.service.control import Control
from engine.service.executor import Executor
from engine.service.letting_go import LettingGo
from engine.service.stacks import capture, no_jobs
from engine.zookeeper.answering import Answering
from engine.zookeeper.connection import ZooKeeper
from engine.zookeeper.paths import OwnPaths
from engine.zookeeper.queue import JobQueue


def executor_control(
    member: Member, executor: Executor, queue: JobQueue, stacks: Callable[[], StackReport]
) -> Control:
    """Return what an executor does when it is asked. Args: stacks: takes those of its threads."""
    return Control(
        instance=member.instance,
        allowed=member.remote_control,
        stacks=stacks,
        executor=executor,
        letting_go=LettingGo(queue, executor.works),
    )


def distributor_control(member: Member) -> Control:
    """Return what a distributor does when it is asked."""
    return Control(
        instance=member.instance,
        allowed=member.remote_control,
        stacks=lambda: capture(no_jobs()),
    )


@contextmanager
def answering(zk: ZooKeeper, own: OwnPaths, member: Member, control: Control) -> Iterator[None]:
    """Answer, unless the settings forbid all of it: then the presence node says so."""
    if member.remote_control is RemoteControl.NONE:
        yield
        return
    channel = Answering(zk, own, member.instance, control.handle)
    channel.start()
    with closing(channel):
        yield
