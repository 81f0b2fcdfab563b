"""Child processes with captured output, each ended by its own process id."""

from __future__ import annotations

import os
import signal
import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path

from tests.support import eventually


class Child:
    """One real process under test."""

    def __init__(
        self, name: str, command: Sequence[str], *, folder: Path, env: Mapping[str, str]
    ) -> None:
        """Start it. Args: folder: where its output goes; env: all of its environment."""
        self.name = name
        self.log = folder / f"{name}.out"
        with self.log.open("ab") as log:
            self.process = subprocess.Popen(
                list(command),
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                env=dict(env),
                cwd=folder,
                start_new_session=True,
            )

    @property
    def pid(self) -> int:
        """The process id."""
        return self.process.pid

    @property
    def is_running(self) -> bool:
        """Whether the process has not ended (a frozen one has not)."""
        return self.process.poll() is None

    def output(self) -> str:
        """Return all that it wrote to stdout and stderr."""
        return self.log.read_text("utf-8", "replace")

    def says(self, text: str, *, within: float = 20.0) -> None:
        """Wait until its output holds the text; fail at once when it has ended without."""

        def found() -> bool:
            ended, said = not self.is_running, text in self.output()
            assert said or not ended, f"{self.name} has ended: {self.output()[-3000:]}"
            return said

        what = f"{text!r} in the output of {self.name}"
        eventually(found, what, within=within, every=0.05)

    def signal(self, number: signal.Signals) -> None:
        """Send a signal, unless it has ended."""
        if self.is_running:
            os.kill(self.pid, number)

    def terminate(self) -> None:
        """Ask it to stop, as a service manager does."""
        self.signal(signal.SIGTERM)

    def kill(self) -> None:
        """End it at once, as a crash does."""
        self.signal(signal.SIGKILL)
        self.process.wait(30)

    def freeze(self) -> None:
        """Stop it from running (SIGSTOP)."""
        self.signal(signal.SIGSTOP)

    def thaw(self) -> None:
        """Let a frozen process go on (SIGCONT)."""
        self.signal(signal.SIGCONT)

    def wait(self, within: float = 30.0) -> int:
        """Return the exit code once it ends; fail with its output when it does not."""
        try:
            return self.process.wait(within)
        except subprocess.TimeoutExpired:
            raise AssertionError(
                f"{self.name} still runs after {within:g} s: {self.output()[-3000:]}"
            ) from None

    def cpu_seconds(self) -> float:
        """Return the processor time that it has used."""
        fields = Path(f"/proc/{self.pid}/stat").read_text("ascii").rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

    def memory(self) -> int:
        """Return its resident memory in bytes."""
        pages = int(Path(f"/proc/{self.pid}/statm").read_text("ascii").split()[1])
        return pages * os.sysconf("SC_PAGE_SIZE")
