"""Reads the queue and its locks. A node that vanishes between two reads is normal."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime

from engine.models import Lock, LockNote, Owner, QueueEntry, QueueSnapshot, TakenSnapshot
from engine.text import clean, clean_bytes
from engine.zookeeper import paths
from engine.zookeeper.connection import ZnodeStat, ZooKeeper


def read_depth(zk: ZooKeeper) -> int:
    """Return the number of nodes in the queue without listing them."""
    stat = zk.exists(paths.ENTRIES)
    return 0 if stat is None else int(stat.numChildren)


def read_names(zk: ZooKeeper) -> tuple[list[str], list[str]]:
    """Return the entries' names in the order in which they run, and the foreign nodes' names."""
    return split_names(_children(zk, paths.ENTRIES))


@dataclass(frozen=True, slots=True)
class Listing:
    """The names of the entries, and whether they still are all."""

    names: list[str]
    """In the order in which they run."""
    counter: tuple[int, int]
    """Which queue it is, and how many nodes were ever made in it."""


def list_entries(zk: ZooKeeper) -> Listing:
    """List the queue."""
    found = zk.children(paths.ENTRIES)
    if found is None:
        return Listing([], (0, 0))
    return Listing(split_names(found[0])[0], _counter(found[1]))


def list_anew(zk: ZooKeeper, listing: Listing | None) -> Listing:
    """Return the listing, where no entry was made since; else list the queue. An entry of it may
    be gone."""
    if listing is not None:
        stat = zk.exists(paths.ENTRIES)
        if stat is not None and _counter(stat) == listing.counter:
            return listing
    return list_entries(zk)


def _counter(stat: ZnodeStat) -> tuple[int, int]:
    # cversion counts creations and deletions, numChildren is their difference.
    return stat.czxid, (stat.cversion + stat.numChildren) & 0xFFFF_FFFF


def split_names(children: Sequence[str]) -> tuple[list[str], list[str]]:
    """Return the entries' names in the order in which they run, and the foreign nodes' names."""
    if paths.are_entry_names(children):
        return sorted(children), []
    names: list[str] = []
    foreign: list[str] = []
    for name in children:
        (names if paths.is_entry_name(name) else foreign).append(name)
    return sorted(names), sorted(foreign)


def read_taken_names(zk: ZooKeeper) -> list[str]:
    """Return the names of the entries that are locked, in queue order."""
    return sorted(_children(zk, paths.TAKEN))


def read_locks(zk: ZooKeeper, names: Sequence[str] | None = None) -> dict[str, Lock]:
    """Return locks by the name of the entry that each locks, without their job ids.

    Args:
        zk: the session to read through.
        names: read the locks of these entries only; None reads all.
    """
    wanted = _children(zk, paths.TAKEN) if names is None else names
    nodes = zk.get_many([paths.lock_path(name) for name in wanted])
    return {
        name: _lock(name, *node)
        for name, node in zip(wanted, nodes, strict=True)
        if node is not None
    }


def read_entries(
    zk: ZooKeeper, names: Sequence[str], locks: Mapping[str, Lock] | None = None
) -> list[QueueEntry]:
    """Return the entries of these names that are still there, with their job ids and locks."""
    held = {} if locks is None else locks
    nodes = zk.get_many([paths.entry_path(name) for name in names])
    return [
        _entry(name, node[0], node[1].created, held.get(name))
        for name, node in zip(names, nodes, strict=True)
        if node is not None
    ]


def find_entries(
    zk: ZooKeeper, job_id: str, names: Sequence[str] | None = None
) -> list[QueueEntry]:
    """Return the entries of a job, without their locks, wherever they stand in the queue, or among
    those of these names."""
    names = read_names(zk)[0] if names is None else names
    places = zk.find([paths.entry_path(name) for name in names], job_id.encode())
    return read_entries(zk, [names[place] for place in places])


def read_queue(zk: ZooKeeper, *, limit: int | None = None) -> QueueSnapshot:
    """Return the queue joined with its locks; at most limit entries, those that run first."""
    taken_at = datetime.now(UTC)
    names, foreign = read_names(zk)
    locks = read_locks(zk)
    wanted = names if limit is None else names[:limit]
    entries = read_entries(zk, wanted, locks)
    depth = len(names) - (len(wanted) - len(entries))
    return QueueSnapshot(
        taken_at=taken_at,
        depth=depth,
        entries=tuple(entries),
        held=min(depth, sum(name in locks for name in names)),
        foreign=tuple(clean(name, limit=256) for name in foreign),
    )


def read_taken(zk: ZooKeeper) -> TakenSnapshot:
    """Return the locks, oldest first, each with the job of its entry."""
    taken_at = datetime.now(UTC)
    locks = read_locks(zk)
    nodes = zk.get_many([paths.entry_path(name) for name in locks])
    joined = [_joined(lock, node) for lock, node in zip(locks.values(), nodes, strict=True)]
    joined.sort(key=lambda lock: (lock.since, lock.entry))
    return TakenSnapshot(taken_at=taken_at, locks=tuple(joined))


def entries_by_job(entries: Iterable[QueueEntry]) -> dict[str, list[QueueEntry]]:
    """Return the entries of each job, in queue order: a job can stand in several."""
    found: dict[str, list[QueueEntry]] = {}
    for entry in entries:
        if entry.job_id is not None:
            found.setdefault(entry.job_id, []).append(entry)
    return found


def _children(zk: ZooKeeper, path: str) -> Sequence[str]:
    listing = zk.children(path)
    return () if listing is None else listing[0]


def _entry(name: str, data: bytes, created: datetime, lock: Lock | None) -> QueueEntry:
    job_id = paths.parse_job_id(data)
    problem = None
    if job_id is None:
        problem = f"no job id: {clean_bytes(data, limit=60)}" if data else "no data"
    return QueueEntry(
        name,
        paths.entry_priority(name),
        paths.entry_sequence(name),
        job_id,
        created,
        lock,
        problem,
    )


def _lock(name: str, data: bytes, stat: ZnodeStat) -> Lock:
    note = LockNote.from_node(data)
    owner = Owner(
        session=stat.ephemeralOwner,
        instance=note.instance if note else None,
        thread=note.thread if note else None,
    )
    return Lock(entry=clean(name, limit=256), owner=owner, since=stat.created, version=stat.version)


def _joined(lock: Lock, entry: tuple[bytes, ZnodeStat] | None) -> Lock:
    if entry is None:
        return replace(lock, is_orphan=True)
    return replace(lock, job_id=paths.parse_job_id(entry[0]))
