"""Actions of the fault tests. Each writes a journal line, synced to the disk, at start and end."""

from __future__ import annotations

import ctypes
import json
import os
import signal
import time
from pathlib import Path
from typing import Any

from engine import Job, action

JOURNAL = os.environ["FAULTS_JOURNAL"]


def note(job: Job, event: str, detail: Any = None) -> None:
    """Append one line, whole and synced."""
    line = {"at": time.monotonic(), "pid": os.getpid(), "job": job.id, "event": event}
    data = json.dumps({**line, "detail": detail}) + "\n"
    file = os.open(JOURNAL, os.O_WRONLY | os.O_APPEND)
    try:
        os.write(file, data.encode())
        os.fsync(file)
    finally:
        os.close(file)


class Noted:
    """Runs `work` between a start and an end line."""

    def __init__(self, job: Job) -> None:
        self.job = job
        self.wants: dict[str, Any] = job.payload or {}

    def do_work(self) -> Any:
        """Note, work, note."""
        note(self.job, "start")
        try:
            return self.work()
        finally:
            note(self.job, "end")

    def work(self) -> Any:
        """Return 0; others do more."""
        return 0


@action("count")
class Count(Noted):
    """Does nothing but leave its lines."""


@action("sleep")
class Sleep(Noted):
    """Sleeps for ``seconds``, deaf to everything."""

    def work(self) -> int:
        """Sleep."""
        time.sleep(self.wants["seconds"])
        return 0


@action("hold")
class Hold(Noted):
    """Waits for the file ``until``; each ``step`` seconds it notes a step, and with ``report``
    writes its process id as the status message."""

    def work(self) -> int:
        """Wait for the file; ends early only when told and ``heed`` is set."""
        gate, step = Path(self.wants["until"]), self.wants.get("step")
        last = time.monotonic()
        while not gate.exists():
            if self.wants.get("heed") and self.job.cancelled:
                note(self.job, "told to stop")
                return 0
            time.sleep(0.01)
            if step and time.monotonic() - last >= step:
                last = time.monotonic()
                note(self.job, "step")
                if self.wants.get("report"):
                    self.job.set_status_message(str(os.getpid()))
        return int(self.wants.get("code", 0))


@action("lock_up")
class LockUp(Noted):
    """Keeps the interpreter to itself for ``seconds``."""

    def work(self) -> int:
        """Sleep in C without releasing the interpreter's lock."""
        ctypes.PyDLL(None).usleep(int(self.wants["seconds"] * 1e6))
        return 0


@action("second_start")
class SecondStart(Noted):
    """Notes whether it is told that the job was found RUNNING."""

    def work(self) -> int:
        """Note it."""
        note(self.job, "again", self.job.was_running)
        return 0


def _recurse(depth: int) -> int:
    return 1 + _recurse(depth + 1)


def _exit_hard() -> None:
    os._exit(9)


RAISES: dict[str, Any] = {
    "SystemExit": SystemExit(3),
    "KeyboardInterrupt": KeyboardInterrupt(),
    "GeneratorExit": GeneratorExit(),
    "BaseException": BaseException("a base exception"),
    "MemoryError": MemoryError(),
    "ValueError": ValueError("an ordinary one"),
    "huge": ValueError("x" * 10_000_000),
    "unsound": ValueError("nul \0 lone \udc80 \ud800 esc \x1b[2J bytes \x85"),
}


@action("fail")
class Fail(Noted):
    """Raises what ``kind`` names."""

    def work(self) -> int:
        """Raise it."""
        if self.wants["kind"] == "RecursionError":
            return _recurse(0)
        raise RAISES[self.wants["kind"]]


GIVES: dict[str, Any] = {
    "none": None,
    "zero": 0,
    "seven": 7,
    "negative": -1,
    "true": True,
    "false": False,
    "text": "fine",
    "huge": 10**30,
    "float": 0.0,
    "list": [],
}


@action("give")
class Give(Noted):
    """Returns what ``value`` names."""

    def work(self) -> Any:
        """Return it."""
        return GIVES[self.wants["value"]]


@action("exit_hard")
class ExitHard(Noted):
    """Ends the process at once."""

    def work(self) -> int:
        """End it."""
        _exit_hard()
        return 0


@action("deaf")
class Deaf(Noted):
    """Sleeps in C for ``seconds``, without the interpreter's lock or any signal getting through."""

    def work(self) -> int:
        """Sleep."""
        signal.pthread_sigmask(signal.SIG_BLOCK, signal.valid_signals())
        ctypes.PyDLL(None).usleep(int(self.wants["seconds"] * 1e6))
        return 0


@action("ask_api")
class AskApi(Noted):
    """Reads its own document through the official client."""

    def work(self) -> int:
        """Read it."""
        note(self.job, "state", self.job.api.get(self.job.id).data["state"])
        return 0


@action("tell_all")
class TellAll(Noted):
    """Writes everything that a job can write."""

    def work(self) -> int:
        """Write it."""
        self.job.set_progress(42)
        self.job.set_status_message("half done")
        self.job.add_affected_resource("nuvlabox/1")
        self.job.update_job(tags=["a", "b"])
        note(self.job, "progress", self.job["progress"])
        return 0
