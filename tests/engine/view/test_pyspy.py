"""Stacks through py-spy: of real processes, and what is said where they cannot be had."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from engine.errors import StacksUnavailable
from engine.models import StackReport, ThreadStack
from engine.view import pyspy
from tests.support import eventually

OURS, THEIRS = "job/11111111-aaaa", "job/22222222-bbbb"
NOW = datetime(2026, 3, 4, tzinfo=UTC)
HOLDER = "hold_the_interpreter"
SYS_PTRACE = 1 << 19

WORKERS = f"""
import ctypes, threading, time

def process_job(job_id):
    time.sleep(600)

def wait_for_the_next(job_id):
    time.sleep(600)

def {HOLDER}():
    ctypes.PyDLL(None).usleep(600_000_000)

threading.Thread(target=time.sleep, args=(600,), name="exec-{OURS}", daemon=True).start()
threading.Thread(target=process_job, args=("{THEIRS}",), name="theirs", daemon=True).start()
threading.Thread(target=wait_for_the_next, args=(b"job/333",), name="idle", daemon=True).start()
threading.Thread(target={HOLDER}, name="holder", daemon=True).start()
time.sleep(600)
"""


@pytest.fixture
def workers() -> Iterator[int]:
    """A process with threads as executors have them, one of which holds the interpreter lock."""
    process = subprocess.Popen([sys.executable, "-c", WORKERS])
    yield process.pid
    process.kill()
    process.wait(30)


def named(report: StackReport, name: str) -> ThreadStack:
    (found,) = [thread for thread in report.threads if thread.name == name]
    return found


def test_a_process_whose_interpreter_lock_is_held_is_read_from_outside(workers: int) -> None:
    def whole() -> StackReport | None:
        try:
            report = pyspy.dump(workers)
        except StacksUnavailable:  # it has just been started
            return None
        tops = {thread.name: thread.top for thread in report.threads}
        top = tops.get("holder")
        return report if top is not None and top.function == HOLDER else None

    report = eventually(whole, "the lock is held", within=30)
    assert (report.source, report.pid) == ("py-spy", workers)
    assert named(report, f"exec-{OURS}").job_id == OURS
    assert named(report, "theirs").job_id == THEIRS
    assert named(report, "idle").job_id is None


def test_no_value_of_a_local_variable_is_kept(workers: int) -> None:
    eventually(lambda: len(_threads(workers)) == 5, "all threads run", within=30)
    report = pyspy.dump(workers)
    text = json.dumps(report.to_json())
    assert THEIRS in text
    assert "job/333" not in text


def _threads(pid: int) -> tuple[ThreadStack, ...]:
    try:
        return pyspy.dump(pid).threads
    except StacksUnavailable:
        return ()


def test_a_process_that_is_not_there_is_named() -> None:
    gone = subprocess.Popen([sys.executable, "-c", ""])
    gone.wait(30)
    with pytest.raises(StacksUnavailable, match=f"no process {gone.pid}"):
        pyspy.dump(gone.pid)


def test_a_pid_that_no_process_can_have_is_no_process() -> None:
    with pytest.raises(StacksUnavailable, match="no process"):
        pyspy.dump(10**12)


def test_a_process_of_another_kind_is_named() -> None:
    other = subprocess.Popen(["sleep", "600"])
    try:
        with pytest.raises(StacksUnavailable, match="not a Python process"):
            pyspy.dump(other.pid)
    finally:
        other.kill()
        other.wait(30)


def test_without_py_spy_it_says_how_to_install_it(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(sys, "executable", str(tmp_path / "python"))
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(StacksUnavailable, match=r"pip install 'nuvla-console\[stacks\]'"):
        pyspy.dump(os.getpid())


def script(folder: Path, text: str) -> str:
    """Return a program that stands in for py-spy."""
    path = folder / "py-spy"
    path.write_text(f"#!/bin/sh\n{text}\n")
    path.chmod(0o755)
    return str(path)


def test_a_refused_trace_names_the_missing_right(tmp_path: Path) -> None:
    program = script(tmp_path, 'echo "Error: Permission Denied: Try running again" >&2; exit 1')
    with pytest.raises(StacksUnavailable, match=r"may not be traced: .*(ptrace|PTRACE)"):
        pyspy.dump(os.getpid(), program=program)


def test_a_py_spy_that_hangs_is_given_up(tmp_path: Path) -> None:
    program = script(tmp_path, "exec sleep 600")
    with pytest.raises(StacksUnavailable, match="did not answer within"):
        pyspy.dump(os.getpid(), program=program, timeout=0.2)


def test_a_py_spy_that_cannot_be_started_is_named(tmp_path: Path) -> None:
    with pytest.raises(StacksUnavailable, match="cannot be started"):
        pyspy.dump(os.getpid(), program=str(tmp_path / "none"))


@pytest.mark.parametrize("text", [b"", b"{}", b"[1]", b'[{"thread_name": null}]', b"[" * 100_000])
def test_an_answer_of_another_form_is_refused(text: bytes) -> None:
    with pytest.raises(StacksUnavailable, match="form that is not known"):
        pyspy.parse(1, text, NOW)


def thread(called: str | None, /, **first_local: str) -> dict[str, Any]:
    frame = {"name": "f", "filename": "/x/f.py", "line": 3, "locals": [first_local]}
    return {"thread_name": called, "thread_id": 5, "os_thread_id": 6, "frames": [frame]}


@pytest.mark.parametrize(
    ("raw", "job"),
    [
        (thread("exec-job/a1"), "job/a1"),
        (thread("exec-JOB"), None),
        (thread(None, name="job_id", repr='"job/a1"'), "job/a1"),
        (thread("x", name="child_id", repr='"job/a1"'), None),
        (thread("x", name="job_id", repr='b"job/a1"'), None),
        (thread("x", name="job_id", repr='"job/"'), None),
    ],
)
def test_the_job_comes_from_the_threads_name_or_from_job_id(
    raw: dict[str, Any], job: str | None
) -> None:
    (found,) = pyspy.parse(1, json.dumps([raw]).encode(), NOW).threads
    assert found.job_id == job
    assert found.name


@pytest.mark.parametrize(
    ("facts", "said"),
    [
        ({"owner": 7, "user": 7, "capabilities": 0, "scope": 1}, "ptrace_scope is 1"),
        ({"owner": 7, "user": 7, "capabilities": 0, "scope": 2}, "ptrace_scope is 2"),
        ({"owner": 7, "user": 0, "capabilities": SYS_PTRACE, "scope": 3}, "ptrace_scope is 3"),
        ({"owner": 7, "user": 8, "capabilities": 0, "scope": 1}, "belongs to uid 7"),
        ({"owner": 7, "user": 0, "capabilities": 0, "scope": None}, "or with it (in a container"),
        ({"owner": 0, "user": 0, "capabilities": 0, "scope": 0}, "--cap-add SYS_PTRACE"),
        ({"owner": 0, "user": 0, "capabilities": SYS_PTRACE, "scope": 1}, "seccomp"),
        ({"owner": None, "user": 7, "capabilities": 0, "scope": 1}, "ptrace_scope is 1"),
    ],
)
def test_the_missing_right_is_the_one_that_is_missing(facts: dict[str, Any], said: str) -> None:
    assert said in pyspy.missing_right(**facts)
