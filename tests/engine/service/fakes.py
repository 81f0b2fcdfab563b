"""Small doubles for what is pure in the service: an API in memory, and a queue that takes notes."""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from engine.errors import EditConflict, NotFound
from engine.service.registry import ActionPlugin

JOB = "job/0a000000-0000-4000-8000-000000000001"


def make_document(**changes: Any) -> dict[str, Any]:
    """A queued job's document."""
    document = {"id": JOB, "action": "act", "state": "QUEUED", "version": 2}
    document |= {"execution-mode": "push", "progress": 0}
    return document | {key.replace("_", "-"): value for key, value in changes.items()}


@dataclass
class FakeClaim:
    """A claim whose session lives until it is told otherwise."""

    job_id: str = JOB
    entry: str = "entry-999-0000000001"
    enqueued_at: datetime = field(default_factory=lambda: datetime.now(UTC))
    live: bool = True

    def is_live(self) -> bool:
        return self.live


@dataclass
class FakeQueue:
    """Notes how claims are settled."""

    settled: list[str] = field(default_factory=list)
    cooldowns: list[float] = field(default_factory=list)
    next_claim: FakeClaim | None = None

    def consume(self, claim: FakeClaim, *, wait: bool = True) -> str:
        self.settled.append("consumed")
        return "CONSUMED"

    def release(self, claim: FakeClaim, *, cooldown: float = 0.0) -> str:
        self.settled.append("released")
        self.cooldowns.append(cooldown)
        return "CONSUMED"

    def reclaim(self, claim: FakeClaim, timeout: float) -> FakeClaim | None:
        return self.next_claim


class FakeClient:
    """Documents in memory, merged and refused as the server does; faults on demand."""

    def __init__(self, *documents: dict[str, Any]) -> None:
        self.documents = {document["id"]: document for document in documents}
        self.edits: list[dict[str, Any]] = []
        self.reads = 0
        self.probes = 0
        self.faults: list[tuple[str, Exception | None]] = []
        """What the next calls do: the method, and an error to raise (None: succeed)."""
        self.applies_before_fault = False

    def fail(self, method: str, *errors: Exception | None) -> None:
        """Let the next calls of a method raise."""
        self.faults += [(method, error) for error in errors]

    def _meet_fault(self, method: str) -> None:
        for index, (wanted, error) in enumerate(self.faults):
            if wanted == method:
                del self.faults[index]
                if error is not None:
                    raise error
                return

    def get_job(self, job_id: str) -> dict[str, Any]:
        self.reads += 1
        self._meet_fault("get")
        if job_id not in self.documents:
            raise NotFound(f"{job_id} not found", status=404)
        return dict(self.documents[job_id])

    def edit_job(self, job_id: str, changes: Mapping[str, Any]) -> dict[str, Any]:
        if self.applies_before_fault:
            applied = self._edit(job_id, changes)
            self._meet_fault("edit")
            return applied
        self._meet_fault("edit")
        return self._edit(job_id, changes)

    def _edit(self, job_id: str, changes: Mapping[str, Any]) -> dict[str, Any]:
        if job_id not in self.documents:
            raise NotFound(f"{job_id} not found", status=404)
        if self.documents[job_id]["state"] in ("SUCCESS", "FAILED", "CANCELED"):
            raise EditConflict("edit is not allowed in final state", status=409)
        self.edits.append(dict(changes))
        self.documents[job_id] = {**self.documents[job_id], **changes}
        return dict(self.documents[job_id])

    def official(self) -> Any:
        return "the official client"

    def official_as(self, authn_header: str) -> Any:
        return authn_header

    def probe(self) -> float:
        self.probes += 1
        self._meet_fault("probe")
        return 0.001


def make_actions(work: Callable[[Any], object], name: str = "act") -> dict[str, ActionPlugin]:
    """One action whose do_work() calls work(job)."""

    class Acting:
        def __init__(self, job: Any) -> None:
            self.job = job

        def do_work(self) -> object:
            return work(self.job)

    plugin = ActionPlugin(name=name, place="here", make=lambda executor, job: Acting(job))
    return {name: plugin}


class FakeClaimingQueue(FakeQueue):
    """Hands out claims as the real queue does: none while paused, none once stopped."""

    def __init__(self, *claims: FakeClaim) -> None:
        super().__init__()
        self.waiting = list(claims)
        self.paused: list[str] = []
        self.is_stopped = False
        self._changed = threading.Condition()

    def take(self, worker: str, timeout: float) -> FakeClaim | None:
        with self._changed:
            self._changed.wait_for(lambda: self.is_stopped or self._has_work(), timeout)
            return None if self.is_stopped or not self._has_work() else self.waiting.pop(0)

    def put(self, claim: FakeClaim) -> None:
        with self._changed:
            self.waiting.append(claim)
            self._changed.notify_all()

    @property
    def pauses(self) -> tuple[str, ...]:
        return tuple(self.paused)

    def pause(self, reason: str) -> None:
        self.paused.append(reason)

    def resume(self, reason: str | None = None) -> None:
        with self._changed:
            self.paused = [] if reason is None else [r for r in self.paused if r != reason]
            self._changed.notify_all()

    def stop(self) -> None:
        with self._changed:
            self.is_stopped = True
            self._changed.notify_all()

    def join(self, timeout: float) -> bool:
        return True

    def _has_work(self) -> bool:
        return bool(self.waiting) and not self.paused
