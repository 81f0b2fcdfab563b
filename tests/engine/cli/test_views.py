"""Tests of the verbs that show: queue, taken, elections, members, jobs, job."""

from __future__ import annotations

import uuid
from datetime import UTC, datetime

import pytest
from kazoo.client import KazooClient

from engine.cli import wiring
from engine.cli.exit_codes import ExitCode
from engine.models import LockNote, Member, MemberKind
from engine.zookeeper.paths import ENTRIES, OwnPaths, election_path, entry_prefix, lock_path
from tests.engine.cli.conftest import Run
from tests.local_api import LocalApi

pytestmark = pytest.mark.usefixtures("reach")
DEAD = ("--zk-hosts", "127.0.0.1:1")


@pytest.fixture
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    """Do not wait long for a ZooKeeper that is not there."""
    monkeypatch.setattr(wiring, "CONNECT_SECONDS", 0.5)


def put(kazoo: KazooClient, job_id: str = "", priority: int = 999) -> str:
    """Make an entry and return its name."""
    data = (job_id or f"job/{uuid.uuid4()}").encode()
    path: str = kazoo.create(entry_prefix(priority), data, sequence=True, makepath=True)
    return path.rpartition("/")[2]


def hold(kazoo: KazooClient, name: str) -> None:
    """Hold an entry as an executor of ours would."""
    note = LockNote(instance="exec-a-1", thread="worker-3", claim="c")
    kazoo.create(lock_path(name), note.to_node(), ephemeral=True, makepath=True)


@pytest.mark.parametrize(
    ("verb", "items"),
    [
        ("queue", "entries"),
        ("taken", "locks"),
        ("elections", "elections"),
        ("members", "members"),
        ("jobs", "jobs"),
    ],
)
def test_an_empty_list_says_why_and_is_one_json_object(run: Run, verb: str, items: str) -> None:
    ended = run(verb)
    assert (ended.code, ended.out) == (ExitCode.OK, "")
    assert len(ended.err.strip().splitlines()) == 2
    found = run(verb, "--json").json
    assert found["schema"] == f"nuvla-engine/{verb}/1"
    assert found[items] == []
    assert datetime.fromisoformat(found["taken_at"]) <= datetime.now(UTC)
    assert found["sources"]["zookeeper"]["age_s"] >= 0


def test_the_queue_is_a_table_in_queue_order(run: Run, kazoo: KazooClient) -> None:
    put(kazoo, "job/late")
    put(kazoo, "job/urgent", 7)
    hold(kazoo, put(kazoo, "job/held", 100))
    ended = run("queue")
    lines = ended.out.splitlines()
    assert lines[0].split() == ["PRIO", "SEQUENCE", "JOB", "AGE", "HELD", "BY"]
    assert [line.split()[2] for line in lines[1:]] == ["job/urgent", "job/held", "job/late"]
    assert lines[2].endswith("exec-a-1 worker-3")
    assert ended.err.startswith("3 entries: 2 waiting, 1 held")


def test_the_queue_can_be_limited_and_filtered(run: Run, kazoo: KazooClient) -> None:
    for number in range(5):
        put(kazoo, f"job/number-{number}")
    assert len(run("queue", "--limit", "2").out.splitlines()) == 3
    found = run("queue", "--json", "--limit", "2").json
    assert (len(found["entries"]), found["depth"]) == (2, 5)
    filtered = run("queue", "--filter", "NUMBER-3", "--json").json["entries"]
    assert [entry["job_id"] for entry in filtered] == ["job/number-3"]
    assert "Nothing matches" in run("queue", "--filter", "nowhere").err


def test_the_json_of_the_queue_has_what_the_table_has(run: Run, kazoo: KazooClient) -> None:
    name = put(kazoo, "job/held", 100)
    hold(kazoo, name)
    kazoo.create(f"{ENTRIES}/foreign", b"")
    found = run("queue", "--json").json
    (entry,) = found["entries"]
    assert entry["entry"] == name
    assert entry["lock"]["owner"]["instance"] == "exec-a-1"
    assert entry["age_s"] >= 0
    assert found["foreign"] == ["foreign"]
    assert (found["depth"], found["waiting"], found["held"]) == (1, 0, 1)


def test_hostile_entries_cannot_drive_the_terminal(run: Run, kazoo: KazooClient) -> None:
    put(kazoo, "\x1b]0;owned\x07 \u202egnp.exe")
    for ended in (run("queue"), run("queue", "--json")):
        assert ended.code == ExitCode.OK
        assert "\x1b" not in ended.out
        assert "\u202e" not in ended.out


def test_taken_names_owners_and_orphans(run: Run, kazoo: KazooClient) -> None:
    hold(kazoo, put(kazoo, "job/held"))
    kazoo.create(lock_path("entry-999-0000009999"), b"0" * 32, ephemeral=True)
    ended = run("taken")
    assert "job/held" in ended.out
    assert "exec-a-1 worker-3" in ended.out
    assert "no entry" in ended.out
    assert "foreign, session 0x" in ended.out
    assert run("taken", "--json").json["orphans"] == 1


def test_elections_name_their_leader(run: Run, kazoo: KazooClient) -> None:
    for name in (b"first", b"second"):
        prefix = f"{election_path('cleanup_jobs')}/{uuid.uuid4().hex}__lock__"
        kazoo.create(prefix, name, ephemeral=True, sequence=True, makepath=True)
    kazoo.ensure_path(election_path("vacant"))
    ended = run("elections")
    assert ended.out.splitlines()[1].split()[:2] == ["cleanup_jobs", "first"]
    assert "nobody" in ended.out
    assert "1 without a contender" in ended.err
    assert run("elections", "--json").json["elections"][0]["leader"] == "first"


def test_members_say_what_they_do(run: Run, kazoo: KazooClient) -> None:
    member = Member(
        instance="exec-a-1",
        kind=MemberKind.EXECUTOR,
        name="exec-a",
        host="node1",
        pid=4121,
        version="0.1.0",
        started=datetime.now(UTC),
        threads=8,
        broken=("x.py: SyntaxError",),
    )
    kazoo.create(OwnPaths().member("exec-a-1"), member.to_node(), ephemeral=True, makepath=True)
    ended = run("members")
    row = ended.out.splitlines()[1]
    assert row.split()[:5] == ["executor", "exec-a", "node1:4121", "running", "0/8"]
    assert row.endswith("x.py: SyntaxError")
    assert run("members", "--json").json["members"][0]["threads"] == 8


@pytest.mark.usefixtures("impatient")
def test_a_dead_zookeeper_is_exit_3_in_both_forms(run: Run) -> None:
    ended = run("queue", *DEAD)
    assert (ended.code, ended.out) == (ExitCode.UNREACHED, "")
    assert "is it up" in ended.err
    ended = run("queue", "--json", *DEAD)
    assert ended.code == ExitCode.UNREACHED
    assert "was not reached" in ended.json["sources"]["zookeeper"]["error"]
    assert "entries" not in ended.json


def test_a_dead_api_is_exit_3_in_both_forms(run: Run) -> None:
    ended = run("jobs", "--json", "--api-url", "http://127.0.0.1:1")
    assert ended.code == ExitCode.UNREACHED
    assert "error" in ended.json["sources"]["api"]


def test_refused_credentials_are_exit_2_and_do_not_show_the_secret(
    run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("NUVLA_API_PASS", "canary-secret")
    ended = run("jobs")
    assert ended.code == ExitCode.USAGE
    assert "canary-secret" not in ended.err


def test_jobs_are_joined_with_the_queue(run: Run, kazoo: KazooClient) -> None:
    waiting = run("start", "waits", "--priority", "7").out.strip()
    held = run("start", "is_held").out.strip()
    (name,) = [
        entry["entry"]
        for entry in run("queue", "--json").json["entries"]
        if entry["job_id"] == held
    ]
    hold(kazoo, name)
    rows = {row.split()[0]: row for row in run("jobs").out.splitlines()[1:]}
    assert rows[waiting].endswith("waits at 007")
    assert rows[held].endswith("held by exec-a-1 worker-3")
    found = {job["id"]: job for job in run("jobs", "--json").json["jobs"]}
    assert found[held]["entries"][0]["lock"]["owner"]["thread"] == "worker-3"
    assert not found[held]["is_missing"]


def test_jobs_take_the_words_of_a_query_or_a_filter_of_the_api(run: Run) -> None:
    run("start", "one")
    run("start", "two")
    for arguments in (("action='two'",), ("--filter", "action='two'"), ("action=two age<1h",)):
        (job,) = run("jobs", "--json", *arguments).json["jobs"]
        assert job["action"] == "two"
    for wrong in ("action='two' and", "colour=blue", "age>soon"):
        assert run("jobs", wrong).code == ExitCode.USAGE
    assert "No job matches" in run("jobs", "action='three'").err


def test_a_job_without_its_entry_is_missing(run: Run, kazoo: KazooClient) -> None:
    job_id = run("start", "lost").out.strip()
    for name in kazoo.get_children(ENTRIES):
        kazoo.delete(f"{ENTRIES}/{name}")
    assert run("jobs").out.splitlines()[1].endswith("no entry!")
    assert run("job", job_id, "--json").json["is_missing"]


def test_a_job_whose_tag_is_outdated_is_found_in_the_queue(run: Run, kazoo: KazooClient) -> None:
    job_id = run("start", "moved").out.strip()
    for name in kazoo.get_children(ENTRIES):
        kazoo.delete(f"{ENTRIES}/{name}")
    put(kazoo, job_id, 100)
    assert run("jobs").out.splitlines()[1].endswith("waits at 100")


def test_one_job_is_shown_whole(run: Run) -> None:
    arguments = ("--target", "deployment/x", "--payload", '{"a": 1}')
    job_id = run("start", "show_me", *arguments).out.strip()
    ended = run("job", job_id.removeprefix("job/"))
    assert ended.code == ExitCode.OK
    for text in (job_id, "show_me", "deployment/x", "waits at 999"):
        assert text in ended.out
    found = run("job", job_id, "--json").json
    assert found["document"]["payload"] == '{"a": 1}'
    assert found["entries"][0]["job_id"] == job_id
    assert set(found["sources"]) == {"api", "zookeeper"}


def test_an_unknown_job_is_exit_1(run: Run) -> None:
    ended = run("job", "job/3d2f5b0e-5f5e-4a6c-9d5e-0a6b7c8d9e0f")
    assert ended.code == ExitCode.REFUSED
    assert "404" in ended.err


@pytest.mark.usefixtures("impatient")
def test_documents_are_shown_without_zookeeper(run: Run) -> None:
    job_id = run("start", "alone").out.strip()
    ended = run("job", job_id, "--json", *DEAD)
    assert ended.code == ExitCode.UNREACHED
    assert ended.json["job"]["id"] == job_id
    assert not ended.json["is_located"]
    assert "error" in ended.json["sources"]["zookeeper"]


def test_an_ordinary_user_sees_their_jobs_only(
    run: Run, reach: LocalApi, monkeypatch: pytest.MonkeyPatch
) -> None:
    run("start", "of_the_administrator")
    monkeypatch.setenv("NUVLA_API_USER", reach.other_user)
    monkeypatch.setenv("NUVLA_API_PASS", reach.other_password)
    assert run("jobs", "--json").json["jobs"] == []
