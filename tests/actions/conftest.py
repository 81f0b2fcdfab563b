"""A job as an action holds it, over the local API and the real client."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

import pytest

from engine import Job
from engine.nuvla.client import NuvlaClient
from engine.nuvla.credentials import Header
from engine.service.health import ApiHealth
from engine.service.writes import JobWriter
from engine.settings import Secret
from tests.local_api import LocalApi


@dataclass
class HeldClaim:
    """A claim that is never lost."""

    job_id: str
    entry: str = "entry-999-0000000001"
    enqueued_at: datetime = field(default_factory=lambda: datetime.now(UTC))

    def is_live(self) -> bool:
        return True


@pytest.fixture
def client(local_api: LocalApi) -> Iterator[NuvlaClient]:
    """A client with the rights of an administrator."""
    with NuvlaClient(local_api.url, credentials=Header(Secret("group/nuvla-admin"))) as made:
        yield made


AddJob = Callable[..., str]
HoldJob = Callable[..., Job]


@pytest.fixture
def add_job(client: NuvlaClient) -> AddJob:
    """Add a job, in a state, with more attributes; they are edited in afterwards."""

    def add(action: str = "some", state: str = "QUEUED", **attributes: Any) -> str:
        changes = {name.replace("_", "-"): value for name, value in attributes.items()}
        early = ("parent-job", "target-resource")
        parent: dict[str, Any] = {key: changes.pop(key) for key in early if key in changes}
        job_id = client.add_job({"action": action, "execution-mode": "pull", **parent})
        if state != "QUEUED" or changes:
            client.edit_job(job_id, {"state": state, **changes})
        return job_id

    return add


@pytest.fixture
def hold_job(client: NuvlaClient, add_job: AddJob) -> HoldJob:
    """Add a job and return the handle that its action gets."""

    def hold(
        action: str,
        *,
        settings: dict[str, Any] | None = None,
        was_running: bool = False,
        **more: Any,
    ) -> Job:
        job_id = add_job(action, "RUNNING", **more)
        document = client.get_job(job_id)
        writer = JobWriter(document, client=client, claim=HeldClaim(job_id), health=ApiHealth())
        return Job(writer, was_running=was_running, settings=settings)

    return hold
