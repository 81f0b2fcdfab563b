"""The processes that a local platform starts beside its ZooKeeper, each with a log of its own."""

from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from engine.errors import LocalPlatformError
from engine.local.leash import leashed


@dataclass(frozen=True, slots=True)
class Child:
    """A process of ours."""

    name: str
    process: subprocess.Popen[bytes]
    log: Path


class Children:
    """Processes that end with this one, however it ends. Start them from the main thread."""

    def __init__(self, logs: Path, *, keep_open: Sequence[int] = ()) -> None:
        """Args:
        logs: the folder for their logs; made when missing.
        keep_open: file descriptors that they inherit, such as that of a lock.
        """
        self._logs = logs
        self._keep_open = tuple(keep_open)
        self._children: list[Child] = []

    def start(self, name: str, arguments: Sequence[str]) -> None:
        """Start `nuvla-engine` with these arguments.

        Raises:
            LocalPlatformError: it could not be started.
        """
        log = self._logs / f"{name}.log"
        # -P: a module in the current folder must not stand in for one of ours.
        command = [sys.executable, "-P", "-m", "engine.cli.main", *arguments]
        try:
            self._logs.mkdir(parents=True, exist_ok=True)
            with log.open("ab") as output:
                process = subprocess.Popen(
                    leashed(command),
                    stdin=subprocess.DEVNULL,
                    stdout=output,
                    stderr=output,
                    # A Ctrl-C at the terminal is for us: we end them, in order.
                    start_new_session=True,
                    pass_fds=self._keep_open,
                )
        except OSError as error:
            raise LocalPlatformError(f"cannot start {name}: {error}") from error
        self._children.append(Child(name, process, log))

    def check(self) -> None:
        """See whether all still run: none ends by itself.

        Raises:
            LocalPlatformError: one has ended; the message says which, and where its log is.
        """
        for child in self._children:
            code = child.process.poll()
            if code is not None:
                raise LocalPlatformError(f"{child.name} has ended with {code}: see {child.log}")

    def stop(self, timeout: float) -> None:
        """Ask all to end, wait for them together, and kill what is left after the timeout."""
        deadline = time.monotonic() + timeout
        for child in self._children:
            child.process.terminate()
        for child in self._children:
            try:
                child.process.wait(max(0.0, deadline - time.monotonic()))
            except subprocess.TimeoutExpired:
                child.process.kill()
                child.process.wait()
        self._children.clear()
