"""The published nuvla-api against the local API, with a real queue (contract, section 8)."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from nuvla.api import Api
from nuvla.api.api import NuvlaError

from tests.local_api import ADMIN_HEADER, LocalApi


def client(api: LocalApi, **options: object) -> Api:
    return Api(api.url, insecure=True, persist_cookie=False, **options)


def by_password(api: LocalApi) -> Api:
    made = client(api)
    assert made.login_password(api.user, api.password).status_code == 201
    switched = made.operation(made.get(made.current_session()), "switch-group", ADMIN_CLAIM)
    assert switched.data["active-claim"] == "group/nuvla-admin"
    return made


def by_key(api: LocalApi) -> Api:
    made = client(api)
    assert made.login_apikey(api.api_key, api.api_secret).status_code == 201
    return made


def by_header(api: LocalApi) -> Api:
    return client(api, authn_header=ADMIN_HEADER)


def compressing(api: LocalApi) -> Api:
    return client(api, authn_header=ADMIN_HEADER, compress=True)


ADMIN_CLAIM = {"claim": "group/nuvla-admin"}


@pytest.mark.parametrize("log_in", [by_password, by_key, by_header, compressing])
def test_the_life_of_a_job(local_api: LocalApi, log_in: Callable[[LocalApi], Api]) -> None:
    nuvla = log_in(local_api)
    job_id = nuvla.add("job", {"action": "x", "payload": "p" * 5000}).data["resource-id"]

    assert nuvla.get(job_id).data["state"] == "QUEUED"
    assert nuvla.get(job_id, select="state").data.keys() == {"id", "state"}
    assert nuvla.edit(job_id, {"state": "RUNNING"}).data["state"] == "RUNNING"
    assert "payload" not in nuvla.edit(job_id, {"progress": 3}, select=["payload"]).data
    assert "cancel" in nuvla.get(job_id).operations
    assert nuvla.operation(nuvla.get(job_id), "cancel").data["state"] == "CANCELED"
    with pytest.raises(NuvlaError) as late:
        nuvla.edit(job_id, {"progress": 4})
    assert late.value.response.status_code == 409
    assert late.value.reason == "edit is not allowed in final state"
    assert nuvla.delete(job_id).data["message"] == f"{job_id} deleted"
    with pytest.raises(NuvlaError) as gone:
        nuvla.delete(job_id)
    assert gone.value.response.status_code == 404


def test_the_searches_of_the_published_engine(local_api: LocalApi) -> None:
    nuvla = by_header(local_api)
    for action in ("bulk_start", "bulk_stop", "x"):
        nuvla.add("job", {"action": action, "execution-mode": "pull", "tags": ["monitor"]})
    bulk = nuvla.search("job", filter='action^="bulk"', orderby="created:desc", select="id, action")
    states = ["RUNNING", "QUEUED"]

    assert [job.data["action"] for job in bulk.resources] == ["bulk_stop", "bulk_start"]
    assert nuvla.search("job", filter=f"state={states}", last=10000).count == 3
    assert nuvla.search("job", filter='action^="bulk" and tags="monitor"', last=0).count == 2
    assert nuvla.search("job", filter='created>"now-1h"', first=2, last=2).count == 3
    assert nuvla.search("job").count == 3
    found = nuvla.search("job", aggregation="terms:state", last=0).data["aggregations"]
    assert found["terms:state"]["buckets"] == [{"key": "QUEUED", "doc_count": 3}]
    assert nuvla.delete_bulk("job", 'action^="bulk"').data["deleted"] == 2
    assert nuvla.search("job").count == 1
    with pytest.raises(NuvlaError) as none:
        nuvla.operation_bulk("job", "id!=null", "stop", {})
    assert none.value.response.status_code == 404


def test_sessions_begin_and_end(local_api: LocalApi) -> None:
    nuvla = client(local_api)

    assert not nuvla.is_authenticated()
    assert nuvla.login_password(local_api.user, "wrong").status_code == 403
    assert nuvla.login_password(local_api.user, local_api.password).status_code == 201
    assert nuvla.is_authenticated()
    nuvla.logout()
    assert not nuvla.is_authenticated()
    assert not by_header(local_api).is_authenticated()


def test_it_logs_in_again_by_itself(local_api: LocalApi) -> None:
    nuvla = client(local_api, reauthenticate=True)
    nuvla.login_password(local_api.user, local_api.password)
    nuvla.session.cookies.clear()

    assert nuvla.search("job").count == 0


def test_the_entry_point(local_api: LocalApi) -> None:
    entry = client(local_api).cloud_entry_point

    assert entry.base_uri == f"{local_api.url}/api/"
    assert entry.collections["job"]
