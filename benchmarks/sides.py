"""The executors that are compared: ours and the published one, started as an operator would."""

from __future__ import annotations

import contextlib
import os
import subprocess
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path

import psutil

from benchmarks.stage import ROOT, Stage

ADMIN = "group/nuvla-admin"
ACTIONS = ROOT / "benchmarks" / "actions"
PEER_PYTHON = ROOT / ".peer" / "bin" / "python"
SIDES = ("ours", "upstream")
MEGABYTE = 1_000_000
STOP_SECONDS = 15.0


class ExecutorEnded(Exception):
    """An executor under test ended by itself; quotes the end of its output."""


def command(
    side: str, stage: Stage, *, name: str, threads: int, options: Sequence[str] = ()
) -> list[str]:
    """Return the command line of one executor; upstream's has one thread and cannot have more.

    Args: options: further words for ours.
    """
    if side == "ours":
        words = [sys.executable, "-m", "engine.cli.main", "executor"]
        words += ["--threads", str(threads), "--actions-path", str(ACTIONS), *options]
    else:
        # -P: none of our modules may stand in for one of the standard library.
        words = [str(PEER_PYTHON), "-P", str(ROOT / "benchmarks" / "peer_executor.py")]
    words += ["--api-url", stage.endpoint.url, "--zk-hosts", stage.server.hosts]
    return [*words, "--api-authn-header", ADMIN, "--name", name]


class Fleet:
    """Some executors of one side."""

    def __init__(
        self, side: str, stage: Stage, *, size: int, threads: int, options: Sequence[str] = ()
    ) -> None:
        self._logs: list[Path] = []
        self._processes: list[psutil.Popen] = []
        surroundings = {"PATH": os.environ["PATH"], "HOME": str(stage.folder), "LANG": "C.UTF-8"}
        for number in range(size):
            log = stage.folder / f"{side}-{number}.log"
            with log.open("wb") as output:
                process = psutil.Popen(
                    command(side, stage, name=f"bench-{number}", threads=threads, options=options),
                    cwd=ROOT,
                    env=surroundings,
                    stdin=subprocess.DEVNULL,
                    stdout=output,
                    stderr=output,
                )
            self._logs.append(log)
            self._processes.append(process)

    @property
    def processes(self) -> tuple[psutil.Process, ...]:
        """The executors."""
        return tuple(psutil.Process(process.pid) for process in self._processes)

    def cpu_seconds(self) -> float:
        """Return the processor time that all have used so far.

        Raises:
            ExecutorEnded: one is gone.
        """
        self.check()
        times = [process.cpu_times() for process in self._processes]
        return float(sum(time.user + time.system for time in times))

    def resident_megabytes(self) -> float:
        """Return the resident memory of the largest.

        Raises:
            ExecutorEnded: one is gone.
        """
        self.check()
        return float(max(process.memory_info().rss for process in self._processes) / MEGABYTE)

    def check(self) -> None:
        """Raises: ExecutorEnded: one is gone."""
        for process, log in zip(self._processes, self._logs, strict=True):
            if process.poll() is not None:
                lines = log.read_text("utf-8", "replace").strip().splitlines()
                last = lines[-1][:300] if lines else "it wrote nothing"
                raise ExecutorEnded(f"an executor ended with {process.returncode}: {last}")

    def close(self) -> None:
        """End all; kill those that take too long."""
        for process in self._processes:
            with contextlib.suppress(psutil.NoSuchProcess):
                process.terminate()
        for process in self._processes:
            try:
                process.wait(STOP_SECONDS)
            except psutil.TimeoutExpired:
                process.kill()
                process.wait()


@contextlib.contextmanager
def running(
    side: str, stage: Stage, *, size: int = 1, threads: int = 1, options: Sequence[str] = ()
) -> Iterator[Fleet]:
    """Start executors and end them afterwards."""
    fleet = Fleet(side, stage, size=size, threads=threads, options=options)
    try:
        yield fleet
    finally:
        fleet.close()
