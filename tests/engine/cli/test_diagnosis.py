"""Tests of the verbs that diagnose: why, doctor."""

from __future__ import annotations

import subprocess
import sys
import uuid
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest
from kazoo.client import KazooClient

from engine.cli import wiring
from engine.cli.diagnosis_report import doctor_report
from engine.cli.exit_codes import ExitCode
from engine.cli.output import table_lines
from engine.models import Checkup, Finding, JobRequest, LockNote, Member, MemberKind, Verdict
from engine.nuvla.client import NuvlaClient
from engine.nuvla.credentials import ApiKey
from engine.settings import Secret
from engine.view.diagnosis import limits
from engine.view.diagnosis.advice import acts_for
from engine.zookeeper.paths import OwnPaths, election_path, entry_prefix, lock_path
from tests.engine.cli.conftest import Run
from tests.local_api import LocalApi

pytestmark = pytest.mark.usefixtures("reach")
DEAD = ("--zk-hosts", "127.0.0.1:1")
ACT = JobRequest(action="act", target="job")


@pytest.fixture
def client(local_api: LocalApi) -> Iterator[NuvlaClient]:
    """A client of an administrator."""
    credentials = ApiKey(local_api.api_key, Secret(local_api.api_secret))
    with NuvlaClient(local_api.url, credentials=credentials) as made:
        yield made


@pytest.fixture
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    """Do not wait long for a ZooKeeper that is not there."""
    monkeypatch.setattr(wiring, "CONNECT_SECONDS", 0.5)


@pytest.fixture
def hasty(monkeypatch: pytest.MonkeyPatch) -> None:
    """What is a sign after a minute is one at once."""
    for name in ("ENQUEUE", "NOTICED", "FOREIGN_START", "SETTLED", "NO_START"):
        monkeypatch.setattr(limits, name, 0.0)


def announce(kazoo: KazooClient, **changes: Any) -> None:
    """Be present as an executor of ours that offers `act`."""
    member = Member(
        instance="exec-a-1",
        kind=MemberKind.EXECUTOR,
        name="exec-a",
        host="node1",
        pid=1,
        version="1",
        started=datetime.now(UTC),
        offers=("act",),
        threads=4,
    )
    member = replace(member, **changes)
    path = OwnPaths().member(member.instance)
    kazoo.create(path, member.to_node(), ephemeral=True, makepath=True)


def entry_of(client: NuvlaClient, job_id: str) -> str:
    """Return the name of the entry that the server made."""
    return str(client.get_job(job_id)["tags"][0]).rpartition("/")[2]


def hold(kazoo: KazooClient, name: str) -> None:
    """Hold an entry as an executor of ours would."""
    note = LockNote(instance="exec-a-1", thread="worker-3", claim="c")
    kazoo.create(lock_path(name), note.to_node(), ephemeral=True, makepath=True)


def test_a_waiting_job_is_healthy(run: Run, kazoo: KazooClient, client: NuvlaClient) -> None:
    announce(kazoo)
    first, second = client.add_job(ACT), client.add_job(ACT)
    ended = run("why", second)
    assert ended.code == ExitCode.OK, ended.err
    assert "waiting (healthy)" in ended.out
    assert "1 entry of 2 stand before it" in ended.out
    found = run("why", first.removeprefix("job/"), "--json").json
    assert (found["job"], found["verdict"], found["healthy"]) == (first, "waiting", True)
    assert found["schema"] == "nuvla-engine/why/1"
    assert set(found["sources"]) == {"api", "zookeeper"}
    assert found["acts"] == []
    for each in found["evidence"]:
        assert set(each) == {"claim", "datum", "source", "age_s"}
    assert found["summary"]


@pytest.mark.usefixtures("hasty")
def test_a_ghost_lock_is_stuck(run: Run, kazoo: KazooClient, client: NuvlaClient) -> None:
    announce(kazoo)
    job_id = client.add_job(ACT)
    hold(kazoo, entry_of(client, job_id))
    ended = run("why", job_id, "--json")
    assert ended.code == ExitCode.REFUSED
    assert (ended.json["verdict"], ended.json["healthy"]) == ("ghost-lock", False), ended.out
    assert [act["act"] for act in ended.json["acts"]] == ["release"]
    assert any("127.0.0.1" in each["claim"] for each in ended.json["evidence"])


def test_a_source_that_is_missing_makes_the_verdict_unknown(
    run: Run, client: NuvlaClient, impatient: None
) -> None:
    job_id = client.add_job(ACT)
    ended = run("why", job_id, "--json", *DEAD)
    assert ended.code == ExitCode.UNREACHED
    assert ended.json["verdict"] == "unknown"
    assert "not reached" in ended.json["sources"]["zookeeper"]["error"]
    ended = run("why", job_id, "--json", "--api-url", "http://127.0.0.1:1")
    assert (ended.code, ended.json["verdict"]) == (ExitCode.UNREACHED, "unknown")
    ended = run("doctor", "--json", *DEAD)
    assert ended.code == ExitCode.UNREACHED
    assert [each["verdict"] for each in ended.json["findings"]] == ["unknown"]
    ended = run("doctor", "--json", "--api-url", "http://127.0.0.1:1")
    assert ended.code == ExitCode.UNREACHED
    assert ended.json["findings"][0]["verdict"] == "unknown"


def test_a_job_that_nobody_knows_is_an_error(run: Run) -> None:
    ended = run("why", f"job/{uuid.uuid4()}")
    assert ended.code == ExitCode.REFUSED
    assert "no such job" in ended.err
    assert run("why", "no job").code == ExitCode.USAGE


@pytest.mark.usefixtures("hasty")
def test_an_orphan_entry_is_found_by_both_verbs(run: Run, kazoo: KazooClient) -> None:
    announce(kazoo)
    job_id = f"job/{uuid.uuid4()}"
    kazoo.create(entry_prefix(999), job_id.encode(), sequence=True, makepath=True)
    assert run("why", job_id, "--json").json["verdict"] == "orphan-entry"
    ended = run("doctor", "--json")
    assert ended.code == ExitCode.REFUSED
    (finding,) = ended.json["findings"]
    assert (finding["verdict"], finding["jobs"]) == ("orphan-entry", [job_id])


def test_an_empty_cluster_is_healthy(run: Run) -> None:
    ended = run("doctor")
    assert (ended.code, ended.out) == (ExitCode.OK, "")
    assert "Nothing is stuck" in ended.err
    assert run("doctor", "--json").json["healthy"] is True


@pytest.mark.usefixtures("hasty")
def test_the_doctor_groups_findings_and_shows_the_worst_first(
    run: Run, kazoo: KazooClient, client: NuvlaClient
) -> None:
    announce(kazoo)
    lost = [client.add_job(ACT) for _ in range(3)]
    for job_id in lost:
        kazoo.delete(f"/job/entries/{entry_of(client, job_id)}")
    ghosts = [client.add_job(ACT) for _ in range(2)]
    for job_id in ghosts:
        hold(kazoo, entry_of(client, job_id))
    twice = client.add_job(ACT)
    kazoo.create(entry_prefix(100), twice.encode(), sequence=True)
    strange = [client.add_job(JobRequest(action="strange", target="job")) for _ in range(4)]
    kazoo.create(entry_prefix(999), b"job/nowhere", sequence=True)
    kazoo.ensure_path(election_path("jobs_cleanup"))
    ended = run("doctor", "--json")
    found = {each["verdict"]: each for each in ended.json["findings"]}
    assert {name: each["count"] for name, each in found.items()} == {
        "unknown-action": 4,
        "lost": 3,
        "ghost-lock": 2,
        "duplicate": 1,
        "orphan-entry": 1,
        "no-distributor": 0,
    }
    assert [each["severity"] for each in ended.json["findings"]] == ["bad"] * 5 + ["doubt"]
    assert set(found["lost"]["jobs"]) == set(lost)
    assert found["unknown-action"]["subject"] == "strange"
    assert found["unknown-action"]["jobs"] == [strange[0]]
    table = run("doctor")
    assert table.code == ExitCode.REFUSED
    assert table.out.splitlines()[1].split()[:3] == ["!!", "unknown-action", "4"]


def test_hostile_text_cannot_drive_the_terminal(
    run: Run, kazoo: KazooClient, client: NuvlaClient
) -> None:
    hostile = "\x1b]0;owned\x07 \u202e"
    announce(kazoo, offers=(hostile,), name=hostile)
    job_id = client.add_job(JobRequest(action=f"a{hostile}", target="job"))
    for ended in (run("why", job_id), run("why", job_id, "--json"), run("doctor")):
        assert "\x1b" not in ended.out + ended.err
        assert "\u202e" not in ended.out + ended.err


def test_why_imports_no_textual() -> None:
    program = "import sys, engine.cli.diagnosis; print('textual' in sys.modules)"
    made = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, timeout=60, check=True
    )
    assert made.stdout.strip() == "False"


def test_findings_are_wrapped_on_a_narrow_terminal_and_name_their_first_job() -> None:
    job_id = f"job/{uuid.uuid4()}"
    finding = Finding(
        verdict=Verdict.CANCELLED_RUNNING,
        subject="executor-1-node1-21234-e3844335",
        summary="It was cancelled, but a cancel does not stop its thread, which is still inside.",
        count=1,
        jobs=(job_id,),
        acts=acts_for(Verdict.CANCELLED_RUNNING),
    )
    report = doctor_report(Checkup(taken_at=datetime.now(UTC), findings=(finding,)), 80)
    lines = list(table_lines(report.columns, [tuple(row) for row in report.rows], 80))
    assert max(map(len, lines)) <= 80
    assert not any("…" in line for line in lines)
    assert job_id in lines[-1]
    whole = doctor_report(Checkup(taken_at=datetime.now(UTC), findings=(finding,)))
    assert len(list(whole.rows)) == 1


def test_why_can_look_closer(run: Run, kazoo: KazooClient, client: NuvlaClient) -> None:
    calm, held = client.add_job(ACT), client.add_job(ACT)
    ended = run("why", calm, "--watch", "0.3", "--json")
    assert (ended.code, ended.json["verdict"]) == (ExitCode.OK, "waiting"), ended.err
    kazoo.create(lock_path(entry_of(client, held)), b"f" * 32, ephemeral=True, makepath=True)
    ended = run("why", held, "--pid", str(2**30), "--json")
    (stacks,) = (each for each in ended.json["evidence"] if each["source"] == "stacks")
    assert stacks["age_s"] is None
    assert f"no process {2**30}" in stacks["datum"], "or py-spy is not there"
    assert run("why", calm, "--watch", "-1").code == ExitCode.USAGE
