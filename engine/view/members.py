"""Reads the members: the processes of this engine that say they are there."""

from __future__ import annotations

from datetime import UTC, datetime

from engine.models import Member, MemberSnapshot, Pause
from engine.text import clean
from engine.zookeeper.connection import ZooKeeper
from engine.zookeeper.paths import OwnPaths


def read_members(zk: ZooKeeper, own: OwnPaths) -> MemberSnapshot:
    """Return the members by kind, name and instance, and whether the executors are paused."""
    taken_at = datetime.now(UTC)
    listing = zk.children(own.members)
    names = () if listing is None else listing[0]
    pause = zk.get(own.pause)
    members, unreadable = [], []
    for name, node in zip(names, zk.get_many([own.member(n) for n in names]), strict=True):
        if node is None:
            continue
        member = Member.from_node(name, node[0], session=node[1].ephemeralOwner)
        if member is None:
            unreadable.append(clean(name, limit=256))
        else:
            members.append(member)
    members.sort(key=lambda member: (member.kind, member.name, member.instance))
    return MemberSnapshot(
        taken_at=taken_at,
        members=tuple(members),
        unreadable=tuple(sorted(unreadable)),
        paused=None if pause is None else Pause.from_node(pause[0]).describe(),
    )
