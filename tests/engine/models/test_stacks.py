"""Stack reports: short, comparable between hosts, and safe whoever sent them."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest

from engine.models import Frame, StackReport, ThreadStack
from engine.models.stacks import MAX_FRAMES, MAX_THREADS, busy_first, capped

WORKER = ThreadStack(
    ident=7,
    name="exec-job/1",
    job_id="job/1",
    frames=(Frame("recv", "socket.py", 718, "return x"), Frame("do_work", "/opt/poll.py", 42)),
)
REPORT = StackReport(
    source="in-process",
    taken_at=datetime(2026, 3, 4, 5, 6, 7, tzinfo=UTC),
    pid=12,
    threads=(WORKER,),
    trouble="",
)


def sent(**changes: Any) -> dict[str, Any]:
    """Return the report as it arrives; changes with a dot go to its one thread."""
    raw: dict[str, Any] = json.loads(json.dumps(REPORT.to_json()))
    for key, value in changes.items():
        inside, _, name = key.rpartition(".")
        (raw["threads"][0] if inside else raw)[name] = value
    return raw


def test_a_report_survives_its_journey() -> None:
    assert StackReport.from_json(sent()) == REPORT


def test_a_frame_that_many_threads_share_travels_once() -> None:
    many = replace(REPORT, threads=(WORKER,) * 50)
    assert len(many.to_json()["frames"]) == 2
    assert StackReport.from_json(many.to_json()) == many


def test_the_thread_of_a_job_is_found() -> None:
    assert REPORT.working_on("job/1") is WORKER
    assert REPORT.working_on("job/2") is None


@pytest.mark.parametrize(
    "changes",
    [
        {"threads": None},
        {"threads": [1]},
        {"threads": [{}]},
        {"thread.ident": True},
        {"thread.name": None},
        {"thread.job_id": 1},
        {"thread.frames": [2]},
        {"thread.frames": [-1]},
        {"thread.frames": ["0"]},
        {"frames": None},
        {"frames": []},
        {"frames": [["f", "file", "1", ""]] * 2},
        {"frames": [["f", "file", -1, ""]] * 2},
        {"frames": [["f", "file", 1]] * 2},
        {"frames": [[None, "file", 1, ""]] * 2},
        {"threads": REPORT.to_json()["threads"] * (MAX_THREADS + 1)},
        {"taken_at": "yesterday"},
        {"taken_at": None},
        {"source": None},
        {"trouble": 1},
        {"pid": "12"},
    ],
)
def test_what_is_no_report_is_refused(changes: dict[str, Any]) -> None:
    with pytest.raises(ValueError):
        StackReport.from_json(sent(**changes))


@pytest.mark.parametrize("raw", [None, [], "x", 1])
def test_what_is_no_object_is_refused(raw: object) -> None:
    with pytest.raises(ValueError):
        StackReport.from_json(raw)


def test_hostile_texts_become_safe_to_draw() -> None:
    frame = ["\x1b]0;owned\x07", "a\u202eb", 1, "x" * 10_000]
    changes = {"thread.name": "\x9b2J", "thread.job_id": "job/\x1b", "frames": [frame, frame]}
    report = StackReport.from_json(sent(**changes, source="\x1b", trouble="\r"))
    text = json.dumps(report.to_json(), ensure_ascii=False)
    assert not any(char in text for char in "\x1b\x07\x9b\r\u202e")
    assert len(report.threads[0].frames[0].code) < 1_000


@pytest.mark.parametrize(
    ("path", "short"),
    [
        ("/usr/lib/python3.11/socket.py", "socket.py"),
        ("/x/.venv/lib/python3.12/site-packages/kazoo/client.py", "kazoo/client.py"),
        ("/usr/lib/python3/dist-packages/six.py", "six.py"),
        ("/home/x/checkout/engine/service/runner.py", "engine/service/runner.py"),
        ("/opt/actions/poll.py", "/opt/actions/poll.py"),
        ("<frozen runpy>", "<frozen runpy>"),
    ],
)
def test_where_libraries_are_installed_is_left_out(path: str, short: str) -> None:
    assert Frame.of("f", path, 1).file == short


def test_the_own_frame_is_the_innermost_one_of_an_action() -> None:
    assert WORKER.own == Frame("do_work", "/opt/poll.py", 42)
    shipped = Frame.of("go", "/v/lib/python3.11/site-packages/actions/cleanup_jobs.py", 1)
    assert replace(WORKER, frames=(Frame.of("recv", "socket.py", 1), shipped)).own is shipped
    assert replace(WORKER, frames=(Frame.of("run", "/x/engine/service/a.py", 1),)).own is None


def test_a_deep_stack_keeps_both_ends() -> None:
    deep = [Frame("f", "f.py", line) for line in range(1, 1_001)]
    kept = capped(deep)
    assert len(kept) == MAX_FRAMES
    assert (kept[0], kept[-1]) == (deep[0], deep[-1])
    assert sum("frames left out" in frame.where for frame in kept) == 1


def test_threads_that_run_a_job_come_first() -> None:
    idle = replace(WORKER, job_id=None, name="a")
    assert busy_first([idle, WORKER]) == (WORKER, idle)
