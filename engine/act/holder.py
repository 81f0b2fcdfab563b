"""Who holds a job: its locked entries, each with the owner of the lock."""

from __future__ import annotations

from dataclasses import dataclass

from engine.act.bases import Basis, MemberBasis, NodeBasis
from engine.act.sources import Sources
from engine.models import Evidence, LockNote, Member, SessionLink
from engine.view.dossier import read_link
from engine.view.members import read_members
from engine.view.queue import read_taken_names
from engine.zookeeper import paths
from engine.zookeeper.connection import ZnodeStat

SILENT = 2 / 3
"""Part of its timeout after which a session counts as silent: an idle client pings every third."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Holder:
    """One locked entry."""

    entry: str
    job_id: str | None
    """None where the entry holds no job id."""
    entry_stat: ZnodeStat
    lock_stat: ZnodeStat
    note: LockNote | None
    """What the lock says; None for the lock of an executor that is not ours."""
    member: Member | None
    """The process that owns the lock, where it announces itself."""

    @property
    def session(self) -> int:
        """The session that owns the lock."""
        return self.lock_stat.ephemeralOwner

    @property
    def entry_path(self) -> str:
        """The node of the entry."""
        return paths.entry_path(self.entry)

    @property
    def lock_path(self) -> str:
        """The node of the lock."""
        return paths.lock_path(self.entry)

    @property
    def thread_says(self) -> bool:
        """Whether the owner says that a thread of it works on the job."""
        jobs = () if self.member is None else self.member.jobs
        return any(job.job_id == self.job_id for job in jobs)

    def bases(self) -> tuple[Basis, ...]:
        """Return what an act on the lock rests on."""
        nodes: tuple[Basis, ...] = (
            NodeBasis.of(self.entry_path, self.entry_stat),
            NodeBasis.of(self.lock_path, self.lock_stat),
        )
        return nodes if self.member is None else (*nodes, MemberBasis.of(self.member))

    def evidence(self) -> tuple[Evidence, ...]:
        """Return whose lock it is, and what the owner says of its work."""
        who = "an executor that does not announce itself"
        if self.note is not None:
            who = f"{self.note.instance}, thread {self.note.thread}"
        datum = f"{self.lock_path} version {self.lock_stat.version}, session {self.session:#x}"
        claims = [
            _seen(f"The entry holds {self.job_id or 'no job id'}.", self.entry_path, "zookeeper"),
            _seen(f"The lock belongs to {who}.", datum, "zookeeper"),
        ]
        if self.member is not None:
            works = "works" if self.thread_says else "does not say that a thread works"
            claim = f"{self.member.name} {works} on the job."
            claims.append(_seen(claim, f"presence node {self.member.instance}", "presence"))
        return tuple(claims)


def find_holders(sources: Sources, subject: str) -> list[Holder]:
    """Return the locked entries of a job, or the entry of this name if it is locked.

    Raises:
        ZooKeeperError: the queue cannot be read.
    """
    zk = sources.zk
    names = [subject] if paths.is_entry_name(subject) else read_taken_names(zk)
    entries = zk.get_many([paths.entry_path(name) for name in names])
    found = [
        (name, node)
        for name, node in zip(names, entries, strict=True)
        if node is not None and subject in (name, paths.parse_job_id(node[0]))
    ]
    if not found:
        return []
    locks = zk.get_many([paths.lock_path(name) for name, _ in found])
    members = {each.session: each for each in read_members(zk, sources.own).members}
    return [
        Holder(
            entry=name,
            job_id=paths.parse_job_id(entry[0]),
            entry_stat=entry[1],
            lock_stat=lock[1],
            note=LockNote.from_node(lock[0]),
            member=members.get(lock[1].ephemeralOwner),
        )
        for (name, entry), lock in zip(found, locks, strict=True)
        if lock is not None
    ]


def expiry(sources: Sources, session: int) -> str | None:
    """Return when a session that is not heard from ends, in words; None where it seems to live."""
    link = read_link(sources.zk.hosts, session, sources.tls)
    if link.is_gone:
        limit = sources.zk.session_timeout
        return f"no server has a connection of it, so it expires within about {limit:.0f} s"
    left = _time_left(link)
    return None if left is None else f"it is silent, and expires in {left:.0f} s at most"


def _time_left(link: SessionLink) -> float | None:
    """Return the seconds that a silent session has left; None for one that speaks."""
    if link.silence is None or not link.timeout or link.silence <= link.timeout * SILENT:
        return None
    return max(0.0, link.timeout - link.silence)


def look_at_lock(sources: Sources, holder_path: str, czxid: int) -> tuple[bool, str]:
    """Return whether the lock that was seen is gone, and what stands in its place.

    Raises:
        ZooKeeperError: it cannot be read.
    """
    sources.zk.sync(paths.TAKEN)
    node = sources.zk.get(holder_path)
    if node is None:
        return True, "the lock is gone"
    if node[1].czxid == czxid:
        return False, "the lock is still there"
    note = LockNote.from_node(node[0])
    who = note.instance if note else "an executor that does not announce itself"
    return True, f"the lock is gone, and {who} has taken the entry since"


def _seen(claim: str, datum: str, source: str) -> Evidence:
    return Evidence(claim=claim, datum=datum, source=source, age_s=0.0)
