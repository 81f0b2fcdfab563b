"""The verb `local` as people run it: a process that starts ZooKeeper, the API and services."""

from __future__ import annotations

import json
import os
import signal
import socket
import stat
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import psutil
import pytest

from engine.cli.exit_codes import ExitCode
from engine.cli.local import open_platform
from engine.local.platform import Platform
from engine.models import JobRequest
from engine.nuvla.client import NuvlaClient
from engine.states import JobState
from engine.view.queue import read_queue
from engine.zookeeper.connection import ZooKeeper
from tests.support import eventually


@dataclass
class Local:
    """A running `nuvla-engine local`."""

    process: subprocess.Popen[str]
    platform: Platform
    children: list[psutil.Process] = field(default_factory=list)

    def note_children(self) -> list[psutil.Process]:
        """Remember who runs below it now."""
        self.children = psutil.Process(self.process.pid).children(recursive=True)
        return self.children

    def is_all_gone(self) -> bool:
        """Whether it and all below it have ended."""
        alive = [c for c in self.children if c.is_running() and c.status() != "zombie"]
        return self.process.poll() is not None and not alive

    def end(self, number: signal.Signals = signal.SIGTERM) -> int:
        """Send a signal, wait until all have ended, and return the exit code."""
        self.note_children()
        self.process.send_signal(number)
        code = self.process.wait(60)
        eventually(self.is_all_gone, "every process below it has ended")
        return code


class Starter:
    """Starts `nuvla-engine local`, and ends what is left."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.started: list[subprocess.Popen[str]] = []

    def launch(self, *arguments: str) -> subprocess.Popen[str]:
        """Start the process."""
        command = [sys.executable, "-m", "engine.cli.main", "local", *arguments]
        with (self.folder / "err").open("ab") as errors:
            process = subprocess.Popen(
                [*command, "--data", str(self.folder / "data")],
                stdout=subprocess.PIPE,
                stderr=errors,
                text=True,
            )
        self.started.append(process)
        return process

    def __call__(self, *arguments: str) -> Local:
        """Start it, and wait for its line."""
        process = self.launch(*arguments)
        assert process.stdout is not None
        line = process.stdout.readline()
        assert line, self.errors()
        return Local(process, Platform(**json.loads(line)))

    def errors(self) -> str:
        """Return what all wrote to stderr."""
        return (self.folder / "err").read_text("utf-8")

    def close(self) -> None:
        """Kill what still runs."""
        for process in self.started:
            process.kill()
            process.communicate(timeout=30)


@pytest.fixture
def start(tmp_path: Path) -> Iterator[Starter]:
    """Start platforms in one data folder."""
    starter = Starter(tmp_path)
    yield starter
    starter.close()


def states(client: NuvlaClient) -> dict[str, Any]:
    """Return the state of each job by its action."""
    return {job.action: job.state for job in client.search_jobs(last=100).jobs}


def queued(platform: Platform) -> list[str | None]:
    """Return the ids of the jobs in the queue."""
    zk = ZooKeeper(platform.zk_hosts)
    zk.start()
    try:
        assert zk.wait_connected(15)
        return [entry.job_id for entry in read_queue(zk).entries]
    finally:
        zk.close()


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_it_serves_until_it_is_told_to_stop(start: Starter, number: signal.Signals) -> None:
    local = start()
    assert local.platform.pid == local.process.pid
    with open_platform(local.platform) as client:
        job_id = client.add_job(JobRequest(action="x"))
    assert queued(local.platform) == [job_id]
    assert len(local.note_children()) == 1
    assert local.end(number) == ExitCode.OK


def test_a_second_one_on_the_folder_is_refused(start: Starter) -> None:
    first = start()
    second = start.launch()
    assert second.wait(60) == ExitCode.REFUSED
    assert f"already (process {first.process.pid})" in start.errors()
    assert first.process.poll() is None


def test_a_killed_one_leaves_no_orphan_and_a_folder_that_starts_again(start: Starter) -> None:
    first = start("--executors", "1")
    with open_platform(first.platform) as client:
        job_id = client.add_job({"action": "x", "execution-mode": "push", "priority": 999})
        pulled = client.add_job({"action": "y", "execution-mode": "pull"})
        eventually(lambda: client.get_job(job_id)["state"] == "FAILED", "an executor works")
    running = "ZooKeeper, and an executor with its guard, run"
    eventually(lambda: len(first.note_children()) == 3, running)
    first.end(signal.SIGKILL)
    second = start()
    assert second.platform.zk_hosts == first.platform.zk_hosts
    assert second.platform.api_url == first.platform.api_url
    assert second.platform.api_pass == first.platform.api_pass
    with open_platform(second.platform) as client:
        assert client.get_job(job_id)["state"] == "FAILED"
        assert client.get_job(pulled)["state"] == "QUEUED"
        waiting = client.add_job(JobRequest(action="z"))
    assert second.end(signal.SIGKILL) == -signal.SIGKILL
    third = start()
    assert queued(third.platform) == [waiting]


def test_services_and_jobs_come_on_request(start: Starter) -> None:
    local = start(
        "--executors", "2", "--threads", "2", "--distributors", "jobs_cleanup", "--jobs", "6"
    )
    with open_platform(local.platform) as client:

        def is_done() -> bool:
            page = client.search_jobs(last=100)
            demo = [job for job in page.jobs if job.action.startswith("demo_")]
            others = [job for job in page.jobs if job.action == "cleanup_jobs"]
            return len(demo) == 6 and all(job.is_final for job in demo) and bool(others)

        eventually(is_done, "the demo jobs are done, and distributors distribute", within=60)
        assert JobState.SUCCESS in states(client).values()
    whole = "ZooKeeper, a distributor, and two executors run, each with its guard"
    eventually(lambda: len(local.note_children()) == 6, whole, within=60)
    assert local.end() == ExitCode.OK


@pytest.mark.parametrize("flag", ["--zk-port", "--api-port"])
def test_a_port_that_is_in_use_is_told(start: Starter, flag: str) -> None:
    with socket.create_server(("127.0.0.1", 0)) as other:
        number = other.getsockname()[1]
        assert start.launch(flag, str(number)).wait(60) == ExitCode.REFUSED
    assert f"port {number} is in use" in start.errors()


def test_a_part_that_ends_ends_the_platform(start: Starter) -> None:
    local = start()
    (java,) = local.note_children()
    java.kill()
    assert local.process.wait(60) == ExitCode.REFUSED
    assert "ZooKeeper has ended" in start.errors()


def test_a_service_that_cannot_start_is_told(start: Starter) -> None:
    local = start("--distributors", "no_such_distributor")
    assert local.process.wait(60) == ExitCode.REFUSED
    assert "distributor has ended with 2" in start.errors()


def test_secrets_are_private_and_in_no_command_line(start: Starter) -> None:
    local = start("--executors", "1")
    password = Path(local.platform.data) / "password"
    assert stat.S_IMODE(password.stat().st_mode) == 0o600
    assert stat.S_IMODE(os.stat(local.platform.data).st_mode) == 0o700
    eventually(lambda: len(local.note_children()) == 2, "ZooKeeper and an executor run")
    for process in local.children:
        assert local.platform.api_pass not in " ".join(process.cmdline())


def test_only_loopback_unless_told_otherwise(start: Starter) -> None:
    local = start()
    processes = [psutil.Process(local.process.pid), *local.note_children()]
    addresses = {
        connection.laddr.ip
        for process in processes
        for connection in process.net_connections("tcp")
        if connection.status == psutil.CONN_LISTEN
    }
    assert {address.removeprefix("::ffff:") for address in addresses} == {"127.0.0.1"}
    local.end()
    start("--host", "0.0.0.0")
    assert "whoever reaches 0.0.0.0" in start.errors()
