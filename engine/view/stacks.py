"""The thread stacks of members over ZooKeeper and of processes of this host, and what they share.

A member answers itself while its interpreter runs. Where C code holds the interpreter lock, its
guard (`engine.service.guard`) puts the stacks into a node, which is read before and beside asking.
"""

from __future__ import annotations

import time
from collections.abc import Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial

from engine.errors import BadReply, EngineError, MemberGone, NoAnswer, StacksUnavailable
from engine.models import Frame, Member, StackReport, StackSample
from engine.models.control import Command, Outcome, Request
from engine.text import clean
from engine.view import pyspy
from engine.view.members import read_members
from engine.zookeeper.channel import ask
from engine.zookeeper.connection import ZooKeeper
from engine.zookeeper.paths import OwnPaths
from engine.zookeeper.stalls import read_stall, read_stalled

TIMEOUT = 8.0
"""Seconds for one report."""
FIRST_WAIT = 1.3
"""Seconds after which a member that does not answer is looked at from the side: by then a guard
has told of a lock that was held when the member was asked."""
_AT_ONCE = 16


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """A thread in a group."""

    member: str
    job_id: str | None
    thread: str


@dataclass(frozen=True, slots=True, kw_only=True)
class StackGroup:
    """Threads whose stacks are equal, over any number of processes."""

    frames: tuple[Frame, ...]
    """Innermost first."""
    standing: tuple[Standing, ...]

    @property
    def members(self) -> tuple[str, ...]:
        """The processes, each once."""
        return tuple(dict.fromkeys(each.member for each in self.standing))

    @property
    def jobs(self) -> tuple[str, ...]:
        """The jobs that these threads work on."""
        return tuple(each.job_id for each in self.standing if each.job_id is not None)


@dataclass(frozen=True, slots=True, kw_only=True)
class MemberStacks:
    """What a member answered, or why it did not."""

    name: str
    """Its instance, safe to draw."""
    member: Member | None = None
    """None where it has no presence node any more, and only its guard speaks."""
    reports: tuple[StackReport, ...] = ()
    error: str = ""
    """Safe to draw."""


def read_stacks(
    zk: ZooKeeper,
    own: OwnPaths,
    instance: str,
    *,
    by: str = "",
    timeout: float = TIMEOUT,
    samples: int = 1,
    interval: float = 1.0,
) -> tuple[StackReport, ...]:
    """Return reports of a member's threads, oldest first.

    Args:
        zk: a connected session.
        own: where the members are.
        instance: the member.
        by: who asks.
        timeout: seconds for each report.
        samples: how many reports.
        interval: seconds between two of them.

    Raises:
        StacksUnavailable: the member does not give them, and says why.
        MemberGone, NoAnswer, BadReply: as `ask`.
        ZooKeeperError: ZooKeeper failed.
    """
    reports = []
    for number in range(samples):
        if number:
            time.sleep(interval)
        reports.append(_read_once(zk, own, instance, by, timeout))
    return tuple(reports)


def read_known(zk: ZooKeeper, own: OwnPaths) -> dict[str, Member | None]:
    """Return the members by instance; None for processes that only their guards speak for."""
    known: dict[str, Member | None] = {
        each.instance: each for each in read_members(zk, own).members
    }
    for instance in read_stalled(zk, own):
        known.setdefault(instance, None)
    return known


def read_fleet(
    zk: ZooKeeper,
    own: OwnPaths,
    known: Mapping[str, Member | None],
    *,
    by: str = "",
    timeout: float = TIMEOUT,
    samples: int = 1,
    interval: float = 1.0,
) -> tuple[MemberStacks, ...]:
    """Return the stacks of many processes, several at once; each has its own error.

    Args:
        known: the members by instance, as `read_known` returns them.
        zk, own, by, timeout, samples, interval: as for `read_stacks`.
    """
    read = partial(read_stacks, zk, own, by=by, timeout=timeout, samples=samples, interval=interval)

    def one(name: str) -> MemberStacks:
        shown, member = clean(name, limit=256), known[name]
        try:
            return MemberStacks(name=shown, member=member, reports=read(name))
        except EngineError as error:
            return MemberStacks(name=shown, member=member, error=clean(str(error)))

    with ThreadPoolExecutor(_AT_ONCE, thread_name_prefix="stacks") as threads:
        return tuple(threads.map(one, known))


def local_stacks(pid: int, *, samples: int = 1, interval: float = 1.0) -> tuple[StackReport, ...]:
    """Return reports of a process of this host through py-spy, oldest first.

    Raises:
        StacksUnavailable: they cannot be read; the message says what is missing.
    """
    reports = []
    for number in range(samples):
        if number:
            time.sleep(interval)
        reports.append(pyspy.dump(pid))
    return tuple(reports)


def group(reports: Iterable[tuple[str, StackReport]]) -> tuple[StackGroup, ...]:
    """Return equal stacks as groups: those with jobs first, then the largest.

    Args:
        reports: one report of each process, by its name.
    """
    found: dict[tuple[tuple[str, str, int], ...], tuple[tuple[Frame, ...], list[Standing]]] = {}
    for name, report in reports:
        for thread in report.threads:
            # Neither by the source line nor by the class: not all sources know them.
            key = tuple(
                (frame.function.rpartition(".")[2], frame.file, frame.line)
                for frame in thread.frames
            )
            standing = Standing(member=name, job_id=thread.job_id, thread=thread.name)
            found.setdefault(key, (thread.frames, []))[1].append(standing)
    groups = [
        StackGroup(frames=frames, standing=tuple(standing)) for frames, standing in found.values()
    ]
    return tuple(sorted(groups, key=lambda each: (-len(each.jobs), -len(each.standing))))


def to_samples(reports: Sequence[StackReport], job_id: str) -> tuple[StackSample, ...]:
    """Return reports of a job's owner as the dossier holds them, oldest first.

    A report without any thread says nothing, and is left out: it must not look like an owner that
    does not work on the job.
    """
    samples = []
    for report in reports:
        if report.threads:
            thread = report.working_on(job_id)
            frames = None if thread is None else tuple(frame.where for frame in thread.frames)
            samples.append(StackSample(at=report.taken_at, frames=frames, source=report.source))
    return tuple(samples)


def _read_once(zk: ZooKeeper, own: OwnPaths, instance: str, by: str, timeout: float) -> StackReport:
    deadline = time.monotonic() + timeout
    wait = min(FIRST_WAIT, timeout)
    while True:
        stalled = read_stall(zk, own, instance)
        if stalled is not None:
            return stalled
        try:
            return _ask(zk, own, instance, by, wait)
        except (NoAnswer, MemberGone) as error:
            stalled = read_stall(zk, own, instance)
            if stalled is not None:
                return stalled
            wait = min(2 * wait, deadline - time.monotonic())
            if isinstance(error, MemberGone) or wait <= 0:
                raise


def _ask(zk: ZooKeeper, own: OwnPaths, instance: str, by: str, wait: float) -> StackReport:
    request = Request.new(Command.STACKS, by=by, now=datetime.now(UTC))
    reply = ask(zk, own, instance, request, timeout=wait)
    if reply.outcome is not Outcome.DONE:
        raise StacksUnavailable(f"{instance} gives no stacks: {reply.detail}")
    if reply.stacks is None:
        raise BadReply(f"the reply of {instance} holds no stacks")
    return reply.stacks
