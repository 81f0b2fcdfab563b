"""Which jobs a check-up looks at, and the dossier of each from what was read for all."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace

from engine.models import (
    Dossier,
    ElectionSnapshot,
    Flaps,
    JobRecord,
    Lock,
    MemberSnapshot,
    Pace,
    QueueEntry,
    RunTimes,
)
from engine.nuvla.client import NuvlaClient
from engine.view.diagnosis import limits
from engine.view.dossier import make_link, starvable
from engine.view.history import read_pace, read_run_times
from engine.wording import counted
from engine.zookeeper import words

MOST_ACTIONS = 50
"""Actions whose history is asked for, and priorities whose pace is."""
MOST_REPRESENTATIVES = 3000


@dataclass(frozen=True, slots=True, kw_only=True)
class QueueFacts:
    """What ZooKeeper says."""

    depth: int
    entries: dict[str, list[QueueEntry]]
    locks: Mapping[str, Lock]
    members: MemberSnapshot
    elections: ElectionSnapshot
    links: dict[int, words.Connection]
    trouble: str
    listed_at: float
    flaps: Mapping[str, Flaps] = field(default_factory=dict)
    """Entries that a watch saw flapping, by name."""


@dataclass(slots=True, kw_only=True)
class Past:
    """What the API counts, asked once for each action and priority."""

    client: NuvlaClient
    histories: dict[str, RunTimes | None] = field(default_factory=dict)
    paces: dict[int | None, Pace] = field(default_factory=dict)
    actions_left_out: set[str] = field(default_factory=set)
    priorities_left_out: set[int] = field(default_factory=set)

    def history(self, action: str) -> RunTimes | None:
        """Return how long an action's jobs ran."""
        if action not in self.histories:
            if len(self.histories) >= MOST_ACTIONS:
                self.actions_left_out.add(action)
                return None
            self.histories[action] = read_run_times(self.client, action)
        return self.histories[action]

    def pace(self, priority: int | None) -> Pace:
        """Return what the queue did lately, and what overtook jobs of a priority."""
        if priority is not None and priority not in self.paces and len(self.paces) > MOST_ACTIONS:
            self.priorities_left_out.add(priority)
            priority = None
        if priority not in self.paces:
            self.paces[priority] = read_pace(self.client, priority=priority)
        return self.paces[priority]

    def left_out(self) -> Iterator[str]:
        """Yield what was not asked, in words."""
        if self.actions_left_out:
            number = counted(len(self.actions_left_out), "further action")
            yield f"how long {number} took was not asked, so nothing of them counts as hung"
        if self.priorities_left_out:
            number = counted(len(self.priorities_left_out), "further priority", "priorities")
            yield f"what overtakes {number} was not asked, so nothing of them counts as starved"


def suspects(
    queue: QueueFacts, records: Mapping[str, JobRecord], strangers: Collection[str]
) -> list[str]:
    """Return the jobs that are looked at one by one.

    Args:
        queue: what ZooKeeper says.
        records: the documents that were read.
        strangers: jobs that have an entry, and that the API does not know.
    """
    # Nothing can be said of a job whose document was not looked for.
    of_entries = [
        job_id
        for job_id, entries in queue.entries.items()
        if job_id in strangers
        or (job_id in records and (len(entries) > 1 or _is_held(queue, entries)))
    ]
    held_on = {job.job_id for member in queue.members.members for job in member.jobs}
    restless = _restless(queue)
    lost = [r.id for r in records.values() if r.is_queued and r.id not in queue.entries]
    looked_at = {*of_entries, *lost}
    return [*of_entries, *lost, *((held_on | restless) & records.keys() - looked_at)]


def _restless(queue: QueueFacts) -> set[str]:
    """Return the jobs that are taken and put back again and again, as executors tell or a watch
    saw."""
    told = {job.job_id for member in queue.members.members for job in member.put_back}
    seen = (
        job_id
        for job_id, entries in queue.entries.items()
        if any(entry.name in queue.flaps for entry in entries)
    )
    return told.union(seen) if queue.flaps else told


def _is_held(queue: QueueFacts, entries: Iterable[QueueEntry]) -> bool:
    return any(entry.name in queue.locks for entry in entries)


def representatives(
    queue: QueueFacts, records: Mapping[str, JobRecord]
) -> tuple[list[str], dict[str, int]]:
    """Return the oldest waiting job of each action and priority, and how many each stands for;
    those beyond the first MOST_REPRESENTATIVES are for the caller to leave out."""
    restless = _restless(queue)
    first: dict[tuple[str, int], str] = {}
    sizes: dict[str, int] = {}
    for job_id, entries in queue.entries.items():
        record = records.get(job_id)
        if record is None or len(entries) > 1 or entries[0].name in queue.locks:
            continue
        if not record.is_queued or job_id in restless:
            continue
        kind = (record.action, entries[0].priority)
        stands = first.setdefault(kind, job_id)
        sizes[stands] = sizes.get(stands, 0) + 1
    return list(first.values()), sizes


def dossiers(
    base: Dossier,
    job_ids: Iterable[str],
    queue: QueueFacts,
    records: Mapping[str, JobRecord],
    past: Past,
) -> list[Dossier]:
    """Return the dossiers of these jobs."""
    return [dossier_of(base, job_id, queue, records, past) for job_id in job_ids]


def dossier_of(
    base: Dossier,
    job_id: str,
    queue: QueueFacts,
    records: Mapping[str, JobRecord],
    past: Past,
) -> Dossier:
    """Return the dossier of one job from what was read for all."""
    record = records.get(job_id)
    entries = tuple(
        entry._replace(lock=queue.locks.get(entry.name)) for entry in queue.entries.get(job_id, ())
    )
    lock = next((entry.lock for entry in entries if entry.lock), None)
    flaps = queue.flaps.get(entries[0].name) if entries else None
    dossier = replace(base, job_id=job_id, record=record, entries=entries, flaps=flaps)
    if lock is not None:
        link = make_link(lock.owner.session, queue.links, queue.trouble)
        dossier = replace(dossier, link=link)
    if record is None or record.is_final or not entries:
        return dossier
    if lock is None:
        return replace(dossier, pace=past.pace(starvable(entries[0], base.taken_at)))
    is_long = (base.taken_at - lock.since).total_seconds() > limits.HUNG_LEAST
    return replace(dossier, history=past.history(record.action) if is_long else None)
