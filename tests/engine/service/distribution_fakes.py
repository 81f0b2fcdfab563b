"""Small doubles for what is pure in distributing: an API that adds, nodes, and an election."""

from __future__ import annotations

import re
import threading
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import Any

from engine.models import JobPage, JobRecord, format_time
from engine.service.registry import DistributorPlugin


class FakeAddingClient:
    """Adds jobs in memory and finds them by name or action; faults on demand."""

    def __init__(self) -> None:
        self.added: list[dict[str, Any]] = []
        self.faults: list[Exception | None] = []
        self.search_faults: list[Exception] = []
        self.applies_before_fault = False

    def add_job(self, request: Mapping[str, Any]) -> str:
        fault = self.faults.pop(0) if self.faults else None
        if fault is None or self.applies_before_fault:
            self.added.append({**request, "created": format_time(datetime.now(UTC))})
        if fault is not None:
            raise fault
        return f"job/{len(self.added)}"

    def search_jobs(
        self, *, filter: str | None = None, orderby: str | None = None, last: int | None = None
    ) -> JobPage:
        if self.search_faults:
            raise self.search_faults.pop(0)
        match = re.fullmatch(r"([a-z]+)='([^']*)'", filter or "")
        assert match is not None
        found = [job for job in self.added if job.get(match[1]) == match[2]]
        records = [JobRecord.from_json({"id": "job/1", "state": "QUEUED", **job}) for job in found]
        return JobPage(taken_at=datetime.now(UTC), jobs=tuple(records[-1:]), count=len(found))

    def official(self) -> Any:
        return "the official client"


class FakeNodes:
    """Nodes in memory."""

    def __init__(self) -> None:
        self.data: dict[str, bytes] = {}

    def get(self, path: str, *, timeout: float | None = None) -> tuple[bytes, Any] | None:
        return (self.data[path], None) if path in self.data else None

    def set(self, path: str, data: bytes, *, timeout: float | None = None) -> object | None:
        if path not in self.data:
            return None
        self.data[path] = data
        return data

    def create(self, path: str, data: bytes = b"", *, timeout: float | None = None) -> str:
        self.data[path] = data
        return path


class FakeElection:
    """An election that is won at once, and lost when told so."""

    def __init__(self, name: str = "") -> None:
        self.name = name
        self.is_won = True
        self.is_stopped = threading.Event()

    def run(self, lead: Callable[[Callable[[], bool]], None]) -> None:
        while not self.is_stopped.is_set():
            lead(lambda: self.is_won and not self.is_stopped.is_set())
            self.is_stopped.wait(0.05)

    def stop(self) -> None:
        self.is_stopped.set()


def make_plugin(
    generate: Callable[[], object], *, name: str = "tick", every: float = 3600.0
) -> DistributorPlugin:
    """A distributor whose job_generator() is generate()."""

    class Generating:
        def job_generator(self) -> object:
            return generate()

    return DistributorPlugin(
        name=name, every=every, election=name, place="here", make=lambda api: Generating()
    )
