"""The guard: a process that tells of another one whose interpreter does not run.

It hears a beat from the watched process every third of a second. Where none comes for a second, it
asks for a traceback by a signal: `faulthandler` answers it in C, without the interpreter. The guard
then says so in ZooKeeper, with a session of its own, until the beats come back.
"""

from __future__ import annotations

import contextlib
import gc
import logging
import os
import select
import signal
import sys
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Protocol

from engine.errors import EngineError
from engine.models.stacks import StackReport, ThreadStack, busy_first
from engine.service.job_board import JobBoard
from engine.service.tracebacks import Known, parse

BEAT = 0.3
"""Seconds between two beats."""
SILENCE = 1.0
"""Seconds without a beat after which the process is looked at."""
LOOK_AGAIN = 2.0
"""Seconds between two looks while it stays silent."""
SIGNAL = signal.SIGUSR2
SOURCE = "watchdog"
_LATE = 0.4
_QUIET = 0.1
"""Seconds without more text after which a traceback is whole."""
_LONGEST_DUMP = 1.0
_STOPPED = "Tt"
_ENDED = "ZX"


class Teller(Protocol):
    """Where a stall is made known."""

    def tell(self, report: StackReport) -> None:
        """Make it known, or bring it up to date."""

    def withdraw(self) -> None:
        """Take it back."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Watched:
    """The process that is watched, and what it shares with its guard."""

    pid: int
    beats: int
    """Descriptor: the process's instance in one line, then a byte for each beat."""
    dumps: int
    """Descriptor: what `faulthandler` writes."""
    board: JobBoard


def live(watched: Watched, make_teller: Callable[[str], Teller]) -> None:
    """Watch until the process ends. Call it in a fresh fork: it changes the whole process.

    Args:
        watched: the process.
        make_teller: given the instance, returns where stalls are made known.
    """
    _settle_down()
    instance = _read_instance(watched.beats)
    if instance is None:
        return
    teller = make_teller(instance)
    try:
        _watch(watched, teller)
    finally:
        teller.withdraw()


def _settle_down() -> None:
    """Become small, quiet, and deaf to signals that are meant for the process."""
    gc.freeze()  # what the fork shares is not written to
    logging.disable(logging.CRITICAL)
    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP, signal.SIGUSR1, SIGNAL):
        signal.signal(number, signal.SIG_IGN)
    with open(os.devnull, "r+b") as nothing:
        os.dup2(nothing.fileno(), sys.stdin.fileno())
        os.dup2(nothing.fileno(), sys.stdout.fileno())


def _read_instance(beats: int) -> str | None:
    """Return the first line; None where the process ended before it had one."""
    text = b""
    while not text.endswith(b"\n"):
        piece = os.read(beats, 1)
        if not piece:
            return None
        text += piece
    return text.decode().strip()


def _watch(watched: Watched, teller: Teller) -> None:
    heard_at = time.monotonic()
    look_at: float | None = None
    """When to look again, while the process is silent."""
    while True:
        asleep_at = time.monotonic()
        is_heard = select.select([watched.beats], [], [], BEAT)[0]
        now = time.monotonic()
        if is_heard:
            if not os.read(watched.beats, 4096):
                return
            heard_at = now
            if look_at is not None:
                teller.withdraw()
                look_at = None
        elif now - asleep_at > BEAT + _LATE:
            heard_at = now  # the whole machine stood still: nothing can be told of the process
        elif now - heard_at >= SILENCE and (look_at is None or now >= look_at):
            report = _look(watched, now - heard_at)
            if report is None:
                return
            look_at = time.monotonic() + LOOK_AGAIN
            with contextlib.suppress(EngineError):  # told at the next look
                teller.tell(report)


def _look(watched: Watched, silent: float) -> StackReport | None:
    """Return what the process does; None where it has ended."""
    state = _state(watched.pid)
    if state in _ENDED:
        return None
    threads: tuple[ThreadStack, ...] = ()
    if state in _STOPPED:
        trouble = f"the process has been stopped for {silent:.0f} s (SIGSTOP or a debugger)"
    else:
        threads = read_dump(_dump(watched), watched.board)
        trouble = (
            f"its interpreter has not run for {silent:.0f} s: C code holds the interpreter lock, "
            "or the process gets no processor time"
        )
    return StackReport(
        source=SOURCE,
        taken_at=datetime.now(UTC),
        pid=watched.pid,
        threads=threads,
        trouble=trouble,
    )


def _state(pid: int) -> str:
    """Return the state of a process as proc(5) has it; "X" where there is no such process."""
    try:
        text = Path(f"/proc/{pid}/stat").read_text("utf-8", "replace")
    except FileNotFoundError:
        return "X" if Path("/proc/self").exists() else "?"
    except OSError:
        return "?"
    return text.rpartition(")")[2].split()[0]


def _dump(watched: Watched) -> str:
    """Ask for a traceback, and return it."""
    try:
        os.kill(watched.pid, SIGNAL)
    except ProcessLookupError:
        return ""
    pieces = []
    deadline = time.monotonic() + _LONGEST_DUMP
    wait = _LONGEST_DUMP
    while time.monotonic() < deadline and select.select([watched.dumps], [], [], wait)[0]:
        piece = os.read(watched.dumps, 1 << 16)
        if not piece:
            break
        pieces.append(piece)
        wait = _QUIET
    return b"".join(pieces).decode("utf-8", "replace")


def read_dump(text: str, board: JobBoard) -> tuple[ThreadStack, ...]:
    """Return the threads of a traceback, with their jobs.

    `faulthandler` shows a hundred threads at most. A worker that is left out, or cut off, has no
    frames, but its job: the job must not look like one that no thread works on.
    """
    slots = board.slots()
    names = {threading.main_thread().ident: Known("MainThread", None)}  # a fork keeps the ident
    for slot in slots:
        name = f"exec-{slot.job_id}" if slot.job_id else f"worker-{slot.worker}"
        names[slot.ident] = Known(name, slot.job_id)
    threads = parse(text, names.get)
    shown = {thread.ident for thread in threads}
    missing = [
        ThreadStack(ident=slot.ident, name=f"exec-{slot.job_id}", job_id=slot.job_id, frames=())
        for slot in slots
        if slot.job_id is not None and slot.ident not in shown
    ]
    return busy_first([*threads, *missing]) if threads else ()
