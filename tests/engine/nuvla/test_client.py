"""The client beside the local API: requests in, records out."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from engine.errors import ApiRefused, EditConflict, NotFound
from engine.models import JobRequest
from engine.nuvla import filters
from engine.nuvla.client import NuvlaClient
from engine.nuvla.credentials import Header
from engine.settings import Secret
from engine.states import ExecutionMode, JobState
from tests.engine.nuvla.conftest import JOB
from tests.faults import api_faults
from tests.faults.job_api import JobApi
from tests.local_api import ADMIN_HEADER, LocalApi

ROOT = Path(__file__).parents[3]


@pytest.fixture
def real(local_api: LocalApi) -> Iterator[NuvlaClient]:
    """A client of the local API."""
    with NuvlaClient(local_api.url, credentials=Header(Secret(ADMIN_HEADER))) as client:
        yield client


def test_a_job_goes_through_its_life(real: NuvlaClient) -> None:
    request = JobRequest(
        action="count", target="deployment/1", priority=7, execution_mode=ExecutionMode.MIXED
    )
    job_id = real.add_job(request)
    document = real.get_job(job_id)
    assert (document["action"], document["state"]) == ("count", "QUEUED")
    assert document["target-resource"] == {"href": "deployment/1"}
    assert real.edit_job(job_id, {"state": "RUNNING", "status-message": "größer"})
    done = real.edit_job(job_id, {"state": "SUCCESS", "return-code": 0})
    assert (done["progress"], done["id"]) == (100, job_id)
    with pytest.raises(EditConflict):
        real.edit_job(job_id, {"progress": 3})
    with pytest.raises(ApiRefused):
        real.cancel_job(job_id)
    assert real.delete_jobs(filters.equals("id", job_id)) == 1
    with pytest.raises(NotFound):
        real.get_job(job_id)


def test_a_job_is_canceled(real: NuvlaClient) -> None:
    assert real.cancel_job(real.add_job({"action": "count"}))["state"] == "CANCELED"


def test_what_the_schema_refuses_is_refused(real: NuvlaClient) -> None:
    job_id = real.add_job({"action": "count"})
    with pytest.raises(ApiRefused) as caught:
        real.edit_job(job_id, {"no-such-attribute": 1})
    assert caught.value.status == 400 and "schema" in str(caught.value)


def test_a_document_that_is_no_json_is_the_caller_s_error(real: NuvlaClient) -> None:
    for wrong in (float("nan"), object(), {1, 2}):
        with pytest.raises(ValueError):
            real.add_job({"action": "count", "payload": wrong})


def test_a_query_gives_records_in_order_counts_and_aggregations(real: NuvlaClient) -> None:
    wanted = [real.add_job({"action": "count", "priority": number}) for number in (5, 3, 4)]
    real.add_job({"action": "other"})
    page = real.search_jobs(
        filter=filters.equals("action", "count"),
        orderby="priority:asc",
        first=1,
        last=2,
        select=["priority"],
        aggregation="terms:state",
    )
    assert [job.id for job in page.jobs] == [wanted[1], wanted[2]]
    assert [job.priority for job in page.jobs] == [3, 4]
    assert page.jobs[0].state is JobState.QUEUED and page.jobs[0].action == "count"
    assert (page.count, page.unreadable) == (3, 0)
    assert page.aggregations["terms:state"]["buckets"][0]["doc_count"] == 3
    assert real.search_jobs(last=0).jobs == ()


def test_a_long_filter_is_sent_whole(real: NuvlaClient) -> None:
    ids = [f"job/{number}" for number in range(3000)]
    assert real.search_jobs(filter=filters.any_of("id", [*ids])).count == 0


def test_a_probe_takes_time_and_needs_rights(real: NuvlaClient, local_api: LocalApi) -> None:
    assert 0 < real.probe() < 30
    header = Header(Secret("user/jane"))
    with NuvlaClient(local_api.url, credentials=header) as stranger, pytest.raises(ApiRefused):
        stranger.probe()


def test_documents_that_follow_no_contract_are_counted(api: JobApi, client: NuvlaClient) -> None:
    good = {"id": JOB, "action": "count", "state": "QUEUED"}
    odd = [None, {}, {"id": JOB}, {"id": JOB, "action": "count", "state": "LOST"}]
    page = {"count": "many", "resources": [*odd, good], "aggregations": None}
    api.rule(api_faults.changed(lambda document: page), path="job")
    found = client.search_jobs()
    assert [job.id for job in found.jobs] == [JOB]
    assert (found.unreadable, found.count, found.aggregations) == (4, 5, {})


def test_a_verb_that_asks_the_api_does_not_load_the_official_client() -> None:
    """It would double the time that `nuvla-engine` takes to start."""
    program = "import sys, engine.nuvla.client; sys.exit('requests' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", program], timeout=60, cwd=ROOT)
    assert done.returncode == 0
