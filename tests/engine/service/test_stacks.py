"""Thread stacks: of this process, with each thread's job."""

from __future__ import annotations

import gc
import logging
import os
import signal
import sys
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from types import FrameType

import pytest

from engine.models import ThreadStack
from engine.models.stacks import MAX_FRAMES
from engine.service import stacks
from tests.support import eventually


def waits_in_a_named_function(done: threading.Event, deeper: int) -> None:
    if deeper:
        waits_in_a_named_function(done, deeper - 1)
    else:
        done.wait(60)


@pytest.fixture(params=[0])
def waiting(request: pytest.FixtureRequest) -> Iterator[threading.Thread]:
    """A thread that waits in a function of a known name, so many calls deep."""
    done = threading.Event()
    arguments = (done, request.param)
    thread = threading.Thread(target=waits_in_a_named_function, args=arguments, name="exec-job/1")
    thread.start()
    yield thread
    done.set()
    thread.join(10)


def standing(thread: threading.Thread) -> ThreadStack:
    """Return the thread's stack once it waits."""
    ident = thread.ident or 0

    def found() -> ThreadStack | None:
        stack = stacks.capture({ident: "job/1"}).threads[0]
        names = [frame.function for frame in stack.frames]
        return stack if names[0] == "Condition.wait" else None

    return eventually(found, "the thread waits")


def test_each_thread_shows_its_name_its_job_and_where_it_stands(waiting: threading.Thread) -> None:
    stack = standing(waiting)
    assert (stack.ident, stack.name, stack.job_id) == (waiting.ident, "exec-job/1", "job/1")
    (named,) = [frame for frame in stack.frames if frame.function == "waits_in_a_named_function"]
    assert named.code == "done.wait(60)"
    assert stack.top is not None
    assert stack.top.file == "threading.py"


def test_a_report_says_who_took_it_and_of_whom(waiting: threading.Thread) -> None:
    report = stacks.capture({})
    assert (report.source, report.pid, report.trouble) == ("in-process", os.getpid(), "")
    assert {"MainThread", "exec-job/1"} <= {thread.name for thread in report.threads}
    assert report.taken_at.tzinfo is not None


def test_a_report_is_rendered_innermost_call_first(waiting: threading.Thread) -> None:
    standing(waiting)
    text = stacks.render(stacks.capture({waiting.ident or 0: "job/1"}))
    lines = text.splitlines()
    assert lines[0] == f"thread exec-job/1 ({waiting.ident}, job/1)"
    assert lines[1].startswith("  Condition.wait (threading.py:")
    assert "    done.wait(60)" in lines


def test_nothing_is_collected_while_frames_are_listed(monkeypatch: pytest.MonkeyPatch) -> None:
    """CPython 3.11 before .9 stops for ever when a collection runs code in it (issue 106883)."""
    list_frames, seen = sys._current_frames, []

    def listing() -> dict[int, FrameType]:
        seen.append(gc.isenabled())
        return list_frames()

    monkeypatch.setattr(sys, "_current_frames", listing)
    assert gc.isenabled()
    with ThreadPoolExecutor(4) as threads:
        for each in [threads.submit(stacks.capture, {}) for _ in range(50)]:
            each.result(30)
    assert seen == [False] * 50
    assert gc.isenabled()


@pytest.mark.parametrize("waiting", [500], indirect=True)
def test_a_deep_stack_is_cut_in_its_middle(waiting: threading.Thread) -> None:
    stack = standing(waiting)
    assert len(stack.frames) == MAX_FRAMES
    assert stack.frames[-1].function == "Thread._bootstrap"


def test_the_signal_writes_all_stacks_to_the_log(
    waiting: threading.Thread, caplog: pytest.LogCaptureFixture
) -> None:
    before = signal.getsignal(signal.SIGUSR1)
    try:
        stacks.log_on_signal(lambda: {waiting.ident or 0: "job/1"})
        os.kill(os.getpid(), signal.SIGUSR1)
        eventually(lambda: any("exec-job/1" in record.getMessage() for record in caplog.records))
    finally:
        signal.signal(signal.SIGUSR1, before)
    assert caplog.records[-1].levelno == logging.WARNING
