"""The JSON form of each read-model: keys in snake case, times as the API writes them."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from engine.models import ElectionStatus, JobRecord, Lock, Member, Owner, QueueEntry, format_time


def seconds_since(when: datetime | None, now: datetime) -> float | None:
    """Return the seconds from a moment to now; never negative, since clocks differ."""
    return None if when is None else max(0.0, round((now - when).total_seconds(), 3))


def entry_json(entry: QueueEntry, now: datetime) -> dict[str, Any]:
    """Return an entry of the queue."""
    return {
        "entry": entry.name,
        "priority": entry.priority,
        "sequence": entry.sequence,
        "job_id": entry.job_id,
        "created": optional_time(entry.created),
        "age_s": seconds_since(entry.created, now),
        "lock": None if entry.lock is None else lock_json(entry.lock, now),
        "problem": entry.problem,
    }


def lock_json(lock: Lock, now: datetime) -> dict[str, Any]:
    """Return a lock, without the entry that it locks."""
    return {
        "owner": owner_json(lock.owner),
        "since": format_time(lock.since),
        "held_s": seconds_since(lock.since, now),
        "version": lock.version,
        "is_orphan": lock.is_orphan,
    }


def owner_json(owner: Owner) -> dict[str, Any]:
    """Return who holds a lock or contends for an election."""
    return {
        "session": f"{owner.session:#x}",
        "instance": owner.instance,
        "thread": owner.thread,
        "is_foreign": owner.is_foreign,
    }


def election_json(election: ElectionStatus, now: datetime) -> dict[str, Any]:
    """Return an election with its contenders; the first of them leads."""
    last = election.distribution
    return {
        "name": election.name,
        "leader": election.leader.name if election.leader else None,
        "contenders": [
            {
                "node": contender.node,
                "sequence": contender.sequence,
                "name": contender.name,
                "owner": owner_json(contender.owner),
                "since": format_time(contender.since),
            }
            for contender in election.contenders
        ],
        "distribution": last
        and {
            "last": format_time(last.last),
            "age_s": seconds_since(last.last, now),
            "interval_s": last.interval,
            "by": last.by,
            "jobs": last.jobs,
        },
    }


def member_json(member: Member, now: datetime) -> dict[str, Any]:
    """Return a member with the jobs that it works on."""
    return {
        "instance": member.instance,
        "kind": str(member.kind),
        "name": member.name,
        "host": member.host,
        "pid": member.pid,
        "version": member.version,
        "started": format_time(member.started),
        "up_s": seconds_since(member.started, now),
        "state": str(member.state),
        "threads": member.threads,
        "offers": member.offers,
        "jobs": [
            {
                "job_id": job.job_id,
                "entry": job.entry,
                "action": job.action,
                "thread": job.thread,
                "since": format_time(job.since),
                "running_s": seconds_since(job.since, now),
            }
            for job in member.jobs
        ],
        "holds": [
            {"reason": hold.reason, "since": format_time(hold.since)} for hold in member.holds
        ],
        "remote_control": member.remote_control.value,
        "broken": member.broken,
        "last_errors": member.last_errors,
        "updated": optional_time(member.updated),
        "session": f"{member.session:#x}",
    }


def job_json(job: JobRecord, now: datetime) -> dict[str, Any]:
    """Return a job's document in the engine's words; payload and output are left out."""
    return {
        "id": job.id,
        "action": job.action,
        "state": str(job.state),
        "priority": job.priority,
        "execution_mode": str(job.execution_mode),
        "version": job.version,
        "target": job.target,
        "progress": job.progress,
        "return_code": job.return_code,
        "status_message": job.status_message,
        "created": optional_time(job.created),
        "age_s": seconds_since(job.created, now),
        "updated": optional_time(job.updated),
        "started": optional_time(job.started),
        "duration_s": job.duration,
        "created_by": job.created_by,
        "parent": job.parent,
        "tags": job.tags,
    }


def optional_time(when: datetime | None) -> str | None:
    """Return a time as the API writes it, or None."""
    return None if when is None else format_time(when)
