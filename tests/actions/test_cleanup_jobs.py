"""cleanup_jobs: over the API, and in Elasticsearch with the official client."""

from __future__ import annotations

import json
import sys
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, NamedTuple

import pytest

from actions.cleanup_jobs import CleanupJobs
from engine import ActionFailed, SettingsError
from engine.nuvla.client import NuvlaClient
from tests.actions.conftest import AddJob, HoldJob

FINAL = ["SUCCESS", "FAILED", "CANCELED"]


def test_it_deletes_finished_jobs_that_are_old_enough(
    hold_job: HoldJob, add_job: AddJob, client: NuvlaClient
) -> None:
    ended = {add_job(state=state) for state in FINAL}
    alive = {add_job(), add_job(state="RUNNING")}
    job = hold_job("cleanup_jobs", settings={"cleanup_days": 0})
    assert CleanupJobs(job).do_work() == 0
    left = {record.id for record in client.search_jobs().jobs}
    assert left == alive | {job.id}
    assert not left & ended
    assert job["status-message"] == "Deleted 3 finished jobs older than 0 days."


def test_jobs_of_this_week_stay(hold_job: HoldJob, add_job: AddJob, client: NuvlaClient) -> None:
    young = add_job(state="SUCCESS")
    job = hold_job("cleanup_jobs")
    assert CleanupJobs(job).do_work() == 0
    assert client.get_job(young)["state"] == "SUCCESS"
    assert job["status-message"] == "Deleted 0 finished jobs older than 7 days."


@pytest.mark.parametrize("days", ["soon", -1, None, 1e9])
def test_a_setting_that_is_no_number_of_days_fails_the_job(hold_job: HoldJob, days: Any) -> None:
    with pytest.raises(ActionFailed, match="cleanup_days"):
        CleanupJobs(hold_job("cleanup_jobs", settings={"cleanup_days": days})).do_work()


class Asked(NamedTuple):
    """One request, as it came."""

    line: str
    """Method, path and query."""
    headers: dict[str, str]
    body: str


class Elastic(ThreadingHTTPServer):
    """As much of Elasticsearch as a delete-by-query needs."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), ElasticHandler)
        self.asked: list[Asked] = []
        self.product: str | None = "Elasticsearch"
        self.answer: tuple[int, dict[str, Any]] = (200, {"deleted": 12, "timed_out": False})
        self.host = f"127.0.0.1:{self.server_address[1]}"


class ElasticHandler(BaseHTTPRequestHandler):
    """Notes each request and gives the prepared answer."""

    server: Elastic

    def serve(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length", 0))).decode()
        headers = {name.lower(): value for name, value in self.headers.items()}
        self.server.asked.append(Asked(f"{self.command} {self.path}", headers, body))
        status, answer = self.server.answer
        content = json.dumps(answer).encode()
        self.send_response(status)
        if self.server.product:
            self.send_header("X-Elastic-Product", self.server.product)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    do_GET = do_HEAD = do_POST = do_PUT = do_DELETE = serve

    def log_message(self, *arguments: object) -> None:
        """Say nothing."""


@pytest.fixture
def elastic() -> Iterator[Elastic]:
    """A server that answers as Elasticsearch does."""
    server = Elastic()
    thread = threading.Thread(target=server.serve_forever, args=(0.05,))
    thread.start()
    yield server
    server.shutdown()
    thread.join(10)
    server.server_close()


def test_with_elasticsearch_hosts_it_deletes_there(hold_job: HoldJob, elastic: Elastic) -> None:
    job = hold_job("cleanup_jobs", settings={"es_hosts": (elastic.host,), "cleanup_days": 7})
    assert CleanupJobs(job).do_work() == 0
    (asked,) = elastic.asked
    assert asked.line == "POST /nuvla-job/_delete_by_query?conflicts=proceed"
    assert asked.body == (
        '{"query":{"bool":{"filter":[{"terms":{"state":["SUCCESS","FAILED","CANCELED"]}},'
        '{"range":{"created":{"lt":"now-168h"}}}]}}}'
    )
    form = "application/vnd.elasticsearch+json; compatible-with=8"
    assert (asked.headers["accept"], asked.headers["content-type"]) == (form, form)
    assert asked.headers["user-agent"].startswith("elasticsearch-py/8.")
    assert "authorization" not in asked.headers
    assert job["status-message"] == "Deleted 12 finished jobs older than 7 days."


def test_a_user_in_the_url_logs_in_and_its_password_shows_nowhere(
    hold_job: HoldJob, elastic: Elastic, caplog: pytest.LogCaptureFixture
) -> None:
    elastic.answer = (401, {"error": "no"})
    host = f"http://cleaner:canary@{elastic.host}"
    job = hold_job("cleanup_jobs", settings={"es_hosts": (host,)})
    with caplog.at_level(1), pytest.raises(ActionFailed) as failed:
        CleanupJobs(job).do_work()
    assert elastic.asked[0].headers["authorization"] == "Basic Y2xlYW5lcjpjYW5hcnk="
    assert "canary" not in caplog.text + str(failed.value)


def test_a_server_of_another_product_is_refused_by_the_client(
    hold_job: HoldJob, elastic: Elastic
) -> None:
    elastic.product = None
    job = hold_job("cleanup_jobs", settings={"es_hosts": elastic.host})
    with pytest.raises(ActionFailed, match="not Elasticsearch"):
        CleanupJobs(job).do_work()


def test_a_server_that_is_away_fails_the_job(hold_job: HoldJob) -> None:
    job = hold_job("cleanup_jobs", settings={"es_hosts": "127.0.0.1:1"})
    with pytest.raises(ActionFailed, match=r"Elasticsearch did not delete.*refused"):
        CleanupJobs(job).do_work()


@pytest.mark.parametrize(
    "answer",
    [
        (200, {"deleted": 1, "timed_out": True}),
        (200, {"deleted": 1, "failures": [{"index": "nuvla-job"}]}),
        (403, {"error": "security_exception"}),
    ],
)
def test_what_elasticsearch_does_not_delete_fails_the_job(
    hold_job: HoldJob, elastic: Elastic, answer: tuple[int, dict[str, Any]]
) -> None:
    elastic.answer = answer
    job = hold_job("cleanup_jobs", settings={"es_hosts": elastic.host})
    with pytest.raises(ActionFailed):
        CleanupJobs(job).do_work()


def test_a_missing_client_says_what_to_install(
    hold_job: HoldJob, monkeypatch: pytest.MonkeyPatch
) -> None:
    # None in its place makes an import of it fail, and no other: servers of ours may be importing.
    monkeypatch.setitem(sys.modules, "elasticsearch", None)
    job = hold_job("cleanup_jobs", settings={"es_hosts": "es:9200"})
    with pytest.raises(SettingsError, match=r"pip install 'nuvla-console\[elasticsearch\]'"):
        CleanupJobs(job).do_work()
