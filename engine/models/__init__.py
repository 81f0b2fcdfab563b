"""Every shared read-model: frozen, without I/O; `now` is always an argument."""

from __future__ import annotations

from engine.models.audit import ActRecord, AuditLog, Ending, Who
from engine.models.control import Command, Pause, RemoteControl, Reply, Request
from engine.models.diagnosis import (
    Checkup,
    Diagnosis,
    Evidence,
    Finding,
    SafeAct,
    Severity,
    Verdict,
)
from engine.models.dossier import Dossier, Flaps, Pace, RunTimes, SessionLink, StackSample
from engine.models.election import Contender, Distribution, ElectionSnapshot, ElectionStatus
from engine.models.job import (
    MONITOR_TAG,
    JobPage,
    JobRecord,
    JobRequest,
    format_time,
    parse_time,
)
from engine.models.joined import JoinedJob
from engine.models.member import (
    API_HOLD,
    Hold,
    LockNote,
    Member,
    MemberKind,
    MemberSnapshot,
    MemberState,
    PutBack,
    RunningJob,
)
from engine.models.queue import Lock, Owner, QueueEntry, QueueSnapshot, TakenSnapshot
from engine.models.report import Outcome, Source
from engine.models.restless import Flapping, Starving
from engine.models.stacks import Frame, StackReport, ThreadStack

__all__ = [
    "API_HOLD",
    "MONITOR_TAG",
    "ActRecord",
    "AuditLog",
    "Checkup",
    "Command",
    "Contender",
    "Diagnosis",
    "Distribution",
    "Dossier",
    "ElectionSnapshot",
    "ElectionStatus",
    "Ending",
    "Evidence",
    "Finding",
    "Flapping",
    "Flaps",
    "Frame",
    "Hold",
    "JobPage",
    "JobRecord",
    "JobRequest",
    "JoinedJob",
    "Lock",
    "LockNote",
    "Member",
    "MemberKind",
    "MemberSnapshot",
    "MemberState",
    "Outcome",
    "Owner",
    "Pace",
    "Pause",
    "PutBack",
    "QueueEntry",
    "QueueSnapshot",
    "RemoteControl",
    "Reply",
    "Request",
    "RunTimes",
    "RunningJob",
    "SafeAct",
    "SessionLink",
    "Severity",
    "Source",
    "StackReport",
    "StackSample",
    "Starving",
    "TakenSnapshot",
    "ThreadStack",
    "Verdict",
    "Who",
    "format_time",
    "parse_time",
]
