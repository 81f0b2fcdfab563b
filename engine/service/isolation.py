"""Run actions in child processes, so that one that hangs can be ended: the executor's side.

The worker's thread follows its child: it makes the writes that the child asks for, through the
job's own JobWriter, and ends the child when it is interrupted or the job is given up.
"""

from __future__ import annotations

import contextlib
import logging
import os
import signal
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

from engine.errors import ActionFailed, ApiError, EngineError
from engine.models.stacks import StackReport, ThreadStack, busy_first
from engine.service.endings import Ending
from engine.service.isolated import DUMP, INTERRUPT, stand_by
from engine.service.messages import Messages, readable
from engine.service.nursery import NoProcess, Nursery
from engine.service.tracebacks import Known, parse
from engine.service.work import Work
from engine.service.writes import JobWriter
from engine.states import JobState

log = logging.getLogger(__name__)

_LOOK = 0.1
"""Seconds between two looks whether the job was given up; an interruption waits as long."""
_COURTESY = 2.0
"""Seconds that an action has for cleaning up after JobInterrupted, before its process is killed."""
_KILL_SECONDS = 5.0
_START_SECONDS = 30.0
_QUIET = 0.05
_LONGEST_DUMP = 0.5
_PIECE = 1 << 16


class Isolation:
    """Runs actions in children of a nursery, for any number of threads at once."""

    def __init__(self, nursery: Nursery, identity: Callable[[], Mapping[str, str] | None]) -> None:
        """Args:
        nursery: starts the children.
        identity: returns the headers of our identity at the API, so that not every child logs in.
        """
        self._nursery = nursery
        self._identity = identity
        self._children: dict[int, _Child] = {}
        """By the ident of the thread that follows it."""

    def act(self, work: Work, writer: JobWriter, *, was_running: bool) -> Ending:
        """Run the action of a claimed job in a child, and return how it ended.

        Raises:
            ActionFailed: the child ended without a result.
            JobInterrupted: raised in this thread from outside; the child has ended.
            NoProcess: no child can be started.
        """
        child = _Child(self._nursery, work.claim.job_id)
        order = {
            "action": work.action,
            "document": writer.document,
            "was_running": was_running,
            "identity": self._identity(),
            "level": logging.getLogger().level,
        }
        self._children[work.thread] = child
        try:
            return child.follow(order, work, writer)
        finally:
            with work.gate:  # one interruption more must not leave the child behind
                self._children.pop(work.thread, None)
                child.end(writer)

    def with_children(self, report: StackReport) -> StackReport:
        """Return a report of this process in which the children stand for their jobs."""
        children = self._children.copy()
        if not children:
            return report
        found = _dump(list(children.values()))
        shown = {thread.job_id for thread in found}
        threads = []
        for thread in report.threads:
            child = children.get(thread.ident)
            if child is not None:
                name = f"{thread.name} (follows process {child.pid})"
                # A child that was too slow to tell must not look like a job without a thread.
                job_id = None if thread.job_id in shown else thread.job_id
                thread = replace(thread, name=name, job_id=job_id)
            threads.append(thread)
        return replace(report, threads=busy_first([*found, *threads]))


class _Child:
    """One child, and what we speak over."""

    def __init__(self, nursery: Nursery, job_id: str) -> None:
        ends = nursery.start()
        self.job_id = job_id
        self.pid = 0
        self.dumps = ends.dumps
        self._messages = Messages(ends.messages)
        self._handle: int | None = None
        """A pidfd: it never means another process, as a pid may."""
        self._ending: Ending | None = None
        self._closing = threading.Lock()
        os.set_blocking(self.dumps, False)

    def follow(self, order: dict[str, Any], work: Work, writer: JobWriter) -> Ending:
        """Serve the child until it has a result."""
        try:
            self._send_order(order)
            while self._ending is None:
                message = self._messages.receive(_LOOK)
                if message is not None:
                    self._serve(message, writer)
                elif work.is_settled:
                    raise ActionFailed("the job was given up, and its process ended")
        except (EOFError, ConnectionError):
            raise ActionFailed("the process of its action ended without a result") from None
        return self._ending

    def end(self, writer: JobWriter) -> None:
        """See that the child is gone: it may clean up, and is killed then."""
        try:
            if self._ending is None and not self._wait_ended(0.0, writer):
                self.signal(INTERRUPT)
                if not self._wait_ended(_COURTESY, writer):
                    log.warning("%s: the process of its action is killed", self.job_id)
                    self.signal(signal.SIGKILL)
                    self._wait_ended(_KILL_SECONDS, writer)
        finally:
            with self._closing:
                self._messages.close()
                os.close(self.dumps)
                if self._handle is not None:
                    os.close(self._handle)
                    self._handle = None

    def signal(self, number: signal.Signals) -> bool:
        """Send a signal; whether there was somebody to get it."""
        with self._closing, contextlib.suppress(ProcessLookupError):
            if self._handle is not None:
                signal.pidfd_send_signal(self._handle, number)
                return True
        return False

    def read_dump(self) -> bytes:
        """Return what has come of a traceback. Under a lock: once the pipe is closed, its number
        may be another file's."""
        with self._closing, contextlib.suppress(BlockingIOError):
            if self._handle is not None:
                return os.read(self.dumps, _PIECE)
        return b""

    def _send_order(self, order: dict[str, Any]) -> None:
        try:
            message = self._messages.receive(_START_SECONDS)
        except EOFError:
            message = None
        if message is None or "pid" not in message:
            raise NoProcess(f"no process was started for the action of {self.job_id}")
        self.pid = int(message["pid"])
        # It waits for its order, so it is there, and the pid is its own.
        self._handle = os.pidfd_open(self.pid)
        self._messages.send(order)

    def _serve(self, message: dict[str, Any], writer: JobWriter) -> None:
        if "should_stop" in message:
            writer.was_heard = writer.was_heard or writer.should_stop
            self._messages.send({"should_stop": writer.should_stop})
        elif "offer" in message:
            self._messages.send(_offered(message["offer"], writer))
        elif "log" in message:
            name, level, text = message["log"]
            extra = {"job_id": self.job_id, "multiline": "\n" in text}
            logging.getLogger(name).log(level, "%s", text, extra=extra)
        elif "ending" in message:
            state, changes = message["ending"]
            self._ending = Ending(JobState(state), changes)
        elif "ended" in message:
            raise ActionFailed(_how(int(message["ended"])))

    def _wait_ended(self, seconds: float, writer: JobWriter) -> bool:
        """Serve the child for some seconds at most; whether it has ended."""
        if self._handle is None:
            return True
        deadline = time.monotonic() + seconds
        while not readable([self._handle], 0):
            left = deadline - time.monotonic()
            if left <= 0:
                return False
            try:
                message = self._messages.receive(min(left, _LOOK))
                if message is not None:
                    self._serve(message, writer)
            except (EOFError, OSError, EngineError):
                time.sleep(min(left, 0.01))
        return True


def _offered(changes: dict[str, Any], writer: JobWriter) -> dict[str, Any]:
    try:
        writer.offer(changes)
    except ApiError as error:
        return {"error": type(error).__name__, "message": str(error), "status": error.status}
    return {"document": writer.document}


def _how(status: int) -> str:
    """Return how a process ended that had no result."""
    if os.WIFSIGNALED(status):
        number = os.WTERMSIG(status)
        try:
            name = signal.Signals(number).name
        except ValueError:
            name = str(number)
        hint = ": by hand, or for lack of memory" if number == signal.SIGKILL else ""
        return f"the process of its action was ended by signal {name}{hint}"
    code = os.waitstatus_to_exitcode(status)
    return f"the process of its action ended with exit code {code}, without a result"


def _dump(children: list[_Child]) -> list[ThreadStack]:
    """Return the threads of children, through faulthandler; of all at the same time."""
    texts = {child.dumps: b"" for child in children if child.signal(DUMP)}
    by_end = {child.dumps: child for child in children}
    deadline = time.monotonic() + _LONGEST_DUMP
    wait = _LONGEST_DUMP
    while texts and time.monotonic() < deadline and (ready := readable(texts, wait)):
        for end in ready:
            texts[end] += by_end[end].read_dump()
        wait = _QUIET
    threads: list[ThreadStack] = []
    for end, text in texts.items():
        threads += _parsed(by_end[end], text.decode("utf-8", "replace"))
    return threads


def _parsed(child: _Child, text: str) -> list[ThreadStack]:
    # A fork keeps the ident of the main thread, which runs the action.
    main = threading.main_thread().ident
    known = {main: Known(f"exec-{child.job_id} in process {child.pid}", child.job_id)}
    threads = parse(text, known.get)
    return [
        thread
        for thread in threads
        if not any(frame.function == stand_by.__name__ for frame in thread.frames)
    ]
