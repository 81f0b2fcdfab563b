"""Tests of the verbs that act on many jobs at once: --filter and --continue."""

from __future__ import annotations

import json
import os
import pty
import select
import signal
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from engine.act.bulk_file import BulkFile, Order
from engine.cli.exit_codes import ExitCode
from engine.errors import ApiUnavailable
from engine.models import Ending, JobRequest
from engine.nuvla.client import NuvlaClient
from engine.nuvla.credentials import ApiKey
from engine.nuvla.filters import any_of
from engine.settings import Secret
from tests.engine.cli.conftest import Run
from tests.local_api import LocalApi
from tests.support import eventually

pytestmark = pytest.mark.usefixtures("reach")


@pytest.fixture
def client(reach: LocalApi) -> Iterator[NuvlaClient]:
    """A client with all rights."""
    credentials = ApiKey(reach.api_key, Secret(reach.api_secret))
    with NuvlaClient(reach.url, credentials=credentials) as client:
        yield client


@pytest.fixture
def folder() -> Path:
    """Where the record of acts is."""
    return Path(os.environ["NUVLA_AUDIT_FILE"]).parent


def add(client: NuvlaClient, number: int, **request: Any) -> list[str]:
    return [client.add_job(JobRequest(**{"action": "x", **request})) for _ in range(number)]


def states(client: NuvlaClient, jobs: list[str]) -> Counter[str]:
    page = client.search_jobs(filter=any_of("id", jobs), first=1, last=len(jobs))
    return Counter(str(job.state) for job in page.jobs)


def test_all_jobs_that_match_are_acted_on_each_with_its_record(
    run: Run, client: NuvlaClient, folder: Path
) -> None:
    jobs, others = add(client, 12), add(client, 3, action="other")
    ended = run("cancel", "--filter", "action=x", "--yes", "--reason", "a flood")
    assert (ended.code, ended.out) == (ExitCode.OK, "")
    assert "12 of 12: 12 done" in ended.err
    assert states(client, jobs) == {"CANCELED": 12}
    assert states(client, others) == {"QUEUED": 3}
    acts = run("audit", "--json").json["acts"]
    assert sorted(act["subject"] for act in acts) == sorted(jobs)
    assert {(act["outcome"], act["reason"]) for act in acts} == {("done", "a flood")}
    assert list(folder.glob("bulk-*")) == []


def test_the_count_comes_first_and_a_dry_run_lists_them(run: Run, client: NuvlaClient) -> None:
    jobs = add(client, 7)
    asked = run("cancel", "--filter", "action=x")
    assert asked.code == ExitCode.USAGE
    assert "... and 2 more" in asked.err and "--yes" in asked.err
    listed = run("cancel", "--filter", "action=x", "--dry-run")
    assert (listed.code, listed.out.splitlines()) == (ExitCode.OK, jobs)
    assert "cancel 7 jobs that match action=x; nothing was changed" in listed.err
    assert run("cancel", "--filter", "action=x", "--dry-run", "--json").json["total"] == 7
    assert states(client, jobs) == {"QUEUED": 7}


def test_nothing_that_matches_is_no_error(run: Run) -> None:
    ended = run("release", "--filter", "action=nobody", "--yes")
    assert ended.code == ExitCode.OK
    assert "release 0 jobs that match action=nobody" in ended.err


def test_each_that_is_refused_is_named_with_its_reason(run: Run, client: NuvlaClient) -> None:
    jobs = add(client, 3)
    ended = run("reprioritise", "--filter", "action=x", "999", "--yes", "--json")
    assert ended.code == ExitCode.REFUSED
    assert (ended.json["total"], ended.json["refused"], ended.json["done"]) == (3, 3, 0)
    assert {each["subject"] for each in ended.json["not_done"]} == set(jobs)
    told = run("reprioritise", "--filter", "action=x", "999", "--yes")
    assert told.code == ExitCode.REFUSED
    lines = told.out.splitlines()
    assert len(lines) == 3
    assert all("not done: it waits at priority 999 already" in line for line in lines)
    assert run("reprioritise", "--filter", "action=x", "5", "--yes").code == ExitCode.OK


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["cancel"], "name one job, or many"),
        (["cancel", "job/1", "--filter", "action=x"], "name one job, or many"),
        (["cancel", "--filter", " "], "say which jobs"),
        (["cancel", "--filter", "colour=blue"], "colour is not a word"),
        (["cancel", "--filter", "action=x", "--continue", "last"], "not allowed with"),
        (["cancel", "--filter", "action='x' and"], "400"),
        (["release", "--filter", "action=x", "--force"], "needs a reason"),
        (["drain", "--filter", "action=x"], "MEMBER|unrecognized"),
    ],
)
def test_what_cannot_be_meant_is_explained(run: Run, arguments: list[str], said: str) -> None:
    ended = run(*arguments, "--yes")
    assert ended.code == ExitCode.USAGE
    assert any(word in ended.err for word in said.split("|"))


def test_read_only_refuses_it(run: Run, client: NuvlaClient) -> None:
    jobs = add(client, 1)
    ended = run("cancel", "--filter", "action=x", "--yes", "--read-only")
    assert ended.code == ExitCode.REFUSED
    assert run("cancel", "--filter", "action=x", "--dry-run", "--read-only").code == ExitCode.OK
    assert states(client, jobs) == {"QUEUED": 1}


def test_what_was_stopped_goes_on_as_it_was_begun(
    run: Run, client: NuvlaClient, folder: Path, zk_hosts: str, reach: LocalApi
) -> None:
    jobs = add(client, 4)
    place = f"{reach.url} {zk_hosts} /nuvla-engine"
    order = Order(act="cancel", filter="x", place=place, reason="r", subjects=tuple(jobs))
    file = BulkFile.create(folder, order)
    file.begin(0)
    file.begin(1)
    file.end(1, Ending.DONE)
    file.close()
    client.cancel_job(jobs[1])
    for wrong in (["release"], ["cancel", "--reason", "another"]):
        ended = run(*wrong, "--continue", file.id)
        assert ended.code == ExitCode.REFUSED
        assert f"nuvla-engine cancel --continue {file.id}" in ended.err
    ended = run("cancel", "--continue", file.id, "--zk-root", "/another")
    assert ended.code == ExitCode.REFUSED
    assert "was begun on" in ended.err
    listed = run("cancel", "--continue", "last", "--dry-run")
    assert listed.out.splitlines() == [jobs[0], *jobs[2:]]
    assert run("cancel", "--continue", "last").code == ExitCode.OK
    assert states(client, jobs) == {"CANCELED": 4}
    ended = run("cancel", "--continue", "last")
    assert ended.code == ExitCode.REFUSED
    assert "no cancel in bulk is left" in ended.err


def test_ctrl_c_stops_between_two_jobs_and_says_how_to_go_on(
    run: Run, client: NuvlaClient, tmp_path: Path
) -> None:
    jobs = add(client, 80)
    command = [sys.executable, "-m", "engine.cli.main", "cancel", "--filter", "action=x", "--yes"]
    with (tmp_path / "err").open("w+b") as errors:
        process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=errors)
        eventually(lambda: states(client, jobs[:1])["CANCELED"], "it has begun", within=60)
        process.send_signal(signal.SIGINT)
        out, _ = process.communicate(timeout=60)
    said = (tmp_path / "err").read_text("utf-8")
    counted = states(client, jobs)
    if counted["CANCELED"] == 80:
        assert process.returncode == ExitCode.OK  # it was quicker than the signal
        return
    assert (process.returncode, out) == (ExitCode.INTERRUPTED, b"")
    assert f"{counted['QUEUED']} jobs left; go on with: nuvla-engine cancel --continue " in said
    id = said.split("--continue ")[1].split()[0]
    assert run("cancel", "--continue", id).code == ExitCode.OK
    assert states(client, jobs) == {"CANCELED": 80}
    acts = run("audit", "--limit", "1000", "--json").json["acts"]
    assert Counter(act["subject"] for act in acts) == dict.fromkeys(jobs, 1)


def test_a_terminal_is_asked_and_sees_the_progress_in_one_line(
    client: NuvlaClient,
) -> None:
    jobs = add(client, 5)
    command = [sys.executable, "-m", "engine.cli.main", "cancel", "--filter", "action=x"]
    own, theirs = pty.openpty()
    try:
        with subprocess.Popen(command, stdin=theirs, stdout=subprocess.PIPE, stderr=theirs) as it:
            os.write(own, b"y\n")
            assert it.stdout is not None and it.stdout.read() == b""
            assert it.wait(60) == ExitCode.OK
        seen = _all_of(own)
    finally:
        os.close(own)
        os.close(theirs)
    assert "Cancel 5 jobs that match action=x? [y/N]" in seen
    assert "\r\x1b[K5 of 5: 5 done" in seen
    assert states(client, jobs) == {"CANCELED": 5}


def test_an_api_that_goes_away_ends_it_with_the_command_to_go_on(
    run: Run, client: NuvlaClient, reach: LocalApi, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("engine.act.pace.FIRST_PAUSE", 0.01)
    monkeypatch.setattr("engine.act.pace.PATIENCE", 0.0)
    jobs = add(client, 4)
    monkeypatch.setattr(NuvlaClient, "cancel_job", _refuse_connections)
    ended = run("cancel", "--filter", "action=x", "--yes", "--json")
    assert ended.code == ExitCode.UNREACHED
    found = json.loads(ended.out)
    assert (found["left"], found["error"]) == (4, "scripted: connection refused")
    assert f"go on with: nuvla-engine cancel --continue {found['id']}" in ended.err
    monkeypatch.undo()
    assert states(client, jobs) == {"QUEUED": 4}


def _all_of(terminal: int) -> str:
    """Return what a terminal was sent by processes that have ended."""
    seen = b""
    while select.select([terminal], [], [], 0.2)[0]:
        seen += os.read(terminal, 4096)
    return seen.decode()


def _refuse_connections(client: NuvlaClient, job_id: str) -> None:
    raise ApiUnavailable("scripted: connection refused")
