"""The guard tells where a process stands whose interpreter does not run."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from engine.models import StackReport
from engine.service.guard_process import read_dump
from engine.service.job_board import JobBoard
from tests.support import eventually

SCRIPT = Path(__file__).with_name("watched.py")
ROOT = Path(__file__).parents[3]


class Watched:
    """A process with a guard."""

    def __init__(self, folder: Path) -> None:
        self._file = folder / "stall"
        self.process = subprocess.Popen(
            [sys.executable, "-P", str(SCRIPT), str(folder)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            env={**os.environ, "PYTHONPATH": str(ROOT)},
        )
        self.guard = int(self.read())

    def read(self) -> str:
        assert self.process.stdout is not None
        return self.process.stdout.readline().strip()

    def order(self, line: str) -> None:
        assert self.process.stdin is not None
        self.process.stdin.write(line + "\n")
        self.process.stdin.flush()

    def told(self) -> StackReport | None:
        """Return what the guard tells now."""
        try:
            return StackReport.from_json(json.loads(self._file.read_text("utf-8")))
        except FileNotFoundError:
            return None

    def close(self) -> None:
        self.process.kill()
        self.process.communicate()
        eventually(lambda: not is_alive(self.guard), "the guard ends with its process", within=30)


def is_alive(pid: int) -> bool:
    """Whether a process runs; one that has ended and waits for its parent does not."""
    try:
        text = Path(f"/proc/{pid}/stat").read_text("utf-8")
    except OSError:
        return False
    return text.rpartition(")")[2].split()[0] not in "ZX"


@pytest.fixture
def watched(tmp_path: Path) -> Iterator[Watched]:
    made = Watched(tmp_path)
    yield made
    made.close()


def soon(what: Callable[[], object]) -> None:
    """Wait for something that a busy machine may delay."""
    eventually(what, within=40, every=0.05)


def test_a_held_interpreter_is_told_with_the_frame_and_the_job(watched: Watched) -> None:
    watched.order("hold 600")
    report = eventually(watched.told, "the guard tells", within=40)
    assert (report.source, report.pid) == ("watchdog", watched.process.pid)
    assert "interpreter" in report.trouble
    thread = report.working_on("job/held")
    assert thread is not None
    assert thread.top is not None and thread.top.function == "hold_the_interpreter"
    assert {"MainThread", "exec-job/held"} <= {each.name for each in report.threads}


def test_it_is_kept_fresh_while_it_lasts(watched: Watched) -> None:
    watched.order("hold 600")
    first = eventually(watched.told, "the guard tells", within=40)
    soon(lambda: (watched.told() or first).taken_at > first.taken_at)


def test_it_is_withdrawn_when_the_interpreter_runs_again(watched: Watched) -> None:
    watched.order("hold 3")
    soon(watched.told)
    soon(lambda: watched.told() is None)
    watched.order("close")
    assert watched.read() == "closed"


def test_a_process_that_is_stopped_is_told_without_stacks(watched: Watched) -> None:
    os.kill(watched.process.pid, signal.SIGSTOP)
    report = eventually(watched.told, "the guard tells", within=40)
    assert "stopped" in report.trouble
    assert report.threads == ()
    os.kill(watched.process.pid, signal.SIGCONT)
    soon(lambda: watched.told() is None)


@pytest.mark.parametrize("during", ["rest", "hold"])
def test_the_guard_ends_when_its_process_is_killed(watched: Watched, during: str) -> None:
    if during == "hold":
        watched.order("hold 600")
        soon(watched.told)
    watched.process.kill()
    watched.process.wait(30)
    soon(lambda: not is_alive(watched.guard))
    assert watched.told() is None


def ignores(pid: int, number: signal.Signals) -> bool:
    """Whether a process ignores a signal."""
    status = Path(f"/proc/{pid}/status").read_text("utf-8")
    return bool(int(status.partition("SigIgn:")[2].split()[0], 16) >> (number - 1) & 1)


def test_the_guard_is_deaf_to_what_ends_its_process(watched: Watched) -> None:
    soon(lambda: ignores(watched.guard, signal.SIGUSR2))  # the last one that it learns to ignore
    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP, signal.SIGUSR1, signal.SIGUSR2):
        os.kill(watched.guard, number)
    watched.order("hold 600")
    soon(watched.told)


def test_a_process_lives_on_without_its_guard(watched: Watched) -> None:
    os.kill(watched.guard, signal.SIGKILL)
    soon(lambda: not is_alive(watched.guard))
    watched.order("hold 1.5")
    watched.order("close")
    assert watched.read() == "closed"


def test_a_guard_that_hangs_holds_nothing_up(watched: Watched) -> None:
    os.kill(watched.guard, signal.SIGSTOP)
    watched.order("hold 1.5")
    watched.order("exit")
    assert watched.process.wait(40) == 0
    os.kill(watched.guard, signal.SIGCONT)


def test_a_worker_that_the_traceback_leaves_out_keeps_its_job() -> None:
    board = JobBoard(2)
    board.note(1, "job/1")
    text = 'Thread 0x1 (most recent call first):\n  File "f.py", line 1 in f\n'
    first, second = read_dump(text, board)
    assert (first.job_id, first.frames, second.job_id) == ("job/1", (), None)
    assert read_dump("", board) == ()
