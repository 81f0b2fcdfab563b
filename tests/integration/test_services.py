"""The services as service managers run them: `--job-id`, logs, flags of the published engine."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest

from engine.cli.exit_codes import ExitCode
from engine.nuvla.client import NuvlaClient
from engine.nuvla.credentials import Password
from engine.settings import Secret
from engine.view.members import read_members
from engine.zookeeper.connection import ZooKeeper
from engine.zookeeper.paths import OwnPaths
from tests.local_api import LocalApi
from tests.support import eventually

ACTIONS = """
from engine import action

@action("greet")
class Greet:
    def __init__(self, job):
        self.job = job

    def do_work(self):
        self.job.set_status_message("hello")

@action("refuse")
class Refuse:
    def __init__(self, job):
        self.job = job

    def do_work(self):
        return 3
"""


class Services:
    """Starts `nuvla-engine` services against one ZooKeeper and one API."""

    def __init__(self, folder: Path, zk_hosts: str, api: LocalApi) -> None:
        self.folder = folder
        self.actions = folder / "actions"
        self.actions.mkdir()
        (self.actions / "greet.py").write_text(ACTIONS, encoding="utf-8")
        # Flags in the published engine's dialect; the secret is where it cannot be listed.
        self.reach = ["--zk-hosts", zk_hosts, "--api-url", api.url, "--api-user", api.user]
        self.password = api.password
        self.started: list[subprocess.Popen[str]] = []

    def start(self, *arguments: str, reach: Sequence[str] = ()) -> subprocess.Popen[str]:
        """Start a service."""
        process = subprocess.Popen(
            [sys.executable, "-m", "engine.cli.main", *arguments, *(reach or self.reach)],
            env={
                "PATH": os.environ["PATH"],
                "HOME": str(self.folder),
                "NUVLA_API_PASS": self.password,
            },
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        self.started.append(process)
        return process

    def executor(self, *arguments: str) -> subprocess.Popen[str]:
        """Start an executor that knows the two actions."""
        return self.start("executor", "--actions-path", str(self.actions), *arguments)

    def close(self) -> None:
        """Kill what still runs."""
        for process in self.started:
            process.kill()
            process.communicate(timeout=30)


@pytest.fixture
def services(tmp_path: Path, zk_hosts: str, local_api: LocalApi) -> Iterator[Services]:
    """Services of this test."""
    started = Services(tmp_path, zk_hosts, local_api)
    yield started
    started.close()


@pytest.fixture
def client(local_api: LocalApi) -> Iterator[NuvlaClient]:
    """A client with all rights."""
    credentials = Password(local_api.user, Secret(local_api.password))
    with NuvlaClient(local_api.url, credentials=credentials) as client:
        yield client


@pytest.fixture
def zk(zk_hosts: str) -> Iterator[ZooKeeper]:
    """A connected session."""
    session = ZooKeeper(zk_hosts, session_timeout=4.0)
    session.start()
    assert session.wait_connected(15)
    yield session
    session.close()


def test_one_job_is_run_without_zookeeper_and_decides_the_exit_code(
    services: Services, client: NuvlaClient
) -> None:
    good = client.add_job({"action": "greet", "execution-mode": "pull"})
    bad = client.add_job({"action": "refuse", "execution-mode": "pull"})
    for job_id, code in ((good, ExitCode.OK), (bad, ExitCode.REFUSED)):
        process = services.executor("--job-id", job_id, "--zk-hosts", "127.0.0.1:1")
        _, log = process.communicate(timeout=60)
        assert process.returncode == code, log
    assert client.get_job(good)["state"] == "SUCCESS"
    assert client.get_job(good)["status-message"] == "hello"
    assert client.get_job(bad)["return-code"] == 3


def test_logs_go_to_a_folder_in_json_with_the_job_of_each_line(
    services: Services, client: NuvlaClient, tmp_path: Path
) -> None:
    job_id = client.add_job({"action": "greet"})
    logs = tmp_path / "logs"
    logs.mkdir()
    process = services.executor("--log-dir", str(logs), "--log-format", "json", "--name", "one")
    eventually(lambda: client.get_job(job_id)["state"] == "SUCCESS", "the job is done", within=60)
    process.send_signal(signal.SIGUSR1)
    (file,) = logs.glob("*.log")

    def said() -> str:
        return file.read_text("utf-8")

    eventually(lambda: "stacks of all threads" in said(), "the stacks are in the log")
    process.terminate()
    out, err = process.communicate(timeout=60)
    assert (process.returncode, out, err) == (ExitCode.OK, "", "")
    records = [json.loads(line) for line in said().splitlines()]
    assert any(record.get("job_id") == job_id for record in records)
    assert services.password not in said()


def test_members_are_there_while_the_services_are(services: Services, zk: ZooKeeper) -> None:
    (services.actions / "broken.py").write_text("raise ImportError('no docker')", encoding="utf-8")
    executor = services.executor("--name", "exec a/1", "--threads", "3")
    distributor = services.start("distributor", "jobs_cleanup", "--interval", "jobs_cleanup=60")

    def members() -> dict[str, str]:
        found = read_members(zk, OwnPaths()).members
        return {member.name: str(member.state) for member in found}

    eventually(
        lambda: members() == {"exec a/1": "running", "distributor": "running"},
        "both are members",
        within=60,
    )
    (member,) = [m for m in read_members(zk, OwnPaths()).members if m.name == "exec a/1"]
    assert member.pid == executor.pid
    assert {"greet", "refuse", "cleanup_jobs"} <= set(member.offers)
    assert "no docker" in member.broken[0]
    for process in (executor, distributor):
        process.terminate()
        process.communicate(timeout=60)
        assert process.returncode == ExitCode.OK
    assert members() == {}
