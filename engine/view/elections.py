"""Reads the elections: who distributes, and who waits to."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime

from engine.models import Contender, Distribution, ElectionSnapshot, ElectionStatus, Owner
from engine.text import clean, clean_bytes
from engine.view.members import read_members
from engine.zookeeper import paths
from engine.zookeeper.connection import ZooKeeper
from engine.zookeeper.paths import OwnPaths


def read_elections(zk: ZooKeeper, own: OwnPaths) -> ElectionSnapshot:
    """Return all elections by name, each with its contenders in the order of their turn."""
    taken_at = datetime.now(UTC)
    listing = zk.children(paths.ELECTION)
    names = () if listing is None else listing[0]
    # A contender's node holds a name that repeats; its session tells which member made it.
    instances = {m.session: m.instance for m in read_members(zk, own).members} if names else {}
    nodes = zk.get_many([own.distribution(name) for name in names])
    elections = [
        ElectionStatus(
            name=clean(name, limit=256),
            contenders=_contenders(zk, name, instances),
            distribution=Distribution.from_node(node[0]) if node else None,
        )
        for name, node in zip(names, nodes, strict=True)
    ]
    elections.sort(key=lambda election: election.name)
    return ElectionSnapshot(taken_at=taken_at, elections=tuple(elections))


def _contenders(
    zk: ZooKeeper, election: str, instances: Mapping[int, str]
) -> tuple[Contender, ...]:
    parent = paths.election_path(election)
    listing = zk.children(parent)
    children = () if listing is None else listing[0]
    sequences = {child: paths.contender_sequence(child) for child in children}
    known = {child: number for child, number in sequences.items() if number is not None}
    found = []
    nodes = zk.get_many([f"{parent}/{child}" for child in known])
    for (child, sequence), node in zip(known.items(), nodes, strict=True):
        if node is None:
            continue
        data, stat = node
        found.append(
            Contender(
                node=child,
                sequence=sequence,
                name=clean_bytes(data),
                owner=Owner(
                    session=stat.ephemeralOwner, instance=instances.get(stat.ephemeralOwner)
                ),
                since=stat.created,
            )
        )
    return tuple(sorted(found, key=lambda contender: contender.sequence))
