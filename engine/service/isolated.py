"""The child's side of an isolated action: its job, whose writes the executor makes.

The executor alone knows whether the claim still lives, so every write and the question whether to
stop go to it. The child has a client of its own for `job.api`, with the identity of the executor.
"""

from __future__ import annotations

import faulthandler
import logging
import os
import signal
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from engine import errors
from engine.errors import ApiError, JobInterrupted
from engine.service import endings
from engine.service.job import Job
from engine.service.messages import Messages
from engine.service.nursery import Ends
from engine.service.registry import ActionPlugin
from engine.service.seams import Client
from engine.text import truncate_middle

INTERRUPT = signal.SIGUSR1
DUMP = signal.SIGUSR2
_LONGEST_LINE = 100_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Workshop:
    """What all children share; it is there before the nursery is forked."""

    actions: Mapping[str, ActionPlugin]
    make_client: Callable[[Mapping[str, str] | None], Client]
    """Given the headers of the executor's identity, if it has one, returns a client."""
    make_executor: Callable[[Client], object]
    """Returns what actions of 2019 get as their first argument."""
    settings: Mapping[str, Any]
    nuvlaedge_shared_path: str | None = None


def live(ends: Ends, workshop: Workshop) -> None:
    """Run one action, in a fresh fork."""
    messages = Messages(ends.messages)
    _let_dump(ends.dumps)
    messages.send({"pid": os.getpid()})
    try:
        order = messages.receive()
        assert order is not None
        _send_log(messages, order.get("level", logging.INFO))
        ending = _act(order, messages, workshop)
        messages.send({"ending": [ending.state.value, ending.changes]})
    except (EOFError, OSError):
        return  # the executor has gone


def _let_dump(end: int) -> None:
    """Let `faulthandler` write where all threads stand whenever the signal comes.

    A thread of its own takes the signal, and all others keep it off: it must not end a call of the
    operating system that the action waits in.
    """
    faulthandler.register(DUMP, file=end, all_threads=True, chain=False)
    threading.Thread(target=stand_by, name="dumps", daemon=True).start()
    signal.pthread_sigmask(signal.SIG_BLOCK, (DUMP,))


def stand_by() -> None:
    """Wait for signals."""
    threading.Event().wait()


def _act(order: Mapping[str, Any], messages: Messages, workshop: Workshop) -> endings.Ending:
    threading.current_thread().name = f"exec-{order['document']['id']}"
    writer = RemoteWriter(order, messages, workshop.make_client)
    job = Job(
        writer,
        was_running=order["was_running"],
        settings=workshop.settings,
        nuvlaedge_shared_path=workshop.nuvlaedge_shared_path,
    )
    plugin = workshop.actions[order["action"]]
    signal.signal(INTERRUPT, _interrupt)
    try:
        value = plugin.make(_Later(lambda: workshop.make_executor(writer.client)), job).do_work()
    except BaseException as error:
        return endings.of_error(error, writer.document)
    finally:
        signal.signal(INTERRUPT, signal.SIG_IGN)
    return endings.of_return(value, writer.document)


def _interrupt(*_: object) -> None:
    raise JobInterrupted("the job was interrupted")


class RemoteWriter:
    """Stands for the executor's JobWriter."""

    def __init__(
        self,
        order: Mapping[str, Any],
        messages: Messages,
        make_client: Callable[[Mapping[str, str] | None], Client],
    ) -> None:
        """Args: order: what the executor wants done."""
        self.document: dict[str, Any] = order["document"]
        self.id: str = self.document["id"]
        self.was_heard = False
        self._messages = messages
        self._make_client = make_client
        self._identity: Mapping[str, str] | None = order["identity"]
        self._client: Client | None = None
        self._asking = threading.Lock()

    @property
    def client(self) -> Client:
        """The API; opened when an action wants it."""
        if self._client is None:
            self._client = self._make_client(self._identity)
        return self._client

    @property
    def should_stop(self) -> bool:
        """Whether the action has no reason to go on."""
        return bool(self._ask({"should_stop": True})["should_stop"])

    def offer(self, changes: Mapping[str, Any]) -> None:
        """Have changes written, as JobWriter does.

        Raises:
            ApiRefused: the API will not have these changes.
        """
        answer = self._ask({"offer": dict(changes)})
        if "error" in answer:
            kind = getattr(errors, answer["error"], ApiError)
            raise kind(answer["message"], status=answer["status"])
        self.document = answer["document"]

    def _ask(self, question: dict[str, Any]) -> dict[str, Any]:
        with self._asking:
            self._messages.send(question)
            answer = self._messages.receive()
        assert answer is not None
        return answer


class _Later:
    """An object that is made at its first use."""

    def __init__(self, make: Callable[[], object]) -> None:
        self._make = make
        self._made: object | None = None

    def __getattr__(self, name: str) -> Any:
        if self._made is None:
            self._made = self._make()
        return getattr(self._made, name)


class _LogSender(logging.Handler):
    """Sends the log to the executor, whose log knows where it goes."""

    def __init__(self, messages: Messages) -> None:
        super().__init__()
        self._messages = messages
        self.setFormatter(logging.Formatter("%(message)s"))

    def emit(self, record: logging.LogRecord) -> None:
        """Send a record."""
        try:
            text = truncate_middle(self.format(record), _LONGEST_LINE)
            self._messages.send({"log": [record.name, record.levelno, text]})
        except OSError:
            return
        except Exception:
            self.handleError(record)


def _send_log(messages: Messages, level: int) -> None:
    root = logging.getLogger()
    root.handlers[:] = [_LogSender(messages)]
    root.setLevel(level)
