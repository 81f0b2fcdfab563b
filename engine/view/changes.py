"""What changed between two pictures, one line for each change. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from engine.models import Distribution, Lock, Member, Owner
from engine.view.picture import Condition, Picture
from engine.wording import age, counted


class Kind(StrEnum):
    """What a change is about."""

    ENTRY = "entry"
    LOCK = "lock"
    ELECTION = "election"
    MEMBER = "member"
    PAUSE = "pause"
    FLAPPING = "flapping"
    STARVED = "starved"
    ZOOKEEPER = "zookeeper"


class What(StrEnum):
    """What became of it."""

    CAME = "came"
    WENT = "went"
    CHANGED = "changed"


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """One change. All text is safe to draw."""

    at: datetime
    """When it was noticed."""
    kind: Kind
    what: What
    subject: str
    """The entry, election, member, or priority."""
    job_id: str | None = None
    text: str = ""


class Differ:
    """Compares each picture with what it saw before; holds names and job ids, no pictures."""

    def __init__(self) -> None:
        self._entries: dict[str, str | None] | None = None
        self._locks: dict[str, Lock] | None = None
        self._leaders: dict[str, str] | None = None
        self._contenders: dict[str, int] = {}
        self._distributions: dict[str, Distribution | None] = {}
        self._members: dict[str, Member] | None = None
        self._pause: str | None = None
        self._flapping: dict[str, int] = {}
        self._starving: frozenset[int] = frozenset()
        self._condition = Condition.WAITING
        self._queue: object = None

    @property
    def is_whole(self) -> bool:
        """Whether everything was seen once, so that what comes now is a change."""
        seen = (self._entries, self._locks, self._leaders, self._members)
        return None not in seen

    def changes(self, picture: Picture, now: datetime) -> Iterator[Change]:
        """Yield what changed since the picture before; the first sight of a part is no change."""
        yield from self._zookeeper(picture, now)
        yield from self._entry_changes(picture, now)
        yield from self._lock_changes(picture, now)
        yield from self._election_changes(picture, now)
        yield from self._member_changes(picture, now)
        yield from self._flapping_changes(picture, now)
        yield from self._starving_changes(picture, now)

    def _zookeeper(self, picture: Picture, now: datetime) -> Iterator[Change]:
        health, before = picture.zookeeper, self._condition
        self._condition = health.condition
        if health.condition is before or health.condition is Condition.WAITING:
            return
        if health.condition is Condition.STALE:
            text = f"lost: {health.error or 'no reason known'}"
            yield _change(now, Kind.ZOOKEEPER, What.WENT, health.where, text)
        elif before is Condition.STALE:
            yield _change(now, Kind.ZOOKEEPER, What.CAME, health.where, "answers again")

    def _entry_changes(self, picture: Picture, now: datetime) -> Iterator[Change]:
        queue = picture.queue
        if queue is None or queue is self._queue:
            return
        self._queue = queue
        # A queue is counted first, then listed, then read: not worth a line for each entry.
        is_read = not picture.unread and (queue.entries or not queue.depth)
        if self._entries is None and not is_read:
            return
        # An entry counts once it was read, so that its job can be named.
        present = {entry.name: entry.job_id for entry in queue.entries if entry.created}
        unread = {entry.name for entry in queue.entries if not entry.created}
        before, self._entries = self._entries, present
        if before is None:
            return
        for name in sorted(present.keys() - before.keys()):
            yield _change(now, Kind.ENTRY, What.CAME, name, "queued", present[name])
        for name in sorted(before.keys() - present.keys() - unread):
            yield _change(now, Kind.ENTRY, What.WENT, name, "gone from the queue", before[name])

    def _lock_changes(self, picture: Picture, now: datetime) -> Iterator[Change]:
        if picture.taken is None:
            return
        locks = {lock.entry: lock for lock in picture.taken.locks}
        before, self._locks = self._locks, locks
        if before is None:
            return
        for name, lock in locks.items():
            earlier = before.get(name)
            if earlier is None or (earlier.since, earlier.owner) != (lock.since, lock.owner):
                text = f"taken by {_who(lock.owner)}"
                yield _change(now, Kind.LOCK, What.CAME, name, text, lock.job_id)
        for name in before.keys() - locks.keys():
            earlier = before[name]
            text = f"let go by {_who(earlier.owner)}"
            yield _change(now, Kind.LOCK, What.WENT, name, text, earlier.job_id)

    def _election_changes(self, picture: Picture, now: datetime) -> Iterator[Change]:
        if picture.elections is None:
            return
        found = {each.name: each for each in picture.elections.elections}
        leaders = {name: each.leader.node for name, each in found.items() if each.leader}
        contenders = {name: len(each.contenders) for name, each in found.items()}
        last = {name: each.distribution for name, each in found.items()}
        before, self._leaders = self._leaders, leaders
        known, self._contenders = self._contenders, contenders
        done, self._distributions = self._distributions, last
        if before is None:
            return
        for name, election in found.items():
            leader = election.leader
            if leader is None:
                if name in before:
                    yield _change(now, Kind.ELECTION, What.WENT, name, "nobody leads")
                continue
            if before.get(name) != leader.node:
                text = f"led by {leader.owner.instance or leader.name}"
                yield _change(now, Kind.ELECTION, What.CAME, name, text)
            if known.get(name, 0) != contenders[name]:
                text = counted(contenders[name], "contender")
                yield _change(now, Kind.ELECTION, What.CHANGED, name, text)
            made = last[name]
            if made is not None and made != done.get(name):
                text = f"{counted(made.jobs, 'job')} created by {made.by}"
                yield _change(now, Kind.ELECTION, What.CHANGED, name, text)

    def _member_changes(self, picture: Picture, now: datetime) -> Iterator[Change]:
        if picture.members is None:
            return
        present = {member.instance: member for member in picture.members.members}
        before, self._members = self._members, present
        paused, self._pause = self._pause, picture.members.paused
        if before is None:
            return
        for name in present.keys() - before.keys():
            member = present[name]
            text = f"{member.kind} on {member.host}, {member.state}"
            yield _change(now, Kind.MEMBER, What.CAME, name, text)
        for name in before.keys() - present.keys():
            yield _change(now, Kind.MEMBER, What.WENT, name, f"{before[name].kind} gone")
        for name in present.keys() & before.keys():
            if present[name].state is not before[name].state:
                text = f"is {present[name].state}, was {before[name].state}"
                yield _change(now, Kind.MEMBER, What.CHANGED, name, text)
        if self._pause != paused:
            what = What.WENT if self._pause is None else What.CAME
            yield _change(now, Kind.PAUSE, what, "executors", self._pause or "claim again")

    def _flapping_changes(self, picture: Picture, now: datetime) -> Iterator[Change]:
        """Say when an entry begins to flap, and each time it has done so twice as often."""
        present = {each.entry for each in picture.flapping}
        for name in self._flapping.keys() - present:
            del self._flapping[name]
            yield _change(now, Kind.FLAPPING, What.WENT, name, "flaps no more")
        for each in picture.flapping:
            seen = each.flaps
            said = self._flapping.get(each.entry, 0)
            if seen.times >= 2 * said:
                self._flapping[each.entry] = seen.times
                why = f": {seen.reason}" if seen.reason else ""
                text = f"taken and released {seen.times} times in {age(seen.window)}{why}"
                what = What.CHANGED if said else What.CAME
                yield _change(now, Kind.FLAPPING, what, each.entry, text, each.job_id)

    def _starving_changes(self, picture: Picture, now: datetime) -> Iterator[Change]:
        present = {each.priority: each for each in picture.starving}
        before, self._starving = self._starving, frozenset(present)
        jobs: Mapping[str, str | None] = self._entries or {}
        for priority in sorted(present.keys() - before):
            each = present[priority]
            text = (
                f"no turn for {age((now - each.since).total_seconds())}, while "
                f"{counted(each.overtaken, 'better entry', 'better entries')} went; "
                f"{counted(each.waiting, 'entry', 'entries')} wait"
            )
            subject, job_id = f"priority {priority}", jobs.get(each.entry)
            yield _change(now, Kind.STARVED, What.CAME, subject, text, job_id)
        for priority in sorted(before - present.keys()):
            yield _change(now, Kind.STARVED, What.WENT, f"priority {priority}", "has its turn")


def _change(
    at: datetime, kind: Kind, what: What, subject: str, text: str, job_id: str | None = None
) -> Change:
    return Change(at=at, kind=kind, what=what, subject=subject, job_id=job_id, text=text)


def _who(owner: Owner) -> str:
    if owner.instance is None:
        return f"an executor that does not announce itself (session {owner.session:#x})"
    return f"{owner.instance} {owner.thread or ''}".rstrip()
