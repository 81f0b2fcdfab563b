"""A check-up of everything: bounded, paged reads, then the diagnosis of what may be stuck.

Most jobs of a long queue wait for their turn. Only those are looked at one by one that are held,
that lack an entry or a document, or that have several entries; of those that wait, the oldest of
each action and priority stands for the others.
"""

from __future__ import annotations

import ssl
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from itertools import islice

from engine.errors import ApiError, ZooKeeperError
from engine.models import (
    Checkup,
    Diagnosis,
    Dossier,
    Finding,
    Flaps,
    Member,
    Source,
    Verdict,
)
from engine.nuvla.client import NuvlaClient
from engine.text import clean
from engine.view.diagnosis import diagnose, find_cluster_faults, group, limits, worst_first
from engine.view.diagnosis.advice import acts_for
from engine.view.doubts import Strangers, find_strangers, read_again, settle
from engine.view.elections import read_elections
from engine.view.members import read_members
from engine.view.owner_stacks import owner_of, read_owners, with_reports
from engine.view.queue import entries_by_job, read_depth, read_entries, read_locks, read_names
from engine.view.stacks import MemberStacks
from engine.view.triage import (
    MOST_REPRESENTATIVES,
    Past,
    QueueFacts,
    dossiers,
    representatives,
    suspects,
)
from engine.view.unfinished import Unfinished, read_unfinished
from engine.wording import counted
from engine.zookeeper import words
from engine.zookeeper.connection import ZooKeeper
from engine.zookeeper.paths import OwnPaths

MOST_DOCUMENTS = 200_000
DOCUMENT_SECONDS = 6.0
"""After which no further page of documents is asked for."""
MOST_ASKED = 48
"""Executors that are asked for their stacks, sixteen at a time."""
NOTHING_WATCHED: Mapping[str, Flaps] = {}
Diagnosed = tuple[Dossier, Diagnosis]


def read_checkup(
    zk: ZooKeeper,
    client: NuvlaClient,
    own: OwnPaths,
    *,
    tls: ssl.SSLContext | None = None,
    most: int = MOST_DOCUMENTS,
    seconds: float = DOCUMENT_SECONDS,
    flaps: Mapping[str, Flaps] = NOTHING_WATCHED,
) -> Checkup:
    """Return all findings. Arguments as `engine.view.dossier.read_dossier`.

    Args:
        flaps: entries that a watch saw flapping, by name.
        most: documents to read; what is left out is said.
        seconds: after which no further page of documents is asked for.

    Raises:
        ZooKeeperError: the queue could not be read.
    """
    taken_at = datetime.now(UTC)
    try:
        # Documents first: a job that is enqueued in between must not look lost.
        unfinished = read_unfinished(client, most=most, seconds=seconds)
    except ApiError as error:
        return _without_documents(_read_queue(zk, own, tls), _failed("api", error), taken_at)
    api = Source(name="api", read_at=datetime.now(UTC))
    queue = replace(_read_queue(zk, own, tls), flaps=flaps)

    def again(names: Sequence[str]) -> QueueFacts:
        return replace(_read_queue(zk, own, tls, names=names), flaps=flaps)

    def ask(owners: Iterable[Member]) -> dict[str, MemberStacks]:
        return read_owners(zk, own, owners, samples=limits.SAMPLES)

    looking = _Looking(client=client, again=again, ask=ask)

    sources = (api, Source(name="zookeeper", read_at=datetime.now(UTC)))
    try:
        findings, left_out = _findings(queue, unfinished, taken_at, sources, looking)
    except ApiError as error:
        return _without_documents(queue, _failed("api", error), taken_at)
    return Checkup(
        taken_at=taken_at,
        findings=worst_first(findings),
        sources=sources,
        depth=queue.depth,
        documents=len(unfinished.records),
        unread=unfinished.left_out,
        left_out=left_out,
    )


def without_queue(client: NuvlaClient, error: ZooKeeperError) -> Checkup:
    """Return the check-up where ZooKeeper cannot be read: nothing can be told but that."""
    try:
        client.probe()
        api = Source(name="api", read_at=datetime.now(UTC))
    except ApiError as failure:
        api = _failed("api", failure)
    zookeeper = _failed("zookeeper", error)
    finding = _unknown("ZooKeeper could not be read, so nothing is known of the queue.")
    return Checkup(taken_at=datetime.now(UTC), findings=(finding,), sources=(api, zookeeper))


def _failed(name: str, error: Exception) -> Source:
    return Source(name=name, error=clean(str(error), limit=400))


def _unknown(summary: str) -> Finding:
    return Finding(
        verdict=Verdict.UNKNOWN, subject="", summary=summary, acts=acts_for(Verdict.UNKNOWN)
    )


def _read_queue(
    zk: ZooKeeper,
    own: OwnPaths,
    tls: ssl.SSLContext | None,
    *,
    names: Sequence[str] | None = None,
) -> QueueFacts:
    """Read the queue, or those of its entries that are named."""
    depth = read_depth(zk)
    names = read_names(zk)[0] if names is None else names
    listed_at = time.monotonic()
    entries = read_entries(zk, names)
    # Locks after entries: one that was taken in between must not look free.
    locks = read_locks(zk)
    found, trouble = words.connections(zk.hosts, tls=tls) if locks else ({}, "")
    return QueueFacts(
        depth=depth,
        entries=entries_by_job(entries),
        locks=locks,
        members=read_members(zk, own),
        elections=read_elections(zk, own),
        links=found,
        trouble=trouble,
        listed_at=listed_at,
    )


def _without_documents(queue: QueueFacts, api: Source, taken_at: datetime) -> Checkup:
    """Return the check-up where the API fails: one look at any job says whether for all."""
    sources = (api, Source(name="zookeeper", read_at=datetime.now(UTC)))
    dossier = Dossier(job_id="", taken_at=taken_at, sources=sources, members=queue.members)
    diagnosis = diagnose(dossier, datetime.now(UTC))
    finding = Finding(
        verdict=diagnosis.verdict,
        subject="",
        summary=diagnosis.summary,
        count=len(queue.entries),
        evidence=diagnosis.evidence,
        acts=diagnosis.acts,
    )
    faults = find_cluster_faults(queue.elections, queue.depth, datetime.now(UTC))
    return Checkup(
        taken_at=taken_at,
        findings=worst_first((finding, *faults)),
        sources=sources,
        depth=queue.depth,
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class _Looking:
    """How to look at something once more."""

    client: NuvlaClient
    again: Callable[[Sequence[str]], QueueFacts]
    """Reads the queue, with those of its entries that are named."""
    ask: Callable[[Iterable[Member]], dict[str, MemberStacks]]
    """Takes the stacks of members."""


def _findings(
    queue: QueueFacts,
    unfinished: Unfinished,
    taken_at: datetime,
    sources: tuple[Source, ...],
    looking: _Looking,
) -> tuple[list[Finding], tuple[str, ...]]:
    """Return the findings, and what the bounds left out."""
    client = looking.client
    records = {record.id: record for record in unfinished.records}
    strangers = find_strangers(queue, records, client, all_known=not unfinished.left_out)
    records.update(strangers.records)
    settle(queue, records, client)
    base = Dossier(
        job_id="",
        taken_at=taken_at,
        sources=sources,
        is_searched=True,
        depth=queue.depth,
        foreign_locks=sum(lock.owner.is_foreign for lock in queue.locks.values()),
        members=queue.members,
    )
    past = Past(client=client)
    waiting, sizes = representatives(queue, records)
    chosen = [*suspects(queue, records, strangers.absent), *waiting[:MOST_REPRESENTATIVES]]
    now = datetime.now(UTC)
    diagnosed = [(d, diagnose(d, now)) for d in dossiers(base, chosen, queue, records, past)]
    sure, unasked = _confirmed(diagnosed, base, past, looking)
    findings = [*group(sure, sizes), *find_cluster_faults(queue.elections, queue.depth, now)]
    unjudged = waiting[MOST_REPRESENTATIVES:]
    return findings, (*_left_out(unfinished, strangers, unjudged, unasked), *past.left_out())


def _left_out(
    unfinished: Unfinished, strangers: Strangers, unjudged: Sequence[str], unasked: int
) -> Iterator[str]:
    """Yield what was not looked at, in words."""
    if unfinished.left_out:
        number = counted(unfinished.left_out, "newer unfinished document")
        yield f"{number} could not be read in time: jobs that were lost lately may be among them"
    if strangers.left_out:
        number = counted(strangers.left_out, "entry", "entries")
        yield f"the documents of {number} were not looked for: orphans may be among them"
    if unjudged:
        number = counted(len(unjudged), "further kind")
        yield f"{number} of waiting jobs (an action at a priority) were not judged"
    if unasked:
        number = counted(unasked, "further executor")
        yield f"{number} with jobs in doubt were not asked for stacks"


def _confirmed(
    diagnosed: Sequence[Diagnosed], base: Dossier, past: Past, looking: _Looking
) -> tuple[list[Diagnosed], int]:
    """Look once more at held jobs that do not seem healthy, and at the stacks of their owners: the
    sources were read one after the other, and a job that ended in between looks like a lock
    without a thread. Return all, and the number of owners that were not asked for stacks."""
    doubtful = [pair for pair in diagnosed if not pair[1].is_healthy and _is_held(pair[0])]
    if not doubtful:
        return list(diagnosed), 0
    ids = [dossier.job_id for dossier, _ in doubtful]
    names = [entry.name for dossier, _ in doubtful for entry in dossier.entries]
    records = read_again(past.client, ids)
    queue = looking.again(names)
    base = replace(base, taken_at=datetime.now(UTC), members=queue.members)
    seen = dossiers(base, ids, queue, records, past)
    owners = {owner.instance: owner for owner in map(owner_of, seen) if owner is not None}
    asked = dict(islice(owners.items(), MOST_ASKED))
    stacks = looking.ask(asked.values())
    now = datetime.now(UTC)
    fresh = [(d, diagnose(d, now)) for d in (_with_stacks(d, stacks) for d in seen)]
    again = set(ids)
    sure = [*(pair for pair in diagnosed if pair[0].job_id not in again), *fresh]
    return sure, len(owners) - len(asked)


def _with_stacks(dossier: Dossier, stacks: Mapping[str, MemberStacks]) -> Dossier:
    owner = owner_of(dossier)
    found = stacks.get(owner.instance) if owner is not None else None
    if found is None:
        return dossier
    if found.error:
        return replace(dossier, stacks_trouble=found.error)
    return with_reports(dossier, found.reports)


def _is_held(dossier: Dossier) -> bool:
    return any(entry.is_taken for entry in dossier.entries)
