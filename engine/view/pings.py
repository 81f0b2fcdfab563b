"""Whether members answer: the only proof that a process not merely exists but works."""

from __future__ import annotations

import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import UTC, datetime

from engine.errors import EngineError
from engine.models import Command, Member, RemoteControl, Request
from engine.text import clean
from engine.zookeeper.channel import ask
from engine.zookeeper.connection import ZooKeeper
from engine.zookeeper.paths import OwnPaths

_AT_ONCE = 16


@dataclass(frozen=True, slots=True, kw_only=True)
class Ping:
    """What came of asking one member."""

    member: Member
    is_well: bool
    detail: str
    """What it says, or why nothing came; safe to draw."""
    seconds: float | None = None
    """Until it answered; None where it did not, or is not asked by its own setting."""


def ping_members(
    zk: ZooKeeper, own: OwnPaths, members: Sequence[Member], *, by: str, timeout: float
) -> tuple[Ping, ...]:
    """Ask members, several at once, whether they work.

    Args:
        zk, own: where they are asked.
        members: whom to ask.
        by: who asks.
        timeout: seconds for each answer.
    """

    def one(member: Member) -> Ping:
        return _ping(zk, own, member, by, timeout)

    with ThreadPoolExecutor(_AT_ONCE, thread_name_prefix="ping") as threads:
        return tuple(threads.map(one, members))


def _ping(zk: ZooKeeper, own: OwnPaths, member: Member, by: str, timeout: float) -> Ping:
    if member.remote_control is RemoteControl.NONE:
        words = "is there; answers nothing, by its --remote-control none"
        return Ping(member=member, is_well=True, detail=words)
    request = Request.new(Command.PING, by=by, now=datetime.now(UTC))
    began = time.monotonic()
    try:
        reply = ask(zk, own, member.instance, request, timeout=timeout)
    except EngineError as error:
        return Ping(member=member, is_well=False, detail=clean(str(error)))
    taken = time.monotonic() - began
    return Ping(member=member, is_well=reply.is_done, detail=reply.detail, seconds=taken)
