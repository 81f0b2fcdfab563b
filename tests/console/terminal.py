"""A real pseudo-terminal with the real console in it: what it writes, byte by byte."""

from __future__ import annotations

import fcntl
import os
import pty
import signal
import struct
import subprocess
import sys
import termios
import threading
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import Self

import pyte

ROOT = Path(__file__).parents[2]
_NOT_OURS = ("NUVLA_", "COLUMNS", "LINES")
_OURS = ("NUVLA_AUDIT_FILE",)  # no act of a test is recorded among real ones
"""Variables that do not reach the console: test runners set the window's size of their own."""


class Terminal:
    """Runs `nuvla-console` under a pty and keeps all that it wrote."""

    def __init__(
        self,
        arguments: Sequence[str],
        *,
        columns: int = 80,
        lines: int = 24,
        environ: Mapping[str, str] | None = None,
    ) -> None:
        """Args:
        arguments: of the command.
        columns, lines: the window.
        environ: further variables.
        """
        self.columns, self.lines = columns, lines
        self.screen = pyte.Screen(columns, lines)
        self._stream = pyte.ByteStream(self.screen)
        self._lock = threading.Lock()
        self.written = bytearray()
        self.began = time.monotonic()
        controller, worker = pty.openpty()
        self._controller = controller
        _set_size(controller, columns, lines)
        self.process = subprocess.Popen(
            [sys.executable, "-m", "nuvla_console", *arguments],
            cwd=ROOT,
            stdin=worker,
            stdout=worker,
            stderr=worker,
            start_new_session=True,
            env={
                **{k: v for k, v in os.environ.items() if not k.startswith(_NOT_OURS)},
                **{k: os.environ[k] for k in _OURS if k in os.environ},
                "TERM": "xterm-256color",
                "COLORTERM": "truecolor",
                "LANG": "C.UTF-8",
                **(environ or {}),
            },
        )
        os.close(worker)
        self._reader = threading.Thread(target=self._read, name="terminal", daemon=True)
        self._reader.start()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        _kind: type[BaseException] | None,
        _error: BaseException | None,
        _trace: TracebackType | None,
    ) -> None:
        self.close()

    def _read(self) -> None:
        while True:
            try:
                data = os.read(self._controller, 65536)
            except OSError:
                return
            if not data:
                return
            with self._lock:
                self.written += data
                self._stream.feed(data)

    def press(self, keys: str) -> None:
        """Type keys."""
        os.write(self._controller, keys.encode())

    def resize(self, columns: int, lines: int) -> None:
        """Give the window another size, as when its corner is dragged."""
        with self._lock:
            self.columns, self.lines = columns, lines
            self.screen.resize(lines, columns)
            _set_size(self._controller, columns, lines)
        self.process.send_signal(signal.SIGWINCH)

    def hang_up(self, *, told: bool = True) -> None:
        """Take the terminal away, as when its window is closed or the line breaks.

        Args: told: by a signal, as the process is whose controlling terminal it was.
        """
        os.close(self._controller)
        self._controller = -1
        if told:
            self.process.send_signal(signal.SIGHUP)

    def text(self) -> str:
        """Return what the window shows."""
        with self._lock:
            rows = [self.screen.buffer[line] for line in range(self.lines)]
            return "\n".join("".join(row[x].data for x in range(self.columns)) for row in rows)

    def count(self) -> int:
        """Return the number of bytes written so far."""
        with self._lock:
            return len(self.written)

    def since(self, mark: int) -> bytes:
        """Return what was written after a count."""
        with self._lock:
            return bytes(self.written[mark:])

    def close(self) -> int:
        """End the console and return its exit code."""
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
            try:
                self.process.wait(10)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait(10)
        self._reader.join(1)
        if self._controller >= 0:
            os.close(self._controller)
        return self.process.returncode


def _set_size(terminal: int, columns: int, lines: int) -> None:
    fcntl.ioctl(terminal, termios.TIOCSWINSZ, struct.pack("HHHH", lines, columns, 0, 0))
