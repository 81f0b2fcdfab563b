"""Forks child processes for a process that has threads: a fork of it from before it had any.

The children have all that was loaded then, the plug-ins above all, so a child costs some
milliseconds. They end with the nursery, and the nursery ends with its process.
"""

from __future__ import annotations

import contextlib
import ctypes
import gc
import os
import signal
import socket
import sys
import threading
import traceback
from collections.abc import Callable
from typing import NamedTuple

from engine.errors import EngineError
from engine.service.messages import readable

_PR_SET_PDEATHSIG, _PR_SET_NAME = 1, 15
"""Source: prctl(2)."""


class NoProcess(EngineError):
    """No child can be started."""


class Ends(NamedTuple):
    """What a process and its child speak over: this side's or the other's."""

    messages: socket.socket
    dumps: int
    """A pipe for the child's tracebacks; the process reads it."""


Live = Callable[[Ends], None]
"""What a child does: it is called in the child, which ends when it returns."""


class Nursery:
    """This process's nursery."""

    def __init__(self, live: Live) -> None:
        """Fork it. Call it in the main thread, before there are others.

        Raises:
            OSError: it cannot be forked.
        """
        self._lock = threading.Lock()
        self._control, control = socket.socketpair(socket.AF_UNIX, socket.SOCK_STREAM)
        parent = os.getpid()
        for stream in (sys.stdout, sys.stderr):
            stream.flush()  # or it would be written twice
        self.pid = os.fork()
        if self.pid == 0:
            self._control.close()
            _run(lambda: _serve(control, live), parent, b"nuvla-nursery")
        control.close()

    def start(self) -> Ends:
        """Start a child, and return our ends; the child's first word is its process id. When it
        has ended, the nursery says how: ``{"ended": status}``, as of waitpid(2).

        Raises:
            NoProcess: the nursery is gone, or there are no descriptors left.
        """
        try:
            ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_STREAM)
        except OSError as error:
            raise NoProcess(f"no process can be started for an action: {error}") from error
        reading, writing = os.pipe()
        try:
            with self._lock:
                socket.send_fds(self._control, [b"."], [theirs.fileno(), writing])
        except OSError as error:
            ours.close()
            os.close(reading)
            raise NoProcess(
                "no process can be started for an action, since the nursery is gone: "
                "restart this executor"
            ) from error
        finally:
            theirs.close()
            os.close(writing)
        return Ends(ours, reading)

    def close(self) -> None:
        """End it, with all children, and wait for that."""
        self._control.close()
        os.waitpid(self.pid, 0)


def _run(do: Callable[[], None], parent: int, name: bytes) -> None:
    """Be a process that ends with its parent: do this, and never return."""
    code = 1
    try:
        if sys.platform == "linux":
            libc = ctypes.CDLL(None)
            libc.prctl(_PR_SET_NAME, name, 0, 0, 0)
            libc.prctl(_PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)
        if os.getppid() == parent:
            do()
            code = 0
    except BaseException:
        traceback.print_exc()
    finally:
        with contextlib.suppress(Exception):
            sys.stdout.flush()
            sys.stderr.flush()
        os._exit(code)


def _serve(control: socket.socket, live: Live) -> None:
    """Be the nursery."""
    # The service manager and Ctrl-C mean the executor, which gives running actions time. Handlers
    # and not SIG_IGN, which commands that an action starts would inherit.
    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP, signal.SIGUSR1):
        signal.signal(number, _nothing)
    gc.collect()
    gc.freeze()  # what the children share is not written to
    woken, waking = os.pipe()
    for end in (woken, waking):
        os.set_blocking(end, False)
    signal.signal(signal.SIGCHLD, _nothing)
    signal.set_wakeup_fd(waking, warn_on_full_buffer=False)
    children: dict[int, socket.socket] = {}
    while True:
        ready = readable([control.fileno(), woken], None)
        if woken in ready:
            os.read(woken, 4096)
            _tell_ended(children)
        if control.fileno() in ready:
            data, descriptors, _, _ = socket.recv_fds(control, 1, 2)
            if not data:
                return
            ends = Ends(socket.socket(fileno=descriptors[0]), descriptors[1])
            _bear(ends, live, children, (control.fileno(), woken, waking))


def _bear(
    ends: Ends, live: Live, children: dict[int, socket.socket], foreign: tuple[int, ...]
) -> None:
    """Start a child. Where that fails, its process sees that nobody is at the other end."""
    parent = os.getpid()
    try:
        pid = os.fork()
    except OSError as error:
        print(f"nuvla-nursery: no child can be started: {error}", file=sys.stderr)
        ends.messages.close()
    else:
        if pid == 0:
            held = [*foreign, *(each.fileno() for each in children.values())]
            _run(lambda: _begin(ends, live, held), parent, b"nuvla-job")
        children[pid] = ends.messages
    os.close(ends.dumps)


def _begin(ends: Ends, live: Live, held: list[int]) -> None:
    """Be a child: let go of what is the nursery's."""
    signal.set_wakeup_fd(-1)
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    for end in held:
        os.close(end)
    live(ends)


def _tell_ended(children: dict[int, socket.socket]) -> None:
    while children:
        pid, status = os.waitpid(-1, os.WNOHANG)
        if pid == 0:
            return
        end = children.pop(pid, None)
        if end is not None:
            # The first newline ends what the child may have left of a line.
            with contextlib.suppress(OSError):
                end.send(b'\n{"ended": %d}\n' % status, socket.MSG_DONTWAIT)
            end.close()


def _nothing(*_: object) -> None:
    """Handle a signal by doing nothing."""
