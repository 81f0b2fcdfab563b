"""Raise JobInterrupted in the thread of an action: inside the action, and nowhere else.

CPython raises an exception that another thread asked for (PyThreadState_SetAsyncExc) between two
instructions of bytecode, some time later: not inside a call that blocks in C, and perhaps only once
the action has returned. So whoever asks does it under a lock while the gate is open, and the
action's thread shuts the gate under the same lock before it goes on with the engine's own work: it
takes back what has not been raised yet. An exception that is raised on this way out, after the
action had returned, came too late: what the action returned stands.
"""

from __future__ import annotations

import ctypes
import sys
import threading
from collections.abc import Callable
from types import FrameType, TracebackType
from typing import Generic, TypeVar

from engine.errors import JobInterrupted

T = TypeVar("T")

_set_async_exception = ctypes.pythonapi.PyThreadState_SetAsyncExc
_set_async_exception.argtypes = (ctypes.c_ulong, ctypes.py_object)
_set_async_exception.restype = ctypes.c_int
_TAKE_BACK = ctypes.py_object()
_DELICATE = frozenset({"logging", "importlib._bootstrap"})
"""Modules that take a lock and enter the block which frees it a moment later. What is asked for
outside of them is raised before they are entered."""
_DEPTH = 16
"""Innermost calls that are looked at: a handler of a log is not that deep."""


def _is_delicate(frame: FrameType | None) -> bool:
    """Whether a thread stands in code that would keep a lock of the whole process for ever."""
    for _ in range(_DEPTH):
        if frame is None:
            return False
        if frame.f_globals.get("__name__") in _DELICATE:
            return True
        frame = frame.f_back
    return False


class Interruption:
    """One exception that was asked for, and whether it has been raised."""

    __slots__ = ("is_raised", "kind", "reason")

    def __init__(self, reason: str) -> None:
        """Args: reason: the message of the exception."""
        self.reason = reason
        self.is_raised = False
        interruption = self

        class Raised(JobInterrupted):
            """CPython makes the exception itself, in the thread, without arguments."""

            def __init__(self, *_: object) -> None:
                super().__init__(interruption.reason)
                interruption.is_raised = True

        Raised.__name__ = Raised.__qualname__ = JobInterrupted.__name__
        Raised.__module__ = JobInterrupted.__module__
        self.kind: type[JobInterrupted] = Raised


class Ended(Generic[T]):
    """How an action ended."""

    __slots__ = ("error", "value")

    def __init__(self) -> None:
        """It has not."""
        self.value: T | None = None
        self.error: BaseException | None = None
        """What it raised. Its traceback leads back to this object: to be forgotten after use."""


class Gate:
    """The time for which one action may be interrupted."""

    __slots__ = ("_is_open", "_lock", "_on_its_way", "_shields", "_thread", "_waiting")

    def __init__(self) -> None:
        """Shut."""
        self._lock = threading.Lock()
        self._is_open = False
        self._thread = 0
        self._shields = 0
        self._on_its_way: Interruption | None = None
        self._waiting: Interruption | None = None

    @property
    def is_open(self) -> bool:
        """Whether the action runs."""
        return self._is_open

    def interrupt(self, reason: str) -> Interruption | None:
        """Have JobInterrupted raised in the action; None where it does not run (any more), or is
        where nothing may be raised at this moment. One that has not been raised is replaced."""
        wanted = Interruption(reason)
        with self._lock:
            if not self._is_open:
                return None
            if self._shields:
                self._waiting = wanted
            elif _is_delicate(sys._current_frames().get(self._thread)):
                return None
            else:
                self._on_its_way = wanted
                _set_async_exception(self._thread, ctypes.py_object(wanted.kind))
        return wanted

    def run(self, act: Callable[[], T]) -> Ended[T]:
        """Call the action, in the thread that is to be interrupted, and return how it ended. Once
        this returns, nothing is raised in the thread any more."""
        ended: Ended[T] = Ended()
        self._thread = threading.get_ident()
        try:
            self._pass(act, ended)
        except JobInterrupted:
            # It came on the way out. A second one can be under way at most, from whoever looked
            # at the gate before this line; both calls of a function are where it can arrive.
            self._is_open = False
            try:
                self._shut()
            except JobInterrupted:
                self._shut()
        return ended

    def _pass(self, act: Callable[[], T], ended: Ended[T]) -> None:
        try:
            self._is_open = True
            ended.value = act()
        except BaseException as error:
            ended.error = error
        self._is_open = False
        self._shut()

    def _shut(self) -> None:
        with self._lock:
            self._is_open = False
            self._take_back()

    def _take_back(self) -> Interruption | None:
        """Take back what has not been raised. Only while the lock is held, by the thread itself:
        nothing can come after it then."""
        pending, self._on_its_way = self._on_its_way, None
        if pending is not None:
            _set_async_exception(self._thread, _TAKE_BACK)
        return pending if pending is not None and not pending.is_raised else None

    def __enter__(self) -> bool:
        """Keep off interruptions: the engine's own work inside an action is not to be cut in two.
        They come at the end of the outermost such block."""
        if not self._is_open or threading.get_ident() != self._thread:
            return False
        with self._lock:
            pending = self._take_back()
            self._waiting = pending or self._waiting
            self._shields += 1
        return True

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        """Let through what came meanwhile.

        Raises:
            JobInterrupted: it came.
        """
        if not self._shields or threading.get_ident() != self._thread:
            return
        waiting: Interruption | None = None
        with self._lock:
            self._shields -= 1
            if not self._shields:
                waiting, self._waiting = self._waiting, None
        if waiting is not None:
            raise waiting.kind
