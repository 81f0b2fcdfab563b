"""Tests of the verbs that act: start, restore."""

from __future__ import annotations

import os
import pty
import subprocess
import sys
from collections.abc import Iterator

import pytest
from kazoo.client import KazooClient

from engine.act import restore
from engine.cli.exit_codes import ExitCode
from engine.nuvla.client import NuvlaClient
from engine.nuvla.credentials import ApiKey
from engine.settings import Secret
from engine.zookeeper.paths import ENTRIES, OwnPaths
from tests.engine.cli.conftest import Run
from tests.local_api import LocalApi

pytestmark = pytest.mark.usefixtures("reach")


@pytest.fixture(autouse=True)
def _no_window(monkeypatch: pytest.MonkeyPatch) -> None:
    """The jobs of these tests are seconds old."""
    monkeypatch.setattr(restore, "ENQUEUE_WINDOW", 0.0)


@pytest.fixture
def client(reach: LocalApi) -> Iterator[NuvlaClient]:
    """A client with all rights."""
    credentials = ApiKey(reach.api_key, Secret(reach.api_secret))
    with NuvlaClient(reach.url, credentials=credentials) as client:
        yield client


def entries(kazoo: KazooClient) -> dict[str, str]:
    """Return the job id by the entry's name, in queue order."""
    return {
        name: kazoo.get(f"{ENTRIES}/{name}")[0].decode()
        for name in sorted(kazoo.get_children(ENTRIES))
    }


def lose(kazoo: KazooClient, *job_ids: str) -> None:
    """Delete the entries of these jobs."""
    for name, job_id in entries(kazoo).items():
        if job_id in job_ids:
            kazoo.delete(f"{ENTRIES}/{name}")


def test_start_prints_the_id_of_the_new_job(run: Run, kazoo: KazooClient) -> None:
    ended = run("start", "some_action", "--priority", "7")
    assert ended.code == ExitCode.OK
    ((name, job_id),) = entries(kazoo).items()
    assert ended.out == f"{job_id}\n"
    assert name.startswith("entry-007-")


def test_a_dry_run_of_start_creates_nothing(run: Run, kazoo: KazooClient) -> None:
    ended = run("start", "some_action", "--target", "deployment/x", "--dry-run", "--json")
    assert ended.json["job_id"] is None
    assert ended.json["document"]["target-resource"] == {"href": "deployment/x"}
    assert kazoo.exists(ENTRIES) is None or kazoo.get_children(ENTRIES) == []


def test_read_only_refuses_acts(run: Run, kazoo: KazooClient) -> None:
    ended = run("start", "some_action", "--read-only")
    assert ended.code == ExitCode.REFUSED
    lose(kazoo, run("start", "some_action").out.strip())
    assert run("restore", "--yes", "--read-only").code == ExitCode.REFUSED
    assert entries(kazoo) == {}


def test_what_the_api_refuses_is_said(
    run: Run, reach: LocalApi, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert run("start", "x", "--target", "not a href").code == ExitCode.USAGE
    monkeypatch.setenv("NUVLA_API_USER", reach.other_user)
    monkeypatch.setenv("NUVLA_API_PASS", reach.other_password)
    assert run("start", "x").code == ExitCode.REFUSED


def test_restore_puts_a_lost_job_back_once(run: Run, kazoo: KazooClient) -> None:
    lost, queued = (run("start", "x", "--priority", "7").out.strip() for _ in range(2))
    lose(kazoo, lost)
    ended = run("restore", "--yes")
    assert ended.code == ExitCode.OK
    assert "1 job put back" in ended.err
    assert sorted(entries(kazoo).values()) == sorted([lost, queued])
    assert all(name.startswith("entry-007-") for name in entries(kazoo))
    again = run("restore", "--yes", "--json").json
    assert (again["restored"], again["jobs"]) == (0, [])
    assert len(entries(kazoo)) == 2


def test_a_running_job_keeps_its_priority_though_the_document_lost_it(
    run: Run, kazoo: KazooClient, client: NuvlaClient
) -> None:
    urgent, plain = run("start", "x", "--priority", "7"), run("start", "x")
    for ended in (urgent, plain):
        client.edit_job(ended.out.strip(), {"state": "RUNNING"})
    lose(kazoo, urgent.out.strip(), plain.out.strip())
    run("restore", "--yes")
    found = {job_id: name[6:9] for name, job_id in entries(kazoo).items()}
    assert found == {urgent.out.strip(): "007", plain.out.strip(): "100"}


def test_a_dry_run_of_restore_changes_nothing(run: Run, kazoo: KazooClient) -> None:
    lost = run("start", "x").out.strip()
    lose(kazoo, lost)
    ended = run("restore", "--dry-run")
    assert ended.code == ExitCode.OK
    assert lost in ended.out
    assert entries(kazoo) == {}


def test_without_a_terminal_restore_wants_to_be_told(run: Run, kazoo: KazooClient) -> None:
    lose(kazoo, run("start", "x").out.strip())
    ended = run("restore")
    assert ended.code == ExitCode.USAGE
    assert "--yes" in ended.err
    assert entries(kazoo) == {}


def test_young_jobs_are_left_alone(
    run: Run, kazoo: KazooClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(restore, "ENQUEUE_WINDOW", 60.0)
    lose(kazoo, run("start", "x").out.strip())
    found = run("restore", "--yes", "--json").json
    assert (found["young"], found["restored"]) == (1, 0)
    assert entries(kazoo) == {}


def test_jobs_that_nobody_queues_are_left_alone(
    run: Run, kazoo: KazooClient, client: NuvlaClient
) -> None:
    pull = client.add_job({"action": "x", "execution-mode": "pull"})
    fell_back = client.add_job({"action": "x", "execution-mode": "mixed"})
    client.edit_job(fell_back, {"execution-mode": "pull"})
    final = client.add_job({"action": "x"})
    client.edit_job(final, {"state": "SUCCESS"})
    bulk = client.add_job({"action": "bulk_stop"})
    client.edit_job(bulk, {"state": "RUNNING", "tags": ["monitor"]})
    lose(kazoo, pull, fell_back, final, bulk)
    found = run("restore", "--yes", "--json").json
    assert (found["followed"], found["restored"], found["jobs"]) == (1, 0, [])
    assert entries(kazoo) == {}


def test_a_mixed_job_is_restored(run: Run, kazoo: KazooClient, client: NuvlaClient) -> None:
    mixed = client.add_job({"action": "x", "execution-mode": "mixed"})
    lose(kazoo, mixed)
    run("restore", "--yes")
    assert list(entries(kazoo).values()) == [mixed]


def test_a_second_restore_at_the_same_time_is_refused(run: Run, kazoo: KazooClient) -> None:
    lose(kazoo, run("start", "x").out.strip())
    kazoo.create(OwnPaths().restoring, ephemeral=True, makepath=True)
    ended = run("restore", "--yes")
    assert ended.code == ExitCode.REFUSED
    assert "another restore" in ended.err
    assert entries(kazoo) == {}


def test_a_job_that_ended_since_the_plan_is_not_put_back(
    run: Run, kazoo: KazooClient, client: NuvlaClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    job_id = run("start", "x").out.strip()
    lose(kazoo, job_id)
    plan = restore.plan_restore

    def plan_then_end(*arguments: object, **named: object) -> restore.RestorePlan:
        made = plan(*arguments, **named)  # type: ignore[arg-type]  # passed on as they came
        client.edit_job(job_id, {"state": "SUCCESS"})
        return made

    monkeypatch.setattr("engine.cli.acts.plan_restore", plan_then_end)
    found = run("restore", "--yes", "--json").json
    assert found["restored"] == 0
    assert found["outcomes"][0]["detail"] == "it is SUCCESS by now"


def test_more_jobs_than_a_page_are_found(
    run: Run, kazoo: KazooClient, client: NuvlaClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(restore, "PAGE", 5)
    jobs = [client.add_job({"action": "x"}) for _ in range(23)]
    lose(kazoo, *jobs)
    found = run("restore", "--yes", "--json").json
    assert found["restored"] == 23
    assert sorted(entries(kazoo).values()) == sorted(jobs)
    assert [job["job_id"] for job in found["jobs"]] == jobs


@pytest.mark.parametrize(
    ("answer", "code", "number"), [(b"y\n", ExitCode.OK, 1), (b"n\n", ExitCode.REFUSED, 0)]
)
def test_on_a_terminal_restore_asks(
    run: Run, kazoo: KazooClient, answer: bytes, code: ExitCode, number: int
) -> None:
    job_id = run("start", "x").out.strip()
    lose(kazoo, job_id)
    script = (
        "import engine.act.restore as restore, sys; restore.ENQUEUE_WINDOW = 0.0\n"
        "from engine.cli.main import main; sys.exit(main(['restore']))"
    )
    terminal, end = pty.openpty()
    verb = subprocess.Popen(
        [sys.executable, "-c", script], stdin=end, stdout=subprocess.PIPE, stderr=subprocess.PIPE
    )
    os.close(end)
    try:
        os.write(terminal, answer)
        _, err = verb.communicate(timeout=60)
    finally:
        verb.kill()
        os.close(terminal)
    assert verb.returncode == code, err
    assert b"Put 1 job back in the queue?" in err
    assert len(entries(kazoo)) == number
