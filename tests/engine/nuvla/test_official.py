"""The official client as actions get it."""

from __future__ import annotations

import threading
import time

import pytest
import requests
from nuvla.api import Api
from nuvla.api.api import NuvlaError

from engine.nuvla.client import NuvlaClient
from engine.nuvla.credentials import ApiKey, Password
from engine.settings import Secret
from tests.engine.nuvla.conftest import AS_USER, JOB, MakeClient
from tests.faults import api_faults
from tests.faults.job_api import JobApi
from tests.local_api import ADMIN_HEADER, LocalApi


def test_it_has_our_identity_and_all_its_calls_work(local_api: LocalApi) -> None:
    user = Password(local_api.user, Secret(local_api.password))
    with NuvlaClient(local_api.url, credentials=user) as client:
        api = client.official()
        job_id = api.add("job", {"action": "count"}).data["resource-id"]
        assert api.edit(job_id, {"progress": 7}).data["progress"] == 7
        assert api.search("job", filter="progress=7").count == 1
        assert api.operation(api.get(job_id), "cancel").data["state"] == "CANCELED"
        api.delete(job_id)
        with pytest.raises(NuvlaError):
            api.get(job_id)
        assert isinstance(api, Api) and api.is_authenticated()


def test_its_new_log_in_is_ours_and_keeps_the_rights(api: JobApi, make_client: MakeClient) -> None:
    client = make_client(AS_USER)
    official = client.official()
    assert official.get(JOB).id == JOB
    api.store.cookies.clear()
    assert official.edit(JOB, {"progress": 7}).data["progress"] == 7
    assert client.edit_job(JOB, {"progress": 8})["progress"] == 8
    assert len(api.called("POST", "session")) == 2


def test_each_thread_has_its_own_and_keeps_it(make_client: MakeClient) -> None:
    client = make_client()
    others: list[Api] = []
    thread = threading.Thread(target=lambda: others.append(client.official()))
    thread.start()
    thread.join(10)
    assert client.official() is client.official()
    assert others[0] is not client.official()


def test_a_refusal_of_one_resource_costs_no_log_in(api: JobApi, make_client: MakeClient) -> None:
    official = make_client(AS_USER).official()
    official.get(JOB)
    api.rule(api_faults.status(403), path=JOB)
    for _ in range(3):
        with pytest.raises(NuvlaError):
            official.get(JOB)
    assert len(api.called("POST", "session")) == 1


def test_it_waits_no_longer_than_we_do(api: JobApi, make_client: MakeClient) -> None:
    api.rule(api_faults.late(30, applied=False))
    started = time.monotonic()
    with pytest.raises(requests.exceptions.ReadTimeout):
        make_client(timeout=0.3).official().get(JOB)
    assert time.monotonic() - started < 10


def test_what_an_answer_sets_does_not_stay_for_the_next_job(
    api: JobApi, make_client: MakeClient
) -> None:
    official = make_client(AS_USER).official()
    official.login_password("somebody", "else")
    official.get(JOB)
    assert not list(official.session.cookies)


def test_a_user_s_identity_is_that_of_the_header(local_api: LocalApi) -> None:
    with NuvlaClient(local_api.url, credentials=AS_USER) as client:
        official = client.official_as(ADMIN_HEADER)
        job_id = official.add("job", {"action": "count"}).data["resource-id"]
        assert official.get(job_id).data["created-by"] == "internal"
        with pytest.raises(NuvlaError):
            client.official_as("user/jane").get(job_id)
        with pytest.raises(ValueError, match="no header"):
            client.official_as("user/jane\r\nx: y")


def test_upstreams_actions_find_the_api_key_where_they_look_for_it(local_api: LocalApi) -> None:
    key = ApiKey(local_api.api_key, Secret(local_api.api_secret))
    with NuvlaClient(local_api.url, credentials=key) as client:
        found = client.official().session.login_params
    assert (found["key"], found["secret"]) == (local_api.api_key, local_api.api_secret)
