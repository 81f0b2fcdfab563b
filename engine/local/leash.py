"""Runs a command that ends with the process that started it; run as a script, by its path.

Linux only: the kernel keeps the order over exec, so a kill -9 of the parent leaves no orphan.
Elsewhere the command just runs. It imports nothing of the engine, so that it starts at once.
"""

from __future__ import annotations

import ctypes
import os
import signal
import sys
from collections.abc import Sequence

PR_SET_PDEATHSIG = 1
"""Source: prctl(2). The signal comes when the *thread* that made the child ends."""


def leashed(command: Sequence[str]) -> list[str]:
    """Return the command line that runs a command on a leash held by this process.

    Start it from a thread that lives as long as the process: the main one.
    """
    return [sys.executable, "-I", "-S", __file__, str(os.getpid()), *command]


def main(arguments: Sequence[str]) -> None:
    """Become the command, unless the parent has ended already."""
    parent, command = int(arguments[0]), arguments[1:]
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)
        if os.getppid() != parent:
            sys.exit(1)
    os.execvp(command[0], list(command))


if __name__ == "__main__":
    main(sys.argv[1:])
