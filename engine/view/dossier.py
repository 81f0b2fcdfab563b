"""Collects the dossier of one job: bounded reads, each source on its own.

The document comes first and the queue second: an entry goes only once its document is final. Where
the entry is gone, the document is read once more, so that a job that ends in between is not lost.
"""

from __future__ import annotations

import ssl
from bisect import bisect_left
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime

from engine.errors import AccessDenied, ApiError, NotFound, ZooKeeperError
from engine.models import (
    Diagnosis,
    Dossier,
    Flaps,
    JobRecord,
    MemberSnapshot,
    QueueEntry,
    SessionLink,
    Source,
)
from engine.nuvla.client import NuvlaClient
from engine.text import clean
from engine.view.diagnosis import diagnose, limits
from engine.view.flaps import count_flaps
from engine.view.history import read_pace, read_run_times
from engine.view.jobs import noted_entries, read_job
from engine.view.members import read_members
from engine.view.owner_stacks import owner_of, with_stacks
from engine.view.queue import (
    Listing,
    find_entries,
    list_anew,
    list_entries,
    read_depth,
    read_entries,
    read_locks,
    read_taken_names,
)
from engine.zookeeper import words
from engine.zookeeper.connection import ZooKeeper
from engine.zookeeper.paths import OwnPaths

SEARCHED = 5000
"""Entries up to which all are read; above, only where the job is not found otherwise."""
HELD = 1000
"""Held entries that are read in search of the job."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Closely:
    """What to look at beside what can be read at once."""

    watch: float = 0.0
    """Seconds to watch the entry for, so that takes and releases can be counted."""
    pid: int | None = None
    """The process of this host that holds the job, where it does not announce itself."""
    flaps: Flaps | None = None
    """What a watch that runs anyway has seen of its takes and releases."""


AT_A_GLANCE = Closely()


def read_dossier(
    job_id: str,
    zk: ZooKeeper,
    client: NuvlaClient,
    own: OwnPaths,
    *,
    tls: ssl.SSLContext | None = None,
) -> Dossier:
    """Return all that can be read of a job. A source that fails is noted in the dossier.

    Args:
        job_id: the job.
        zk: a session.
        client: the API.
        own: where the presence nodes are.
        tls: to ask servers for their connections where they speak TLS only.
    """
    return complete(read_document(job_id, client), zk, client, own, tls=tls)


def read_document(job_id: str, client: NuvlaClient) -> Dossier:
    """Return a dossier that holds the document alone, to be completed."""
    return _with_document(Dossier(job_id=job_id, taken_at=datetime.now(UTC), sources=()), client)


def complete(
    dossier: Dossier,
    zk: ZooKeeper,
    client: NuvlaClient,
    own: OwnPaths,
    *,
    tls: ssl.SSLContext | None = None,
    listing: Listing | None = None,
) -> Dossier:
    """Add to the document what the queue, the members and the past say. Arguments as above.

    Args:
        listing: the queue as it was listed meanwhile, so that it need not be listed again.
    """
    try:
        dossier = _read_queue(dossier, zk, own, tls, listing)
    except ZooKeeperError as error:
        return without_zookeeper(dossier, error)
    dossier = _with_source(dossier, Source(name="zookeeper", read_at=datetime.now(UTC)))
    record = dossier.record
    if record is not None and not record.is_final and not dossier.entries:
        dossier = _with_document(dossier, client)
    return _read_past(dossier, client)


def look(
    document: Dossier,
    zk: ZooKeeper,
    client: NuvlaClient,
    own: OwnPaths,
    *,
    tls: ssl.SSLContext | None = None,
    listing: Listing | None = None,
    closely: Closely = AT_A_GLANCE,
) -> Diagnosis:
    """Return the diagnosis of a job whose document was read. One that somebody works on and that
    seems stuck is looked at twice: the sources were read one after the other, and a job that ended
    in between looks like a lock without a thread. Arguments as `complete`.

    Args:
        closely: what else to look at.

    Raises:
        NotFound: neither the API nor the queue knows the job.
    """
    dossier = complete(document, zk, client, own, tls=tls, listing=listing)
    failed = any(source.error for source in dossier.sources)
    if dossier.record is None and not dossier.entries and not failed:
        raise NotFound(f"{dossier.job_id}: there is no such job, and no entry of the queue has it")
    flaps = closely.flaps
    dossier = replace(dossier, flaps=flaps)
    if closely.watch and dossier.entries and not failed:
        flaps = count_flaps(zk, dossier.entries[0].name, closely.watch)
        dossier = replace(read_dossier(dossier.job_id, zk, client, own, tls=tls), flaps=flaps)
    diagnosis = diagnose(dossier, datetime.now(UTC))
    if failed or not _is_worked_on(dossier):
        return diagnosis
    if diagnosis.is_healthy and closely.pid is None:
        if owner_of(dossier) is None:
            return diagnosis
        dossier = with_stacks(dossier, zk, own, samples=1)
        diagnosis = diagnose(dossier, datetime.now(UTC))
        if diagnosis.is_healthy:
            return diagnosis
    dossier = replace(read_dossier(dossier.job_id, zk, client, own, tls=tls), flaps=flaps)
    if _is_worked_on(dossier):
        dossier = with_stacks(dossier, zk, own, samples=limits.SAMPLES, pid=closely.pid)
    return diagnose(dossier, datetime.now(UTC))


def _is_worked_on(dossier: Dossier) -> bool:
    """Whether somebody holds the job, or says that it works on it."""
    return any(entry.is_taken for entry in dossier.entries) or owner_of(dossier) is not None


def without_zookeeper(dossier: Dossier, error: ZooKeeperError) -> Dossier:
    """Note that ZooKeeper could not be read."""
    return _with_source(dossier, Source(name="zookeeper", error=clean(str(error), limit=400)))


def _with_source(dossier: Dossier, source: Source) -> Dossier:
    others = tuple(each for each in dossier.sources if each.name != source.name)
    return replace(dossier, sources=(*others, source))


def _with_document(dossier: Dossier, client: NuvlaClient) -> Dossier:
    record: JobRecord | None = None
    try:
        record = read_job(client, dossier.job_id)
    except NotFound:
        pass
    except ApiError as error:
        failed = Source(name="api", error=clean(str(error), limit=400))
        return _with_source(replace(dossier, record=None), failed)
    answered = Source(name="api", read_at=datetime.now(UTC))
    return _with_source(replace(dossier, record=record), answered)


def _read_queue(
    dossier: Dossier,
    zk: ZooKeeper,
    own: OwnPaths,
    tls: ssl.SSLContext | None,
    listing: Listing | None,
) -> Dossier:
    depth = read_depth(zk)
    noted = () if dossier.record is None else noted_entries([dossier.record])
    taken = read_taken_names(zk)
    # The first of the held entries: a copy of the job may run there, and they tell who is at work.
    known = sorted({*noted, *taken[:HELD]})
    locks = read_locks(zk, known)
    entries = _of_job(dossier, read_entries(zk, known))
    is_searched = depth <= SEARCHED or (not entries and _is_missed(dossier))
    if is_searched:
        listing = list_anew(zk, listing)
        entries = _of_job(dossier, find_entries(zk, dossier.job_id, listing.names))
        locks |= read_locks(zk, [entry.name for entry in entries])
    entries = [entry._replace(lock=locks.get(entry.name)) for entry in entries]
    first = next((entry.lock for entry in entries if entry.lock), None)
    dossier = replace(
        dossier,
        entries=tuple(entries),
        is_searched=is_searched,
        depth=depth,
        foreign_locks=sum(lock.owner.is_foreign for lock in locks.values()),
        members=_members(zk, own),
        link=None if first is None else read_link(zk.hosts, first.owner.session, tls),
    )
    if not entries or first is not None:
        return dossier
    names = (listing or list_entries(zk)).names
    return _placed(dossier, names, set(taken))


def _of_job(dossier: Dossier, entries: Iterable[QueueEntry]) -> list[QueueEntry]:
    return [entry for entry in entries if entry.job_id == dossier.job_id]


def _is_missed(dossier: Dossier) -> bool:
    """Whether the job ought to have an entry, so that it is worth a look at all of them."""
    if dossier.source("api").error is not None:
        return False
    return dossier.record is None or dossier.record.is_queued


def _placed(dossier: Dossier, names: Sequence[str], taken: set[str]) -> Dossier:
    """Note the place of the first entry: by names only, no entry is read."""
    ahead = bisect_left(names, dossier.entries[0].name)
    held = len(taken.intersection(names[:ahead]))
    return replace(dossier, ahead=ahead, ahead_free=ahead - held)


def _members(zk: ZooKeeper, own: OwnPaths) -> MemberSnapshot | None:
    """Return the members, or None where their nodes may not be read."""
    try:
        return read_members(zk, own)
    except AccessDenied:
        return None


def read_link(hosts: str, session: int, tls: ssl.SSLContext | None) -> SessionLink:
    """Return what the servers say of a session. One that they do not know is asked for twice: a
    client that moves to another server has no connection for a moment."""
    for _ in range(2):
        found, trouble = words.connections(hosts, tls=tls)
        if session in found or trouble:
            break
    return make_link(session, found, trouble)


def make_link(session: int, found: Mapping[int, words.Connection], trouble: str) -> SessionLink:
    """Return a session's link as the servers' answers tell it."""
    known = found.get(session)
    if known is None:
        return SessionLink(session=session, trouble=trouble)
    return SessionLink(
        session=session,
        client=known.client,
        silence=known.silence,
        timeout=known.timeout,
    )


def _read_past(dossier: Dossier, client: NuvlaClient) -> Dossier:
    """Add what the documents tell of the past, where the verdict rests on it."""
    record = dossier.record
    if record is None or record.is_final or not dossier.entries:
        return dossier
    entry = dossier.entries[0]
    try:
        if any(each.is_taken for each in dossier.entries):
            return replace(dossier, history=read_run_times(client, record.action))
        return replace(dossier, pace=read_pace(client, priority=starvable(entry, dossier.taken_at)))
    except ApiError as error:
        return _with_source(dossier, Source(name="api", error=clean(str(error), limit=400)))


def starvable(entry: QueueEntry, now: datetime) -> int | None:
    """Return the entry's priority, where it has waited for so long that it may be starved."""
    if entry.created is None or entry.priority == 0:
        return None
    waited = (now - entry.created).total_seconds()
    return entry.priority if waited > limits.STARVED else None
