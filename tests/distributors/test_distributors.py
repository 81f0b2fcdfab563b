"""The shipped distributors: what they yield, over the local API."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from distributors.dummy_test_action import DummyTestAction
from distributors.jobs_cleanup import JobsCleanup
from distributors.monitor_bulk_jobs import MonitorBulkJobs
from engine import JobRequest
from engine.nuvla.client import NuvlaClient
from engine.nuvla.credentials import Header
from engine.settings import Secret
from tests.local_api import LocalApi


@pytest.fixture
def client(local_api: LocalApi) -> Iterator[NuvlaClient]:
    """A client with the rights of an administrator."""
    with NuvlaClient(local_api.url, credentials=Header(Secret("group/nuvla-admin"))) as made:
        yield made


def bulk(client: NuvlaClient, **changes: object) -> str:
    job_id = client.add_job({"action": "bulk_stop", "execution-mode": "pull"})
    client.edit_job(job_id, {"state": "RUNNING", "tags": ["monitor"], **changes})
    return job_id


def test_each_yields_one_job_of_its_action() -> None:
    assert [job.to_json()["action"] for job in JobsCleanup().job_generator()] == ["cleanup_jobs"]
    requests = [job.to_json() for job in DummyTestAction().job_generator()]
    assert [request["action"] for request in requests] == ["dummy_test_action"]


def test_each_bulk_job_that_goes_on_is_monitored_once(client: NuvlaClient) -> None:
    wanted, monitored = bulk(client), bulk(client)
    bulk(client, state="SUCCESS")
    bulk(client, tags=["other"])
    client.add_job(JobRequest(action="monitor_bulk_job", target=monitored))
    found = list(MonitorBulkJobs(client.official()).job_generator())
    assert [(job.action, job.target) for job in found] == [("monitor_bulk_job", wanted)]


def test_a_bulk_job_is_monitored_again_once_its_monitor_has_ended(client: NuvlaClient) -> None:
    target = bulk(client)
    monitor = client.add_job(JobRequest(action="monitor_bulk_job", target=target))
    generate = MonitorBulkJobs(client.official()).job_generator
    assert list(generate()) == []
    client.edit_job(monitor, {"state": "SUCCESS"})
    assert [job.target for job in generate()] == [target]
