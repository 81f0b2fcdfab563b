"""Where a job stands in the queue: its entries with their nodes, for acts to rest on."""

from __future__ import annotations

from dataclasses import dataclass

from engine.act.bases import NodeBasis
from engine.act.sources import Sources
from engine.models import LockNote
from engine.text import clean_bytes
from engine.view.queue import read_names
from engine.zookeeper import paths
from engine.zookeeper.connection import ZnodeStat


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """One entry."""

    name: str
    data: bytes
    stat: ZnodeStat
    lock_stat: ZnodeStat | None
    """None where nobody holds it."""
    holder: str = ""
    """Who holds it, safe to draw."""

    @property
    def job_id(self) -> str | None:
        """The job, or None where the entry holds no job id."""
        return paths.parse_job_id(self.data)

    @property
    def is_held(self) -> bool:
        """Whether somebody holds it."""
        return self.lock_stat is not None

    @property
    def path(self) -> str:
        """The node."""
        return paths.entry_path(self.name)

    @property
    def lock_path(self) -> str:
        """The node of its lock."""
        return paths.lock_path(self.name)

    @property
    def contents(self) -> str:
        """What it holds, safe to draw."""
        return clean_bytes(self.data, limit=60) or "nothing"

    def bases(self) -> tuple[NodeBasis, NodeBasis]:
        """Return the entry and its lock, as they were read."""
        lock = NodeBasis.of(self.lock_path, self.lock_stat)
        return NodeBasis.of(self.path, self.stat), lock


def find_standings(sources: Sources, job_id: str) -> list[Standing]:
    """Return all entries of a job, in the order in which they would run.

    Raises:
        ZooKeeperError: the queue cannot be read.
    """
    return _standings(sources, _names_of(sources, job_id.encode()))


def find_standing(sources: Sources, name: str) -> Standing | None:
    """Return the entry of this name, or None where there is none.

    Raises:
        ZooKeeperError: it cannot be read.
    """
    found = _standings(sources, [name])
    return found[0] if found else None


def newest_entry(sources: Sources, job_id: str, priority: int) -> str | None:
    """Return the name of a job's newest entry at a priority, or None where there is none.

    Raises:
        ZooKeeperError: the queue cannot be read.
    """
    sources.zk.sync(paths.ENTRIES)
    prefix = paths.entry_prefix(priority).rpartition("/")[2]
    names = [name for name in read_names(sources.zk)[0] if name.startswith(prefix)]
    places = sources.zk.find([paths.entry_path(name) for name in names], job_id.encode())
    return names[places[-1]] if places else None


def is_there(sources: Sources, basis: NodeBasis) -> bool:
    """Whether the very node of a basis is still there.

    Raises:
        ZooKeeperError: it cannot be read.
    """
    stat = sources.zk.exists(basis.path)
    return stat is not None and stat.czxid == basis.czxid


def _names_of(sources: Sources, job_id: bytes) -> list[str]:
    names = read_names(sources.zk)[0]
    places = sources.zk.find([paths.entry_path(name) for name in names], job_id)
    return [names[place] for place in places]


def _standings(sources: Sources, names: list[str]) -> list[Standing]:
    nodes = sources.zk.get_many([paths.entry_path(name) for name in names])
    locks = sources.zk.get_many([paths.lock_path(name) for name in names])
    return [
        Standing(
            name=name,
            data=node[0],
            stat=node[1],
            lock_stat=None if lock is None else lock[1],
            holder="" if lock is None else _holder(lock[0]),
        )
        for name, node, lock in zip(names, nodes, locks, strict=True)
        if node is not None
    ]


def _holder(data: bytes) -> str:
    note = LockNote.from_node(data)
    return note.instance if note else "an executor that does not announce itself"
