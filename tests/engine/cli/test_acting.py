"""Tests of the verbs that are made from the acts."""

from __future__ import annotations

import os
import pty
import subprocess
import sys
from collections.abc import Iterator

import pytest
from kazoo.client import KazooClient

from engine.act.acts import ACTS, Argument
from engine.cli.exit_codes import ExitCode
from engine.cli.verbs import LISTINGS
from engine.nuvla.client import NuvlaClient
from engine.nuvla.credentials import ApiKey
from engine.settings import Secret
from engine.zookeeper.paths import ENTRIES, OwnPaths, lock_path
from tests.engine.cli.conftest import Run
from tests.local_api import LocalApi

pytestmark = pytest.mark.usefixtures("reach")

MISSING = "job/00000000-0000-4000-8000-000000000000"
SUBJECTS = {
    Argument.JOB: [MISSING],
    Argument.ENTRY: [MISSING],
    Argument.MEMBER: ["nobody"],
    Argument.ACTION: ["some_action"],
    Argument.NONE: [],
}


@pytest.fixture
def client(reach: LocalApi) -> Iterator[NuvlaClient]:
    """A client with all rights."""
    credentials = ApiKey(reach.api_key, Secret(reach.api_secret))
    with NuvlaClient(reach.url, credentials=credentials) as client:
        yield client


def words_of(name: str) -> list[str]:
    """Return a verb with a subject that is well formed."""
    act = ACTS[name]
    number = ["5"] if "priority" in act.takes and act.argument is not Argument.ACTION else []
    return [name, *SUBJECTS[act.argument], *number]


def test_each_act_has_its_verb() -> None:
    assert set(ACTS) <= set(LISTINGS)
    for name, act in ACTS.items():
        assert act.name == name
        if name != "restore":
            assert LISTINGS[name].summary == act.summary


@pytest.mark.parametrize("name", sorted(ACTS))
def test_a_dry_run_shows_the_plan_that_the_act_makes_and_changes_nothing(
    run: Run, kazoo: KazooClient, name: str
) -> None:
    ended = run(*words_of(name), "--dry-run", "--json")
    if name == "start":
        assert ended.json["document"]["action"] == "some_action"
    else:
        assert ended.json["plan"]["act"] == name
        assert (ended.json["dry_run"], ended.json["outcome"]) == (True, None)
        refused = bool(ended.json["plan"]["refusals"])
        assert ended.code == (ExitCode.REFUSED if refused else ExitCode.OK)
    assert run("audit", "--json").json["acts"] == []
    assert kazoo.exists(OwnPaths().pause) is None


@pytest.mark.parametrize("name", sorted(set(ACTS) - {"start"}))
def test_read_only_refuses_each_act(run: Run, kazoo: KazooClient, name: str) -> None:
    ended = run(*words_of(name), "--yes", "--read-only")
    assert ended.code == ExitCode.REFUSED
    assert kazoo.exists(OwnPaths().pause) is None
    assert run("audit", "--json").json["acts"] == []


def test_an_act_is_done_said_and_on_record(run: Run, client: NuvlaClient) -> None:
    job_id = client.add_job({"action": "x"})
    ended = run("cancel", job_id.removeprefix("job/"), "--yes", "--reason", "not needed")
    assert (ended.code, ended.out) == (ExitCode.OK, f"cancel {job_id}: done: it is CANCELED\n")
    assert client.get_job(job_id)["state"] == "CANCELED"
    (record,) = run("audit", "--json").json["acts"]
    assert (record["act"], record["subject"]) == ("cancel", job_id)
    assert record["reason"] == "not needed"
    again = run("cancel", job_id, "--yes")
    assert again.code == ExitCode.REFUSED
    assert "refused: it is CANCELED already" in again.err
    assert again.out == ""


def test_without_a_terminal_an_act_wants_to_be_told(run: Run, client: NuvlaClient) -> None:
    job_id = client.add_job({"action": "x"})
    ended = run("cancel", job_id)
    assert ended.code == ExitCode.USAGE
    assert "--yes" in ended.err
    assert client.get_job(job_id)["state"] == "QUEUED"


def test_a_plan_fits_a_terminal(run: Run, client: NuvlaClient) -> None:
    job_id = client.add_job({"action": "x", "payload": "x " * 200})
    plan = run("reprioritise", job_id, "10", "--dry-run")
    assert plan.code == ExitCode.OK
    assert max(map(len, plan.out.splitlines())) <= 80
    assert {"does", "then", "rests on"} <= {line[2:12].strip() for line in plan.out.splitlines()}


def test_force_is_named_and_needs_a_reason(
    run: Run, client: NuvlaClient, kazoo: KazooClient
) -> None:
    job_id = client.add_job({"action": "x"})
    (entry,) = kazoo.get_children(ENTRIES)
    kazoo.create(lock_path(entry), b"0" * 32, ephemeral=True, makepath=True)
    assert "restart it" in run("release", job_id, "--yes").err
    assert "--reason" in run("release", job_id, "--force", "--yes").err
    ended = run("release", entry, "--force", "--yes", "--reason", "its host is gone")
    assert ended.code == ExitCode.OK
    assert "may run twice" in ended.err
    assert kazoo.exists(lock_path(entry)) is None


def test_pause_and_unpause(run: Run, kazoo: KazooClient) -> None:
    assert run("pause", "--yes", "--reason", "upgrade").code == ExitCode.OK
    data, stat = kazoo.get(OwnPaths().pause)
    assert b"upgrade" in data
    assert stat.ephemeralOwner == 0
    assert "paused already: upgrade" in run("pause", "--yes").err
    assert run("unpause", "--yes").code == ExitCode.OK
    assert kazoo.exists(OwnPaths().pause) is None
    assert run("unpause", "--yes").code == ExitCode.REFUSED


def test_one_lost_job_is_restored_by_its_id(
    run: Run, client: NuvlaClient, kazoo: KazooClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("engine.act.restore_one.ENQUEUE_WINDOW", 0.0)
    jobs = [client.add_job({"action": "x"}) for _ in range(2)]
    for entry in kazoo.get_children(ENTRIES):
        kazoo.delete(f"{ENTRIES}/{entry}")
    assert run("restore", jobs[0], "--yes").code == ExitCode.OK
    (entry,) = kazoo.get_children(ENTRIES)
    assert kazoo.get(f"{ENTRIES}/{entry}")[0].decode() == jobs[0]


def test_every_job_that_is_restored_is_on_record(
    run: Run, client: NuvlaClient, kazoo: KazooClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("engine.act.restore.ENQUEUE_WINDOW", 0.0)
    jobs = {client.add_job({"action": "x"}) for _ in range(3)}
    for entry in kazoo.get_children(ENTRIES):
        kazoo.delete(f"{ENTRIES}/{entry}")
    assert run("restore", "--yes", "--reason", "the disk was full").code == ExitCode.OK
    records = run("audit", "--json").json["acts"]
    assert {record["subject"] for record in records} == jobs
    assert {record["outcome"] for record in records} == {"done"}


@pytest.mark.parametrize(
    "words",
    [
        ["cancel"],
        ["cancel", "not an id"],
        ["drop", "entry-1"],
        ["drain", " "],
        ["reprioritise", MISSING],
        ["reprioritise", MISSING, "1000"],
        ["cancel", MISSING, "--force"],
    ],
)
def test_a_mistake_is_told_in_one_line(run: Run, words: list[str]) -> None:
    ended = run(*words, "--yes")
    assert ended.code == ExitCode.USAGE
    assert len(ended.err.splitlines()) == 1


@pytest.mark.parametrize("name", ["cancel", "drain"])
def test_a_source_that_is_away_is_said(
    run: Run, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    monkeypatch.setenv("NUVLA_API_URL", "http://127.0.0.1:1")
    monkeypatch.setenv("NUVLA_ZK_HOSTS", "127.0.0.1:1")
    monkeypatch.setattr("engine.cli.wiring.CONNECT_SECONDS", 0.2)
    ended = run(*words_of(name), "--yes")
    assert ended.code == ExitCode.UNREACHED
    assert len(ended.err.splitlines()) == 1


@pytest.mark.parametrize(
    ("answer", "code", "state"),
    [(b"y\n", ExitCode.OK, "CANCELED"), (b"\n", ExitCode.REFUSED, "QUEUED")],
)
def test_on_a_terminal_an_act_shows_its_plan_and_asks(
    client: NuvlaClient, answer: bytes, code: ExitCode, state: str
) -> None:
    job_id = client.add_job({"action": "x"})
    script = "import sys; from engine.cli.main import main; sys.exit(main(sys.argv[1:]))"
    terminal, end = pty.openpty()
    verb = subprocess.Popen(
        [sys.executable, "-c", script, "cancel", job_id],
        stdin=end,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )
    os.close(end)
    try:
        os.write(terminal, answer)
        _, err = verb.communicate(timeout=60)
    finally:
        verb.kill()
        os.close(terminal)
    assert verb.returncode == code, err
    assert b"POST " + job_id.encode() in err
    assert f"Cancel {job_id}? [y/N]".encode() in err
    assert client.get_job(job_id)["state"] == state
