"""A process with a guard, which tells into a file; run as a script by the tests of the guard.

Its lines on stdin are orders; what it does otherwise is wait.
"""

from __future__ import annotations

import ctypes
import json
import os
import sys
import threading
from pathlib import Path

from engine.models import StackReport
from engine.service.guard import Guard
from engine.service.job_board import JobBoard


class FileTeller:
    """Tells into a file."""

    def __init__(self, folder: Path, instance: str) -> None:
        self._file = folder / instance

    def tell(self, report: StackReport) -> None:
        """Write it, whole."""
        draft = self._file.with_suffix(".draft")
        draft.write_text(json.dumps(report.to_json()), "utf-8")
        draft.rename(self._file)

    def withdraw(self) -> None:
        """Remove it."""
        self._file.unlink(missing_ok=True)


def hold_the_interpreter(board: JobBoard, seconds: float) -> None:
    """Work in C without letting go of the interpreter lock, as a job of worker 1."""
    board.note(1, "job/held")
    ctypes.PyDLL(None).usleep(int(seconds * 1e6))
    board.note(1, None)


def main() -> None:
    """Do what stdin says."""
    folder = Path(sys.argv[1])
    board = JobBoard(2)
    guard = Guard(board, lambda instance: FileTeller(folder, instance))
    guard.start("stall")
    print(guard.pid, flush=True)
    for line in sys.stdin:
        order, _, value = line.strip().partition(" ")
        if order == "hold":
            arguments = (board, float(value))
            threading.Thread(target=hold_the_interpreter, args=arguments, daemon=True).start()
        elif order == "close":
            guard.close()
            print("closed", flush=True)
        elif order == "exit":
            os._exit(0)


if __name__ == "__main__":
    main()
