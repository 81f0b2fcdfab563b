"""A job API that can fail on purpose, and clients of it."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest

from engine.nuvla.client import NuvlaClient
from engine.nuvla.credentials import Credentials, Header, Password
from engine.settings import Secret
from tests.faults.job_api import JobApi
from tests.faults.job_store import ADMIN_HEADER, PASSWORD, USER, JobStore, new_document

JOB = "job/3d2f5b0e-5f5e-4a6c-9d5e-0a6b7c8d9e0f"
AS_HEADER = Header(Secret(ADMIN_HEADER))
AS_USER = Password(USER, Secret(PASSWORD))

MakeClient = Callable[..., NuvlaClient]


@pytest.fixture
def api() -> Iterator[JobApi]:
    """The API, with one queued job."""
    store = JobStore(lambda job_id, priority: "/job/entries/entry-999-0000000001")
    store.put(new_document(JOB, action="count"))
    server = JobApi(store)
    yield server
    server.close()


@pytest.fixture
def make_client(api: JobApi) -> Iterator[MakeClient]:
    """Make clients of the API; they are closed after the test."""
    made = []

    def make(credentials: Credentials = AS_HEADER, *, timeout: float = 10.0) -> NuvlaClient:
        made.append(NuvlaClient(api.url, credentials=credentials, timeout=timeout))
        return made[-1]

    yield make
    for client in made:
        client.close()


@pytest.fixture
def client(make_client: MakeClient) -> NuvlaClient:
    """A client that needs no log-in."""
    return make_client()
