"""What a failure on the wire becomes: rows 44 to 48, 58 to 64, 66 and 67 of the failure matrix."""

from __future__ import annotations

import json
import resource
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import pytest

from engine.errors import (
    ApiError,
    ApiRefused,
    ApiUnavailable,
    EditConflict,
    MalformedAnswer,
    NotFound,
)
from engine.nuvla.client import NuvlaClient
from engine.nuvla.transport import DOCUMENT_LIMIT
from tests.engine.nuvla.conftest import AS_HEADER, JOB, MakeClient
from tests.faults import api_faults
from tests.faults.job_api import Exchange, JobApi
from tests.faults.job_store import Answer

Call = Callable[[NuvlaClient], object]

READS: dict[str, Call] = {
    "get": lambda client: client.get_job(JOB),
    "search": lambda client: client.search_jobs(filter="id!=null"),
    "probe": lambda client: client.probe(),
}
WRITES: dict[str, Call] = {
    "edit": lambda client: client.edit_job(JOB, {"progress": 5}),
    "add": lambda client: client.add_job({"action": "count"}),
    "cancel": lambda client: client.cancel_job(JOB),
    "delete": lambda client: client.delete_jobs("id!=null"),
}
CALLS = READS | WRITES


def failure(client: NuvlaClient, call: Call, kind: type[ApiError] = ApiUnavailable) -> ApiError:
    """Return the error that a call ends with."""
    with pytest.raises(kind) as caught:
        call(client)
    assert type(caught.value) is kind
    return caught.value


@pytest.mark.parametrize("call", CALLS.values(), ids=CALLS)
def test_a_refused_connection_is_unavailable_and_nothing_was_done(
    api: JobApi, client: NuvlaClient, call: Call
) -> None:
    """Row 44; the message says what to look at."""
    api.close()
    error = failure(client, call)
    assert not error.maybe_applied and error.status is None
    assert "connection refused" in str(error) and api.url in str(error)


def test_the_api_is_used_again_as_soon_as_it_is_back(api: JobApi, client: NuvlaClient) -> None:
    """Row 45."""
    assert client.get_job(JOB)["state"] == "QUEUED"
    api.close()
    failure(client, CALLS["edit"])
    api.open()
    assert client.edit_job(JOB, {"progress": 5})["progress"] == 5


def test_a_host_name_that_does_not_exist_is_unavailable() -> None:
    """Row 67."""
    client = NuvlaClient("http://no-such-host.invalid", credentials=AS_HEADER)
    assert "host name cannot be resolved" in str(failure(client, CALLS["edit"]))


@pytest.mark.parametrize("status", [500, 502, 503, 504, 429, 408])
def test_a_server_that_is_in_trouble_is_unavailable(
    api: JobApi, client: NuvlaClient, status: int
) -> None:
    """Row 47; a write may have been done unless the server says that it has not begun."""
    api.rule(api_faults.status(status))
    for call in READS.values():
        error = failure(client, call)
        assert error.status == status and not error.maybe_applied
    assert failure(client, WRITES["edit"]).maybe_applied is (status not in (429, 503))


def test_a_short_trouble_is_not_noticed_by_who_reads(api: JobApi, client: NuvlaClient) -> None:
    rule = api.rule(api_faults.status(502), times=2)
    assert client.get_job(JOB)["id"] == JOB
    assert len(rule.hits) == 2


def test_a_write_is_never_repeated(api: JobApi, client: NuvlaClient) -> None:
    for call in WRITES.values():
        rule = api.rule(api_faults.status(502), method="PUT|POST|DELETE")
        failure(client, call)
        assert len(rule.hits) == 1
        api.mend()


@pytest.mark.parametrize(("text", "seconds"), [("7", 7.0), ("1e3", None), ("99999999", 3600.0)])
@pytest.mark.parametrize("status", [429, 503])
def test_who_is_asked_to_wait_is_told_how_long_and_does_not_ask_again(
    api: JobApi, client: NuvlaClient, status: int, text: str, seconds: float | None
) -> None:
    """Row 48: the caller makes all threads wait."""
    rule = api.rule(api_faults.status(status, {"Retry-After": text}))
    error = failure(client, READS["get"])
    assert isinstance(error, ApiUnavailable) and error.retry_after == seconds
    assert len(rule.hits) == (1 if seconds else 3)


# A bulk delete may take long by its nature.
@pytest.mark.parametrize("name", [name for name in CALLS if name != "delete"])
def test_an_answer_that_does_not_come_in_time_ends_the_call(
    api: JobApi, make_client: MakeClient, name: str
) -> None:
    """Rows 58 and 59: a write may have been done."""
    api.rule(api_faults.late(30, applied=True))
    started = time.monotonic()
    error = failure(make_client(timeout=0.4), CALLS[name])
    assert time.monotonic() - started < 10
    assert "too slow" in str(error) and error.maybe_applied is (name in WRITES)


def test_a_body_that_drips_ends_with_the_call_s_time(api: JobApi, make_client: MakeClient) -> None:
    """Row 60: the deadline is that of the whole call."""

    def drip(exchange: Exchange) -> None:
        exchange.send_head(exchange.apply(), length=1000)
        while not api.closing.is_set():
            exchange.send_bytes(b" ")
            exchange.pause(0.05)

    api.rule(drip)
    started = time.monotonic()
    assert "too slow" in str(failure(make_client(timeout=0.5), READS["get"]))
    assert time.monotonic() - started < 10


@pytest.mark.parametrize("call", CALLS.values(), ids=CALLS)
@pytest.mark.parametrize("how", [api_faults.cut_short, api_faults.reset(applied=True)])
def test_an_answer_that_breaks_off_is_unavailable(
    api: JobApi, client: NuvlaClient, how: Callable[[Exchange], None], call: Call
) -> None:
    """Row 61."""
    api.rule(how)
    error = failure(client, call)
    assert error.maybe_applied is (call in WRITES.values())


def test_a_connection_that_was_closed_while_idle_is_replaced(
    api: JobApi, client: NuvlaClient
) -> None:
    """Servers close idle connections; no request is lost to that, a write neither."""
    for call in (READS["get"], WRITES["edit"], WRITES["add"]):
        client.get_job(JOB)
        api.close()
        api.open()
        call(client)
    assert [request.status for request in api.called()].count(None) == 0


def test_connections_that_ended_while_idle_are_closed(api: JobApi, client: NuvlaClient) -> None:
    """A burst of threads leaves connections behind; they must not pile up half closed."""
    gate = threading.Barrier(8)

    def meet(exchange: Exchange) -> None:
        gate.wait(10)
        exchange.send(exchange.apply())

    rule = api.rule(meet, times=8)
    with ThreadPoolExecutor(8) as pool:
        for future in [pool.submit(client.get_job, JOB) for _ in range(8)]:
            future.result(30)
    assert len(rule.hits) == 8
    idle = client._session._transport._idle
    api.close()
    api.open()
    for _ in range(9):
        client.get_job(JOB)
    assert len(idle) == 1


def test_a_connection_is_kept_and_used_again(api: JobApi, client: NuvlaClient) -> None:
    ports = set()

    def note(exchange: Exchange) -> None:
        ports.add(exchange._handler.client_address)
        exchange.send(exchange.apply())

    api.rule(note)
    for _ in range(5):
        client.get_job(JOB)
        client.edit_job(JOB, {"progress": 5})
    assert len(ports) == 1


BODIES: dict[str, bytes] = {
    "nothing": b"",
    "broken JSON": b'{"id": "job/',
    "HTML": b"<html>sign in</html>",
    "null": b"null",
    "a list": b"[]",
    "not UTF-8": b'{"id": "\xff"}',
    "NaN": b'{"id": NaN}',
    "infinite": b'{"id": -Infinity}',
    "a huge number": b'{"id": ' + b"9" * 10_000 + b"}",
    "deep": b"[" * 100_000,
    "another job": json.dumps({"id": "job/0000", "state": "QUEUED"}).encode(),
    "no id": b"{}",
}


@pytest.mark.parametrize("body", BODIES.values(), ids=BODIES)
def test_an_answer_that_is_no_document_is_malformed(
    api: JobApi, client: NuvlaClient, body: bytes
) -> None:
    """Rows 62, 63 and 66."""
    api.rule(api_faults.body(body))
    assert not failure(client, READS["get"], MalformedAnswer).maybe_applied
    for name in ("edit", "add", "delete"):
        assert failure(client, WRITES[name], MalformedAnswer).maybe_applied


def test_an_answer_that_is_too_large_is_refused_unread(api: JobApi, client: NuvlaClient) -> None:
    """Row 63: neither a promise nor a stream fills the memory."""

    def promise(exchange: Exchange) -> None:
        exchange.send_head(Answer(200, b""), length=100_000_000)
        exchange.hang_up()

    def stream(exchange: Exchange) -> None:
        exchange.send_bytes(b"HTTP/1.1 200 OK\r\n\r\n")
        for _ in range(200):
            exchange.send_bytes(b" " * 1_000_000)
        exchange.hang_up()

    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    for fault in (promise, stream):
        api.rule(fault)
        error = failure(client, READS["get"], MalformedAnswer)
        assert str(DOCUMENT_LIMIT) in str(error)
        api.mend()
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 80_000


@pytest.mark.parametrize("call", CALLS.values(), ids=CALLS)
def test_a_redirect_is_not_followed(api: JobApi, client: NuvlaClient, call: Call) -> None:
    """Row 64: credentials go to the endpoint and nowhere else."""
    api.rule(api_faults.status(302, {"Location": "http://127.0.0.1:1/\x1b]0;x"}))
    error = failure(client, call, MalformedAnswer)
    assert "not followed" in str(error) and "\x1b" not in str(error)
    assert len(api.called()) == 1


@pytest.mark.parametrize(
    ("status", "kind"),
    [(400, ApiRefused), (403, ApiRefused), (404, NotFound), (405, ApiRefused), (409, EditConflict)],
)
def test_a_refusal_says_what_the_server_said_and_is_not_repeated(
    api: JobApi, client: NuvlaClient, status: int, kind: type[ApiError]
) -> None:
    rule = api.rule(api_faults.status(status))
    for name in ("get", "edit"):
        error = failure(client, CALLS[name], kind)
        assert error.status == status and "scripted" in str(error)
        assert not error.maybe_applied
    assert len(rule.hits) == 2


@pytest.mark.parametrize(
    "job_id",
    ["", "job", "job/", "job/../user/x", "job/x?y", "http://evil/", "job/a/b", "job/a\r\nX: y"],
)
def test_an_id_that_is_none_never_becomes_a_path(
    api: JobApi, client: NuvlaClient, job_id: str
) -> None:
    """Rows 28 and 131."""
    for call in (client.get_job, client.cancel_job, lambda job: client.edit_job(job, {})):
        with pytest.raises(ApiRefused, match="is not the id of a job"):
            call(job_id)
    assert not api.called()


def test_proxies_of_the_environment_are_not_used(
    client: NuvlaClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Row 67."""
    for name in ("http_proxy", "HTTP_PROXY", "ALL_PROXY"):
        monkeypatch.setenv(name, "http://user:canary@127.0.0.1:1")
    assert client.get_job(JOB)["id"] == JOB
    assert client.official().get(JOB).id == JOB
