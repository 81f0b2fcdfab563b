"""The watched side of the guard: fork it, give it beats, and let it take tracebacks.

The guard is a fork that is made before there is any thread or connection: what it needs is loaded
then, and shared, so it costs little memory and answers at once.
"""

from __future__ import annotations

import ctypes
import faulthandler
import fcntl
import logging
import os
import sys
import threading
import time
import traceback
from collections.abc import Callable

from engine.service.guard_process import BEAT, SIGNAL, SILENCE, Teller, Watched, live
from engine.service.job_board import JobBoard

log = logging.getLogger(__name__)

_DUMP_BYTES = 1 << 20
_PR_SET_NAME = 15
"""Source: prctl(2)."""
_NAME = b"nuvla-guard"


class Guard:
    """The guard of this process."""

    def __init__(self, board: JobBoard, make_teller: Callable[[str], Teller]) -> None:
        """Fork the guard. Call it in the main thread, before there are others.

        Args:
            board: who works on what.
            make_teller: called in the guard with the instance's name; returns where it tells.

        Raises:
            OSError: it cannot be forked.
        """
        self._closed = threading.Event()
        self._thread = threading.Thread(target=self._beat, name="guard", daemon=True)
        beats, self._beats = os.pipe()
        dumps, self._dumps = os.pipe()
        parent = os.getpid()
        watched = Watched(pid=parent, beats=beats, dumps=dumps, board=board)
        self.pid = os.fork()
        if self.pid == 0:
            _be_the_guard(watched, make_teller, (self._beats, self._dumps))
        os.close(beats)
        os.close(dumps)
        _make_pipe_roomy(self._dumps)
        for end in (self._beats, self._dumps):
            os.set_blocking(end, False)  # a guard that hangs must hold up nothing here

    def start(self, instance: str) -> None:
        """Begin to be watched. Call it in the main thread."""
        faulthandler.register(SIGNAL, file=self._dumps, all_threads=True, chain=False)
        os.write(self._beats, instance.encode() + b"\n")
        self._thread.start()

    def close(self) -> None:
        """Let the guard end, and wait for it."""
        self._closed.set()
        if self._thread.is_alive():
            self._thread.join()
        os.close(self._beats)
        os.waitpid(self.pid, 0)
        faulthandler.unregister(SIGNAL)
        os.close(self._dumps)

    def _beat(self) -> None:
        last = time.monotonic()
        while not self._closed.wait(BEAT):
            try:
                os.write(self._beats, b".")
            except BlockingIOError:
                pass  # it does not read at present
            except OSError:
                if not self._closed.is_set():
                    log.warning("the guard has ended: nobody tells if this process hangs in C")
                return
            now = time.monotonic()
            if now - last > 2 * SILENCE:
                log.warning(
                    "nothing ran here for %.1f s: C code held the interpreter lock, or the process "
                    "got no processor time",
                    now - last - BEAT,
                )
            last = now


def _be_the_guard(
    watched: Watched, make_teller: Callable[[str], Teller], foreign: tuple[int, ...]
) -> None:
    """Live as the guard, and never return."""
    code = 1
    try:
        for end in foreign:
            os.close(end)  # or the end of the process would not be seen
        if sys.platform == "linux":
            ctypes.CDLL(None).prctl(_PR_SET_NAME, _NAME, 0, 0, 0)
        live(watched, make_teller)
        code = 0
    except BaseException:
        traceback.print_exc()
    finally:
        os._exit(code)


def _make_pipe_roomy(end: int) -> None:
    """Make room for a whole traceback: `faulthandler` drops what does not fit."""
    try:
        fcntl.fcntl(end, fcntl.F_SETPIPE_SZ, _DUMP_BYTES)
    except (AttributeError, OSError):
        log.debug("a traceback of many threads may be cut off")
