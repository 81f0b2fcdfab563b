"""The verb watch: as a process of its own, which ends when told."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from kazoo.client import KazooClient

from engine.cli.exit_codes import ExitCode
from engine.zookeeper.paths import entry_prefix
from tests.engine.cli.conftest import Run

Start = Callable[..., "subprocess.Popen[str]"]


@pytest.fixture
def start(zk_hosts: str, kazoo: KazooClient, tmp_path: Path) -> Iterator[Start]:
    """Start the verb over this test's queue; its stdout is a pipe."""
    kazoo.ensure_path("/job/entries")
    kazoo.ensure_path("/job/taken")
    started = []

    def run(*words: str) -> subprocess.Popen[str]:
        command = [sys.executable, "-m", "engine.cli.main", "watch", *words]
        environ = {"PATH": os.environ["PATH"], "HOME": str(tmp_path), "NUVLA_ZK_HOSTS": zk_hosts}
        process = subprocess.Popen(
            command, env=environ, text=True, stdout=subprocess.PIPE, stderr=subprocess.PIPE
        )
        started.append(process)
        return process

    yield run
    for process in started:
        process.kill()
        process.communicate()


def line(process: subprocess.Popen[str]) -> Any:
    """Return the next line of JSON."""
    assert process.stdout is not None
    text = process.stdout.readline()
    assert text, process.stderr and process.stderr.read()
    return json.loads(text)


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_changes_are_lines_of_json_until_a_signal_ends_it(
    start: Start, kazoo: KazooClient, number: signal.Signals
) -> None:
    process = start("--json")
    begin = line(process)
    assert (begin["schema"], begin["entries"]) == ("nuvla-engine/watch/1", 0)
    path = kazoo.create(entry_prefix(10), b"job/\x1b[31m", sequence=True)
    came = line(process)
    assert (came["kind"], came["what"], came["job"]) == ("entry", "came", None)
    assert came["subject"] == path.rpartition("/")[2]
    process.send_signal(number)
    out, err = process.communicate(timeout=30)
    assert (process.returncode, out, err) == (ExitCode.OK, "", "")


def test_it_ends_when_its_reader_goes_away_though_nothing_changes(start: Start) -> None:
    process = start("--json")
    line(process)
    assert process.stdout is not None
    process.stdout.close()
    assert process.wait(30) == ExitCode.CLOSED_PIPE
    assert process.stderr is not None
    assert process.stderr.read() == ""


def test_it_prints_only_what_is_asked_for(start: Start, kazoo: KazooClient) -> None:
    kazoo.create(entry_prefix(10), b"job/a", sequence=True)
    process = start("--only", "lock")
    assert process.stderr is not None
    assert process.stderr.readline().startswith("watching 1 entry, 0 locks, 0 members")
    name = kazoo.create(entry_prefix(10), b"job/b", sequence=True).rpartition("/")[2]
    kazoo.create(f"/job/taken/{name}", b"f" * 32, ephemeral=True)
    assert process.stdout is not None
    only = process.stdout.readline()
    process.terminate()
    out, _ = process.communicate(timeout=30)
    assert (process.returncode, out) == (ExitCode.OK, "")
    assert only.split()[1:5] == ["+", "lock", name, "job/b"]


def test_a_zookeeper_that_never_answers_is_a_source_that_was_not_reached(run: Run) -> None:
    ended = run("watch", "--for", "0.5", "--zk-hosts", "127.0.0.1:1")
    assert ended.code == ExitCode.UNREACHED
    assert "127.0.0.1:1" in ended.err
    assert run("watch", "--for", "no").code == ExitCode.USAGE
