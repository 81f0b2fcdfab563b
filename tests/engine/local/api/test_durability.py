"""What was acknowledged survives a kill; what failed leaves nothing."""

from __future__ import annotations

import json
import os
import signal
import sqlite3
import subprocess
import sys
import threading
from collections.abc import Iterator
from concurrent.futures import Future
from contextlib import contextmanager
from pathlib import Path

import pytest
import requests

from engine.errors import LocalPlatformError
from engine.local.api import job_table, jobs
from engine.local.api.caller import INTERNAL
from engine.local.api.database import Database
from engine.local.api_server import ApiServer
from tests.local_api import ADMIN_HEADER, running_api

HEADERS = {"nuvla-authn-info": ADMIN_HEADER}
SERVE = """
import signal, sys
from pathlib import Path
from engine.local.api_server import ApiServer

server = ApiServer(Path(sys.argv[1]), zk_hosts="127.0.0.1:1", password="x")
server.start()
print(server.url, flush=True)
signal.pause()
"""


@contextmanager
def server_process(path: Path) -> Iterator[tuple[subprocess.Popen[str], str]]:
    """Serve a database from a process of its own."""
    process = subprocess.Popen(
        [sys.executable, "-c", SERVE, str(path)], stdout=subprocess.PIPE, text=True
    )
    try:
        assert process.stdout is not None
        yield process, process.stdout.readline().strip()
    finally:
        process.kill()
        process.communicate()


def add_until_refused(url: str, acknowledged: list[str], enough: threading.Event) -> None:
    """Add and edit jobs until the server is gone."""
    body = {"action": "x", "execution-mode": "pull"}
    with requests.Session() as session:
        session.headers.update(HEADERS)
        try:
            while True:
                added = session.post(f"{url}/api/job", json=body, timeout=30).json()
                job_id = added["resource-id"]
                edited = session.put(f"{url}/api/{job_id}", json={"name": job_id}, timeout=30)
                assert edited.status_code == 200
                acknowledged.append(job_id)
                if len(acknowledged) >= 40:
                    enough.set()
        except requests.RequestException:
            return


def test_a_killed_server_loses_no_acknowledged_write(tmp_path: Path) -> None:
    path = tmp_path / "api.sqlite"
    acknowledged: list[str] = []
    enough = threading.Event()
    with server_process(path) as (process, url):
        writers = [
            threading.Thread(target=add_until_refused, args=(url, acknowledged, enough))
            for _ in range(3)
        ]
        for writer in writers:
            writer.start()
        assert enough.wait(60)
        os.kill(process.pid, signal.SIGKILL)
        for writer in writers:
            writer.join(60)

    with running_api(path, "127.0.0.1:1") as api:
        for job_id in acknowledged:
            job = requests.get(f"{api.url}/api/{job_id}", headers=HEADERS, timeout=30).json()
            assert job["name"] == job_id
        listed = requests.get(f"{api.url}/api/job", headers=HEADERS, timeout=30).json()
        assert set(acknowledged) <= {job["id"] for job in listed["resources"]}
    with sqlite3.connect(path) as connection:
        assert connection.execute("PRAGMA integrity_check").fetchone() == ("ok",)
    connection.close()


def test_sessions_keys_and_users_survive_a_restart(tmp_path: Path) -> None:
    def start() -> ApiServer:
        server = ApiServer(tmp_path / "a.sqlite", zk_hosts="127.0.0.1:1", password="x")
        server.start()
        return server

    session = requests.Session()
    first = start()
    template = {"href": "session-template/password", "username": "super", "password": "x"}
    body = {"template": template}
    assert session.post(f"{first.url}/api/session", json=body, timeout=30).status_code == 201
    key, secret = first.create_api_key()
    first.stop()

    second = start()
    template = {"href": "session-template/api-key", "key": key, "secret": secret}
    try:
        assert second.user_id("super") == first.user_id("super")
        assert session.get(f"{second.url}/api/job", timeout=30).status_code == 200
        by_key = requests.post(f"{second.url}/api/session", json={"template": template}, timeout=30)
        assert by_key.status_code == 201
    finally:
        second.stop()


def test_a_new_password_replaces_the_old_one(tmp_path: Path) -> None:
    statuses = []
    for password in ("the old one", "the new one"):
        server = ApiServer(tmp_path / "a.sqlite", zk_hosts="127.0.0.1:1", password=password)
        server.start()
        for tried in ("the old one", "the new one"):
            template = {
                "href": "session-template/password",
                "username": "super",
                "password": tried,
            }
            answer = requests.post(
                f"{server.url}/api/session", json={"template": template}, timeout=30
            )
            statuses.append(answer.status_code)
        server.stop()

    assert statuses == [201, 403, 403, 201]
    stored = (tmp_path / "a.sqlite").read_bytes()
    assert b"the new one" not in stored


@pytest.fixture
def database(tmp_path: Path) -> Iterator[Database]:
    """An open database."""
    made = Database(tmp_path / "api.sqlite", durable=False)
    made.open()
    yield made
    made.close()


def a_job(number: int) -> jobs.Document:
    body = {"action": "x", "execution-mode": "pull"}
    return jobs.new_job(body, job_id=f"job/a-{number}", caller=INTERNAL, now=number)


def test_work_that_fails_is_undone_alone(database: Database) -> None:
    hold = threading.Event()

    def wait(connection: sqlite3.Connection) -> None:
        hold.wait(30)

    def half(connection: sqlite3.Connection) -> None:
        job_table.insert(connection, a_job(1))
        raise ValueError("half done")

    def whole(connection: sqlite3.Connection) -> None:
        job_table.insert(connection, a_job(2))

    # The first keeps the thread busy, so that the other two share a transaction.
    futures: list[Future[None]] = [database.write(work) for work in (wait, half, whole)]
    hold.set()

    with pytest.raises(ValueError, match="half done"):
        futures[1].result(30)
    futures[2].result(30)
    with database.reading() as connection:
        assert job_table.find(connection, "job/a-1") is None
        assert job_table.find(connection, "job/a-2") is not None


def test_a_second_job_of_one_id_is_refused(database: Database) -> None:
    def work(connection: sqlite3.Connection) -> None:
        job_table.insert(connection, a_job(1))

    database.write(work).result(30)
    with pytest.raises(sqlite3.IntegrityError):
        database.write(work).result(30)


def test_the_files_are_for_their_owner_only(database: Database) -> None:
    database.write(lambda connection: job_table.insert(connection, a_job(1))).result(30)

    files = list(database.path.parent.glob("api.sqlite*"))
    assert len(files) >= 2
    assert {file.stat().st_mode & 0o777 for file in files} == {0o600}


def test_a_file_of_another_layout_or_kind_is_refused(tmp_path: Path) -> None:
    newer, other = tmp_path / "newer.sqlite", tmp_path / "other.sqlite"
    connection = sqlite3.connect(newer)
    connection.execute("PRAGMA user_version = 99")
    connection.close()
    other.write_text(json.dumps({"not": "a database"}) * 100)

    with pytest.raises(LocalPlatformError, match="layout 99"):
        Database(newer).open()
    with pytest.raises(LocalPlatformError, match="cannot open the database"):
        Database(other).open()


def test_a_taken_port_is_a_clear_error(tmp_path: Path) -> None:
    with running_api(tmp_path / "a.sqlite", "127.0.0.1:1") as api:
        second = ApiServer(
            tmp_path / "b.sqlite", zk_hosts="127.0.0.1:1", password="x", port=api.server.port
        )
        with pytest.raises(LocalPlatformError, match="cannot listen on"):
            second.start()
