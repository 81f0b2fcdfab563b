"""A dossier as the judge sees it: with the facts that follow from it at one moment."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from functools import cached_property

from engine.models import (
    API_HOLD,
    Dossier,
    Flaps,
    JobRecord,
    Lock,
    Member,
    MemberKind,
    MemberSnapshot,
    MemberState,
    PutBack,
    QueueEntry,
    RunningJob,
)
from engine.view.diagnosis import limits


@dataclass(frozen=True)
class Case:
    """One dossier and now. Derived facts are computed once."""

    dossier: Dossier
    now: datetime

    @property
    def record(self) -> JobRecord | None:
        """The document, where it was read."""
        return self.dossier.record

    @property
    def entry(self) -> QueueEntry | None:
        """The entry that comes first."""
        return self.dossier.entries[0] if self.dossier.entries else None

    @cached_property
    def lock(self) -> Lock | None:
        """The first lock on an entry of the job."""
        return next((entry.lock for entry in self.dossier.entries if entry.lock), None)

    @cached_property
    def executors(self) -> tuple[Member, ...]:
        """The executors of ours that are present."""
        return executors_of(self.dossier.members)

    @cached_property
    def owner(self) -> Member | None:
        """The member that holds the lock: its session made both nodes."""
        if self.lock is None:
            return None
        return next((m for m in self.executors if m.session == self.lock.owner.session), None)

    @cached_property
    def running(self) -> RunningJob | None:
        """What the lock's owner says of its work on the job."""
        return next((job for member, job in self._at_work if member is self.owner), None)

    @cached_property
    def strays(self) -> tuple[tuple[Member, RunningJob], ...]:
        """Members that work on the job without holding its lock."""
        return tuple(
            (member, job)
            for member, job in self._at_work
            if member is not self.owner and member.kind is MemberKind.EXECUTOR
        )

    @property
    def _at_work(self) -> Sequence[tuple[Member, RunningJob]]:
        members = self.dossier.members
        return () if members is None else members.at_work(self.dossier.job_id)

    def stacks_deny(self, member: Member) -> bool:
        """Whether a look at a member's threads found none of them at work on the job."""
        samples = self.dossier.stacks
        is_of_it = self.dossier.stacks_of == member.instance
        return is_of_it and bool(samples) and samples[-1].frames is None

    @cached_property
    def put_back(self) -> tuple[tuple[Member, PutBack], ...]:
        """Members that have put the job back again and again, with what they say of it."""
        return tuple(
            (member, job)
            for member in self.executors
            for job in member.put_back
            if job.job_id == self.dossier.job_id
        )

    @cached_property
    def flaps(self) -> Flaps | None:
        """How often it was taken and released: the most that a watch or the executors tell."""
        seen = self.dossier.flaps
        if not self.put_back:
            return seen
        newest = max((job for _, job in self.put_back), key=lambda job: job.last)
        told = Flaps(
            times=sum(job.times for _, job in self.put_back),
            window=limits.FLAP_WINDOW,
            last=newest.last,
            reason=newest.reason,
            source="presence",
        )
        if seen is not None and seen.times > told.times:
            return replace(seen, reason=seen.reason or told.reason)
        return told

    @property
    def is_paused(self) -> bool:
        """Whether somebody paused the executors of ours."""
        return self.dossier.members is not None and self.dossier.members.paused is not None

    @property
    def is_api_failing(self) -> bool:
        """Whether all executors of ours stopped claiming by themselves."""
        return is_api_failing(self.dossier.members)

    def age(self, when: datetime | None) -> float | None:
        """Return the seconds since a moment."""
        return None if when is None else max(0.0, (self.now - when).total_seconds())

    def is_past(self, when: datetime | None, limit: float) -> bool:
        """Whether a moment is known, and longer ago than the limit (seconds)."""
        age = self.age(when)
        return age is not None and age > limit

    @property
    def held(self) -> float:
        """Seconds since the lock was made."""
        return (self.age(self.lock.since) if self.lock else None) or 0.0

    @property
    def run_time(self) -> float:
        """Seconds that the present run has taken: by its thread, else by its lock."""
        return (self.age(self.running.since) or 0.0) if self.running else self.held

    @property
    def hung_after(self) -> float | None:
        """Seconds past which a run is longer than the action's own history explains."""
        history = self.dossier.history
        if history is None or history.count < limits.HISTORY_LEAST:
            return None
        return max(limits.HUNG_LEAST, limits.HUNG_TIMES * history.longest)


def executors_of(members: MemberSnapshot | None) -> tuple[Member, ...]:
    """Return the members that run jobs."""
    found = () if members is None else members.members
    return tuple(member for member in found if member.kind is MemberKind.EXECUTOR)


def is_api_failing(members: MemberSnapshot | None) -> bool:
    """Whether no executor of ours claims, and one says that the API is why."""
    executors = executors_of(members)
    return (
        members is not None
        and members.paused is None
        and any(_has_lost_the_api(member) for member in executors)
        and all(member.state is not MemberState.RUNNING for member in executors)
    )


def _has_lost_the_api(member: Member) -> bool:
    if member.holds:
        return any(hold.reason == API_HOLD for hold in member.holds)
    # One that does not say why is paused by the API, since nothing else pauses it.
    return member.state is MemberState.PAUSED
