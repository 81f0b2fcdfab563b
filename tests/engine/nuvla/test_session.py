"""Logging in: once for all threads, again when the session ends, never in a storm."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import pytest

from engine.errors import ApiRefused, ApiUnavailable, LoginRefused
from engine.nuvla.client import NuvlaClient
from engine.nuvla.connection import Place
from engine.nuvla.credentials import ApiKey, Cookies, Header, Password
from engine.nuvla.deadline import Deadline
from engine.nuvla.session import Session
from engine.nuvla.transport import Request, Transport
from engine.settings import Secret
from tests.engine.nuvla.conftest import AS_USER, JOB, MakeClient
from tests.faults import api_faults
from tests.faults.job_api import JobApi
from tests.faults.job_store import COOKIE, PASSWORD, USER
from tests.local_api import LocalApi
from tests.support import eventually

LOGIN, SWITCH = ("POST", "session"), ("POST", "session/[^/]*/switch-group")


def at_once(number: int, call: Callable[[], object]) -> list[object]:
    """Return what a call gives in so many threads that start together; errors as values."""
    gate = threading.Barrier(number)

    def run() -> object:
        gate.wait(10)
        try:
            return call()
        except Exception as error:
            return error

    with ThreadPoolExecutor(number) as pool:
        return [future.result(30) for future in [pool.submit(run) for _ in range(number)]]


def test_a_user_takes_the_administrators_rights(local_api: LocalApi) -> None:
    user = Password(local_api.user, Secret(local_api.password))
    with NuvlaClient(local_api.url, credentials=user) as client:
        job_id = client.add_job({"action": "count"})
        assert client.get_job(job_id)["state"] == "QUEUED"


def test_an_api_key_of_an_administrator_is_one(local_api: LocalApi) -> None:
    key = ApiKey(local_api.api_key, Secret(local_api.api_secret))
    with NuvlaClient(local_api.url, credentials=key) as client:
        assert client.get_job(client.add_job({"action": "count"}))["action"] == "count"


def test_an_ordinary_user_works_with_its_own_rights_and_the_log_says_so_once(
    local_api: LocalApi, caplog: pytest.LogCaptureFixture
) -> None:
    user = Password(local_api.other_user, Secret(local_api.other_password))
    with (
        caplog.at_level(logging.INFO, "engine"),
        NuvlaClient(local_api.url, credentials=user) as client,
    ):
        assert client.search_jobs().count == 0
        for _ in range(3):
            with pytest.raises(ApiRefused):
                client.add_job({"action": "count"})
    said = [record.getMessage() for record in caplog.records if "logged in" in record.getMessage()]
    assert said == ["logged in as user 'jane', with its own rights only"]
    assert local_api.other_password not in caplog.text


def test_wrong_credentials_are_refused_and_not_shown(
    local_api: LocalApi, caplog: pytest.LogCaptureFixture
) -> None:
    user = Password(local_api.user, Secret("canary-wrong"))
    with (
        NuvlaClient(local_api.url, credentials=user) as client,
        pytest.raises(LoginRefused, match="user 'super'") as caught,
    ):
        client.get_job(JOB)
    assert "canary" not in str(caught.value) + caplog.text
    assert [record.levelname for record in caplog.records] == ["ERROR"]


def test_an_identity_header_is_sent_and_never_logs_in(api: JobApi, make_client: MakeClient) -> None:
    client = make_client(Header(Secret("user/jane user/jane")))
    with pytest.raises(ApiRefused):
        client.get_job(JOB)
    assert api.calls[0].headers["nuvla-authn-info"] == "user/jane user/jane"
    assert len(api.calls) == 1


def test_many_threads_log_in_once(api: JobApi, make_client: MakeClient) -> None:
    client = make_client(AS_USER)
    documents = at_once(16, lambda: client.get_job(JOB))
    assert all(isinstance(document, dict) for document in documents)
    assert len(api.called(*LOGIN)) == len(api.called(*SWITCH)) == 1


def test_an_expired_cookie_costs_one_log_in_for_all_threads(
    api: JobApi, make_client: MakeClient
) -> None:
    """Row 49: the request is repeated, with the administrators' rights, and nobody notices."""
    client = make_client(AS_USER)
    client.get_job(JOB)
    for round_ in range(1, 4):
        api.store.cookies.clear()
        answers = at_once(16, lambda: client.edit_job(JOB, {"progress": 5}))
        assert all(isinstance(answer, dict) for answer in answers), answers
        assert len(api.called(*LOGIN)) == len(api.called(*SWITCH)) == 1 + round_


def test_revoked_credentials_are_not_tried_again_and_again(
    api: JobApi, make_client: MakeClient, caplog: pytest.LogCaptureFixture
) -> None:
    """Row 50."""
    client = make_client(AS_USER)
    client.get_job(JOB)
    api.store.cookies.clear()
    api.store.logins_refused = True
    before = len(api.called(*LOGIN))
    for _ in range(3):
        answers = at_once(8, lambda: client.get_job(JOB))
        assert all(isinstance(answer, LoginRefused) for answer in answers), answers
    assert len(api.called(*LOGIN)) == before + 1
    assert len([record for record in caplog.records if record.levelname == "ERROR"]) == 1
    assert PASSWORD not in caplog.text


def test_credentials_that_are_good_again_are_used_after_a_pause(api: JobApi) -> None:
    session = Session(Transport(Place(api.url)), AS_USER, login_pause=2.0)
    read = Request(method="GET", path=JOB, is_safe=True)
    api.store.logins_refused = True
    with pytest.raises(LoginRefused):
        session.call(read, timeout=10)
    with pytest.raises(LoginRefused, match="not tried again for"):
        session.call(read, timeout=10)
    api.store.logins_refused = False

    def is_read() -> bool:
        try:
            return session.call(read, timeout=10).status == 200
        except LoginRefused:
            return False

    eventually(is_read, "the job was read")
    assert len(api.called(*LOGIN)) == 2
    session.close()


def test_a_refusal_of_one_job_costs_no_log_in(api: JobApi, make_client: MakeClient) -> None:
    """Row 51: only the session itself says whether it has ended."""
    client = make_client(AS_USER)
    client.probe()
    api.rule(api_faults.status(403), path=JOB)
    for _ in range(5):
        with pytest.raises(ApiRefused):
            client.get_job(JOB)
    assert len(api.called(*LOGIN)) == 1
    client.probe()


def test_a_session_that_never_worked_is_not_opened_again_and_again(
    api: JobApi, make_client: MakeClient
) -> None:
    """A server whose cookies are worth nothing must not be flooded with log-ins."""
    client = make_client(AS_USER)
    api.rule(api_faults.status(403), path="job.*")
    api.rule(api_faults.body(b'{"count": 0, "resources": []}'), method="GET", path="session")
    for _ in range(5):
        with pytest.raises(ApiRefused):
            client.get_job(JOB)
    assert len(api.called(*LOGIN)) == 1


def test_an_unreachable_log_in_is_tried_by_one_thread_for_all(
    api: JobApi, make_client: MakeClient
) -> None:
    client = make_client(AS_USER, timeout=3.0)
    api.rule(api_faults.late(30, applied=False), method="POST")
    answers = at_once(8, lambda: client.edit_job(JOB, {"progress": 5}))
    assert all(isinstance(answer, ApiUnavailable) for answer in answers), answers
    assert not any(getattr(answer, "maybe_applied", None) for answer in answers)
    assert len(api.called(*LOGIN)) == 1
    api.mend()
    assert client.edit_job(JOB, {"progress": 5})["progress"] == 5


def test_a_call_whose_time_is_up_when_it_has_to_log_in_again_is_unavailable(
    api: JobApi, make_client: MakeClient
) -> None:
    client = make_client(AS_USER, timeout=0.5)
    client.get_job(JOB)
    api.store.cookies.clear()
    api.rule(api_faults.late(30, applied=False), path="session.*")
    for _ in range(2):
        with pytest.raises(ApiUnavailable) as caught:
            client.edit_job(JOB, {"progress": 5})
        assert not caught.value.maybe_applied
    session = Session(Transport(Place(api.url)), AS_USER)
    with pytest.raises(ApiUnavailable, match="logging in"):
        session.identity(Deadline(-1))


def test_a_switch_of_group_that_fails_is_not_taken_for_a_refusal(
    api: JobApi, make_client: MakeClient
) -> None:
    """Otherwise the session would stay without the rights that it may have."""
    client = make_client(AS_USER)
    rule = api.rule(api_faults.status(502), path="session/.*")
    with pytest.raises(ApiUnavailable):
        client.edit_job(JOB, {"progress": 5})
    assert rule.hits
    api.mend()
    assert client.edit_job(JOB, {"progress": 5})["progress"] == 5


def test_a_second_factor_is_said_to_be_the_obstacle(api: JobApi, make_client: MakeClient) -> None:
    api.rule(api_faults.body(b'{"status": 200, "location": "callback/1"}'), path="session")
    with pytest.raises(LoginRefused, match="second factor"):
        make_client(AS_USER).get_job(JOB)


def test_the_cookies_of_an_open_session_are_used_until_it_ends(
    api: JobApi, make_client: MakeClient
) -> None:
    api.store.cookies["t0ken"] = True
    client = make_client(Cookies(((COOKIE, Secret("t0ken")),)))
    assert client.get_job(JOB)["id"] == JOB
    api.store.cookies.clear()
    with pytest.raises(LoginRefused, match="cannot be opened again"):
        client.get_job(JOB)
    assert not api.called(*LOGIN)


def test_what_an_error_of_one_thread_says_is_new_for_each(
    api: JobApi, make_client: MakeClient
) -> None:
    """One instance that is raised in many threads would collect all their tracebacks."""
    client = make_client(AS_USER)
    api.store.logins_refused = True
    first, second = (at_once(1, lambda: client.get_job(JOB))[0] for _ in range(2))
    assert isinstance(first, LoginRefused) and isinstance(second, LoginRefused)
    assert first is not second and USER in str(second)
