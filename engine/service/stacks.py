"""The stacks of all threads of this process, each with the job it runs."""

from __future__ import annotations

import gc
import linecache
import logging
import os
import queue
import signal
import sys
import threading
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from functools import lru_cache
from types import FrameType

from engine.models.stacks import Frame, StackReport, ThreadStack, busy_first, capped

log = logging.getLogger(__name__)

JobsByThread = Callable[[], Mapping[int, str]]
"""Returns the job id that a thread, by its ident, works on."""

IN_PROCESS = "in-process"
_collector = threading.Lock()
_DEEPEST = 2_000
"""Frames of one thread that are walked: a runaway recursion is cut there."""


def no_jobs() -> Mapping[int, str]:
    """Return the jobs of a process that runs none."""
    return {}


def capture(jobs: Mapping[int, str]) -> StackReport:
    """Return the stacks of all threads. Cheap enough to be called each second.

    Args:
        jobs: the job id by the ident of the thread that works on it.
    """
    names = {thread.ident: thread.name for thread in threading.enumerate()}
    threads = [
        ThreadStack(
            ident=ident,
            name=names.get(ident, "(not a thread of Python's)"),
            job_id=jobs.get(ident),
            frames=_frames(frame),
        )
        for ident, frame in current_frames().items()
    ]
    return StackReport(
        source=IN_PROCESS,
        taken_at=datetime.now(UTC),
        pid=os.getpid(),
        threads=busy_first(threads),
    )


def current_frames() -> dict[int, FrameType]:
    """Return the innermost frame of each thread, by its ident.

    The garbage collector is kept off: CPython before 3.11.9 holds the lock of its list of threads
    meanwhile, and a collection that runs code under it stops the whole process for ever (CPython's
    issue 106883; seen here with 3.11.7).
    """
    with _collector:
        was_on = gc.isenabled()
        gc.disable()
        try:
            return sys._current_frames()
        finally:
            if was_on:
                gc.enable()


def render(report: StackReport) -> str:
    """Return a report as text, one block a thread, the innermost call first."""
    blocks = []
    for thread in report.threads:
        job = f", {thread.job_id}" if thread.job_id else ""
        lines = [f"thread {thread.name} ({thread.ident}{job})"]
        for frame in thread.frames:
            lines.append(f"  {frame.where}")
            if frame.code:
                lines.append(f"    {frame.code}")
        blocks.append("\n".join(lines))
    return "\n\n".join(blocks)


def log_on_signal(jobs: JobsByThread = no_jobs, *, number: int = signal.SIGUSR1) -> None:
    """Write all stacks to the log whenever the signal comes. Call it in the main thread.

    The handler only wakes a thread: a log that is written inside a handler can interrupt, and
    so damage, a line that the main thread is writing.
    """
    asked: queue.SimpleQueue[None] = queue.SimpleQueue()

    def answer() -> None:
        while True:
            asked.get()
            text = render(capture(jobs()))
            log.warning("stacks of all threads, as asked:\n%s", text, extra={"multiline": True})

    threading.Thread(target=answer, name="stacks", daemon=True).start()
    signal.signal(number, lambda *_: asked.put(None))


def _frames(frame: FrameType | None) -> tuple[Frame, ...]:
    frames: list[Frame] = []
    while frame is not None and len(frames) < _DEEPEST:
        code = frame.f_code
        frames.append(_frame(code.co_qualname, code.co_filename, frame.f_lineno or 0))
        frame = frame.f_back
    return capped(frames)


@lru_cache(8192)
def _frame(function: str, file: str, line: int) -> Frame:
    """Return a frame; its source line is read from the disk once, not at each sample."""
    return Frame.of(function, file, line, linecache.getline(file, line))
