"""A server for the contract's tests: one a module, emptied before each test, queue in memory."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import requests

from engine.local.api_server import ApiServer
from tests.local_api import ADMIN_HEADER

PASSWORDS = {"super": "a secret of super", "jane": "a secret of jane"}
JANE_HEADER = "user/jane user/jane user/jane group/nuvla-user group/nuvla-anon"


class ListedQueue:
    """A queue that is a list of job id and priority; tests of the real one are elsewhere."""

    def __init__(self) -> None:
        self.entries: list[tuple[str, int]] = []
        self._numbers = itertools.count()

    def start(self) -> None:
        """Nothing to connect to."""

    def put(self, job_id: str, priority: int) -> str:
        """Note the job."""
        self.entries.append((job_id, priority))
        return f"/job/entries/entry-{priority:03d}-{next(self._numbers):010d}"

    def close(self) -> None:
        """Nothing to close."""


class Http:
    """Requests of one caller to one server."""

    def __init__(self, url: str, header: str | None = None) -> None:
        self.url = url
        self.session = requests.Session()
        if header is not None:
            self.session.headers["nuvla-authn-info"] = header

    def __call__(self, method: str, path: str, **options: Any) -> requests.Response:
        options.setdefault("timeout", 30)
        options.setdefault("allow_redirects", False)
        return self.session.request(method, self.url + path, **options)

    def add(self, **body: Any) -> str:
        """Add a job and return its id; a pull job unless told otherwise."""
        sent = {"action": "x", "execution-mode": "pull", **underscored(body)}
        response = self("POST", "/api/job", json=sent)
        assert response.status_code == 201, response.text
        return str(response.json()["resource-id"])

    def job(self, job_id: str) -> dict[str, Any]:
        """Read a job."""
        response = self("GET", f"/api/{job_id}")
        assert response.status_code == 200, response.text
        document: dict[str, Any] = response.json()
        return document

    def edit(self, job_id: str, **body: Any) -> dict[str, Any]:
        """Edit a job and return the answer."""
        response = self("PUT", f"/api/{job_id}", json=underscored(body))
        assert response.status_code == 200, response.text
        document: dict[str, Any] = response.json()
        return document

    def query(self, **form: Any) -> dict[str, Any]:
        """List jobs."""
        response = self("PUT", "/api/job", data=form)
        assert response.status_code == 200, response.text
        collection: dict[str, Any] = response.json()
        return collection

    def found(self, filter: str) -> set[str]:
        """Return the names of the jobs that a filter matches."""
        return {job.get("name", "") for job in self.query(filter=filter)["resources"]}


def underscored(body: dict[str, Any]) -> dict[str, Any]:
    """Return attributes written as Python names under the names of the API."""
    return {key.replace("_", "-"): value for key, value in body.items()}


@pytest.fixture(scope="module")
def queue() -> ListedQueue:
    """The queue of the module's server."""
    return ListedQueue()


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory, queue: ListedQueue) -> Iterator[ApiServer]:
    """The module's server."""
    path: Path = tmp_path_factory.mktemp("api") / "api.sqlite"
    others = {"jane": PASSWORDS["jane"]}
    made = ApiServer(
        path,
        zk_hosts="",
        password=PASSWORDS["super"],
        others=others,
        durable=False,
        enqueuer=queue,
    )
    made.start()
    yield made
    made.stop()


@pytest.fixture
def admin(server: ApiServer, queue: ListedQueue) -> Http:
    """An administrator, on a server without jobs."""
    caller = Http(server.url, ADMIN_HEADER)
    caller("DELETE", "/api/job", data={"filter": "id!=null"}, headers={"bulk": "yes"})
    queue.entries.clear()
    return caller


@pytest.fixture
def jane(server: ApiServer, admin: Http) -> Http:
    """An ordinary user, by header."""
    return Http(server.url, JANE_HEADER)


@pytest.fixture
def stranger(server: ApiServer, admin: Http) -> Http:
    """Nobody in particular."""
    return Http(server.url)
