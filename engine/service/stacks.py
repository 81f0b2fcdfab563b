"""The stacks of all threads of this process, each with the job it runs."""

from __future__ import annotations

import logging
import queue
import signal
import sys
import threading
import traceback
from collections.abc import Callable, Mapping
from dataclasses import dataclass

log = logging.getLogger(__name__)

JobsByThread = Callable[[], Mapping[int, str]]
"""Returns the job id that a thread, by its ident, works on."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ThreadStack:
    """One thread as it stood for a moment."""

    ident: int
    name: str
    job_id: str | None
    frames: tuple[str, ...]
    """Outermost call first, each with its source line below it where the source is there."""


def no_jobs() -> Mapping[int, str]:
    """Return the jobs of a process that runs none."""
    return {}


def capture(jobs: Mapping[int, str]) -> tuple[ThreadStack, ...]:
    """Return the stacks of all threads, those that run a job first.

    Args:
        jobs: the job id by the ident of the thread that works on it.
    """
    names = {thread.ident: thread.name for thread in threading.enumerate()}
    stacks = [
        ThreadStack(
            ident=ident,
            name=names.get(ident, "(not a thread of Python's)"),
            job_id=jobs.get(ident),
            frames=tuple(line.rstrip() for line in traceback.format_stack(frame)),
        )
        for ident, frame in sys._current_frames().items()
    ]
    return tuple(sorted(stacks, key=lambda stack: (stack.job_id is None, stack.name)))


def render(stacks: tuple[ThreadStack, ...]) -> str:
    """Return stacks as text, one block a thread."""
    blocks = []
    for stack in stacks:
        job = f", {stack.job_id}" if stack.job_id else ""
        blocks.append("\n".join([f"thread {stack.name} ({stack.ident}{job})", *stack.frames]))
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
