"""`nuvla-engine stacks`: what a tired person reads, and what a program does."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from kazoo.client import KazooClient

from engine.cli.stacks_report import detail_lines
from engine.models import Frame, RunningJob, StackReport
from engine.models.control import Outcome, Reply, Request
from engine.view.stacks import MemberStacks
from tests.engine.answering import (
    HELD,
    NOW,
    OWN,
    POLL,
    RECV,
    TAKE,
    WORKING,
    answer,
    guard,
    member,
    report,
    thread,
)
from tests.engine.cli.conftest import Ended, Run
from tests.support import eventually

JOB = RunningJob(job_id="job/1", entry="entry-999-0000000001", action="poll", thread="w", since=NOW)


@pytest.fixture
def zk_reach(zk_hosts: str, monkeypatch: pytest.MonkeyPatch) -> str:
    """Let the environment say where ZooKeeper is."""
    monkeypatch.setenv("NUVLA_ZK_HOSTS", zk_hosts)
    return zk_hosts


def works(request: Request) -> Reply:
    return answer(request, WORKING)


def test_a_member_is_shown_job_first_and_idle_threads_folded(run: Run, zk_reach: str) -> None:
    idle = [replace(thread(None, TAKE), name=f"worker-{n}", ident=n) for n in range(2, 9)]
    full = report(thread("job/1", RECV, POLL), *idle)
    with member(zk_reach, lambda request: answer(request, full), jobs=(JOB,)):
        ended = run("stacks", "a")
    assert (ended.code, ended.err) == (0, "")
    lines = ended.out.splitlines()
    assert lines[0].startswith("a-1  node1:7  8 threads, 1 with a job  in-process")
    assert lines[2].startswith("job/1  poll for ")
    assert lines[3] == "  in do_work (/opt/poll.py:42)"
    assert lines[4:6] == ["      recv (socket.py:718)", "    > do_work (/opt/poll.py:42)"]
    last = ["7", "worker-2", "..", "worker-8", "wait", "(threading.py:320)"]
    assert lines[-1].split() == last


@pytest.mark.parametrize("which", [["a-1"], ["a"], ["--job", "job/1"], ["--job", "1"]])
def test_a_member_is_found_by_its_instance_its_name_or_its_job(
    run: Run, zk_reach: str, which: list[str]
) -> None:
    with member(zk_reach, works, jobs=(JOB,)):
        ended = run("stacks", *which)
    assert ended.code == 0, ended.err
    assert "do_work" in ended.out
    assert ("without a job" in ended.out) is (which[0] != "--job")


def test_the_fleet_is_grouped(run: Run, zk_reach: str) -> None:
    def other(request: Request) -> Reply:
        return answer(request, report(thread("job/2", RECV, POLL)), "b-1")

    with member(zk_reach, works), member(zk_reach, other, "b-1"):
        ended, same = run("stacks"), run("stacks", "--all", "--json")
    assert ended.code == 0
    assert "2 of 2 members answered; 2 threads with a job in 1 place, 1 without" in ended.err
    (row,) = ended.out.splitlines()[1:]
    assert row.split()[:3] == ["2", "2", "2"]
    assert "do_work (opt/poll.py:42) > recv (socket.py:718)" in row
    assert "job/1, job/2" in row
    first = same.json["groups"][0]
    assert (first["members"], first["jobs"]) == (["a-1", "b-1"], ["job/1", "job/2"])
    assert [each["name"] for each in same.json["processes"]] == ["a-1", "b-1"]


def test_who_does_not_answer_is_named_and_the_rest_is_shown(run: Run, zk_reach: str) -> None:
    def limit(request: Request) -> Reply:
        return replace(answer(request, None, "b-1"), outcome=Outcome.LIMITED, detail="not here")

    with member(zk_reach, works), member(zk_reach, limit, "b-1"):
        ended, asked = run("stacks"), run("stacks", "b")
        as_json = run("stacks", "--json")
    assert (ended.code, asked.code, as_json.code) == (3, 3, 3)
    assert "! b-1: b-1 gives no stacks: not here" in ended.err
    assert "job/1" in ended.out
    assert "not here" in asked.err
    assert "not here" in as_json.json["processes"][1]["error"]


def test_a_stalled_member_is_shown_with_what_its_guard_says(run: Run, zk_reach: str) -> None:
    with guard(zk_reach, HELD):
        ended, fleet = run("stacks", "a-1"), run("stacks")
    assert (ended.code, fleet.code) == (0, 0)
    assert "watchdog" in ended.out.splitlines()[0]
    assert "! its interpreter has not run for 9 s" in ended.out.splitlines()
    assert "! a-1: its interpreter has not run for 9 s" in fleet.err


def test_a_hostile_name_is_safe_to_draw(run: Run, zk_reach: str, kazoo: KazooClient) -> None:
    kazoo.create(OWN.stall("x\u202ey"), b"garbled", makepath=True)
    ended, as_json = run("stacks"), run("stacks", "--json")
    assert (ended.code, as_json.code) == (3, 3)
    assert "x<U+202E>y" in ended.err
    assert "\u202e" not in ended.out + ended.err + as_json.json["processes"][0]["name"]


def test_an_unknown_member_is_named(run: Run, zk_reach: str) -> None:
    ended = run("stacks", "nobody\x1b")
    assert ended.code == 3
    assert "there is no member nobody␛" in ended.err


def test_a_job_that_no_member_has_is_named(run: Run, zk_reach: str) -> None:
    ended = run("stacks", "--job", "job/9")
    assert ended.code == 3
    assert "no member says that it works on job/9" in ended.err


def test_an_empty_fleet_says_so(run: Run, zk_reach: str) -> None:
    ended = run("stacks")
    assert (ended.code, ended.out) == (0, "")
    assert "nobody is there" in ended.err


@pytest.mark.parametrize(
    "words",
    [
        ["a", "--all"],
        ["--pid", "0"],
        ["--pid", "x"],
        ["--samples", "0"],
        ["--interval", "-1"],
        ["--interval", "nan"],
        ["--job", "x y"],
    ],
)
def test_arguments_that_make_no_sense_are_refused(run: Run, words: list[str]) -> None:
    assert run("stacks", *words).code == 2


@pytest.fixture
def sleeper() -> Iterator[int]:
    """A Python process that waits."""
    process = subprocess.Popen([sys.executable, "-c", "import time\ntime.sleep(600)"])
    yield process.pid
    process.kill()
    process.wait(30)


def test_a_local_process_needs_no_zookeeper(
    run: Run, sleeper: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("NUVLA_ZK_HOSTS", "127.0.0.1:1")
    words = ("stacks", "--pid", str(sleeper), "--samples", "2", "--interval", "0")
    ended = eventually(lambda: _good(run(*words)), "it is read", within=30)
    assert ended[0].startswith(f"process {sleeper}  1 thread, 0 with a job  py-spy")
    assert any("<module>" in line for line in ended)


def _good(ended: Ended) -> list[str] | None:
    return ended.out.splitlines() if ended.code == 0 else None


def test_a_process_that_cannot_be_read_says_why(run: Run) -> None:
    ended = run("stacks", "--pid", "999999999")
    assert (ended.code, ended.out) == (3, "")
    assert "there is no process 999999999" in ended.err


def lines_of(*reports: StackReport, job: str | None = None, width: int | None = None) -> list[str]:
    shown = MemberStacks(name="a", reports=reports)
    return list(detail_lines(shown, datetime.now(UTC), job_id=job, width=width))


def test_samples_tell_whether_a_thread_moves() -> None:
    still = [replace(WORKING, taken_at=NOW + timedelta(seconds=n)) for n in range(3)]
    assert "equal in 3 of 3 samples" in lines_of(*still)[2]
    moved = report(thread("job/1", replace(RECV, line=719), POLL))
    assert "equal in 2 of 3 samples" in lines_of(still[0], moved, still[2])[2]


def test_who_called_the_action_is_left_out() -> None:
    engine = [Frame("run", "engine/service/runner.py", n) for n in range(1, 6)]
    text = lines_of(report(thread("job/1", RECV, POLL, *engine)))
    assert "      (5 outer frames left out)" in text
    assert not any("runner.py" in line for line in text)


def test_without_jobs_all_stacks_are_shown_in_full() -> None:
    text = lines_of(report(thread(None, TAKE, POLL), replace(thread(None, TAKE, POLL), ident=2)))
    assert sum("poll.py" in line for line in text) == 1


def test_an_idle_executor_is_not_shown_in_full(run: Run, zk_reach: str) -> None:
    resting = report(thread(None, TAKE, POLL))
    with member(zk_reach, lambda request: answer(request, resting)):
        ended = run("stacks", "a")
    assert ended.out.splitlines()[-1].split()[-2:] == ["wait", "(threading.py:320)"]
    assert "poll.py" not in ended.out


def test_a_narrow_terminal_cuts_lines() -> None:
    wide = replace(RECV, code="x" * 300)
    assert max(map(len, lines_of(report(thread("job/1", wide)), width=80))) == 80


def test_a_thread_outside_python_is_said_to_be_so() -> None:
    assert "in no Python code" in lines_of(report(thread("job/1")))[3]
