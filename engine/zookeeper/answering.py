"""The member's side of the control channel: see requests, have them handled, write the replies."""

from __future__ import annotations

import contextlib
import logging
import random
import threading
import time
from collections import deque
from collections.abc import Callable
from datetime import UTC, datetime

from engine.errors import AccessDenied, ZooKeeperError
from engine.models.control import Outcome, Reply, Request
from engine.text import clean
from engine.zookeeper import wire
from engine.zookeeper.connection import Answer, Node, ZooKeeper
from engine.zookeeper.parcels import pack
from engine.zookeeper.paths import OwnPaths
from engine.zookeeper.remains import find_remains, remove_remains, remove_tree

log = logging.getLogger(__name__)

TOO_OLD = 60.0
"""Seconds after which nobody waits for an answer any more."""
KEPT = 60.0
"""Seconds for which a reply waits for its asker, who may have been killed."""
SWEEP_EVERY = 60.0
MAX_REQUEST = 16_384
"""Bytes of a request."""
MAX_SLOW = 64
"""Requests that wait for actions at one time."""
_MAX_AT_ONCE = 200
_REMEMBERED = 1_024
_RETRY_SECONDS = 0.5
_CALL_SECONDS = 5.0
_CLOSE_SECONDS = 2.0

Handle = Callable[[Request], Reply]


class Answering:
    """Answers the requests to one member, in a thread of its own.

    What is about a job may wait for its action, so it gets a thread for itself.
    """

    def __init__(self, zk: ZooKeeper, own: OwnPaths, instance: str, handle: Handle) -> None:
        """Args:
        zk: the session that holds the presence node: it proves whose the replies are.
        own: where the nodes are.
        instance: this process.
        handle: returns the reply; called in several threads at once.
        """
        self._zk = zk
        self._own = own
        self._instance = instance
        self._handle = handle
        self._commands = own.commands_of(instance)
        self._replies = own.replies_of(instance)
        self._woken = threading.Event()
        self._closed = threading.Event()
        self._in_hand: set[str] = set()
        self._seen: deque[str] = deque(maxlen=_REMEMBERED)
        """Ids of requests that were handled: a copy of one is none."""
        self._sent: dict[str, float] = {}
        self._remains: frozenset[str] = frozenset()
        self._was_denied = False
        self._sweep_at = time.monotonic() + SWEEP_EVERY * random.random()
        self._thread = threading.Thread(target=self._run, name="control", daemon=True)

    def start(self) -> None:
        """Begin to answer."""
        self._zk.add_listener(self._woken.set)
        self._thread.start()

    def close(self) -> None:
        """Answer no more, and remove what is left, unless ZooKeeper is away."""
        self._closed.set()
        self._woken.set()
        self._zk.remove_listener(self._woken.set)
        if self._thread.is_alive():
            self._thread.join(_CLOSE_SECONDS)
        if self._zk.is_connected:
            with contextlib.suppress(ZooKeeperError):
                for parent in (self._commands, self._replies):
                    remove_tree(self._zk, parent, timeout=_CLOSE_SECONDS)

    def _run(self) -> None:
        while not self._closed.is_set() and not self._zk.is_closed:
            self._woken.clear()
            nap = _RETRY_SECONDS
            if self._zk.is_connected:
                try:
                    self._take_requests()
                    self._sweep_in_time()
                    nap = max(0.0, self._sweep_at - time.monotonic())
                except AccessDenied as error:
                    self._deny(error)
                    nap = SWEEP_EVERY
                except ZooKeeperError as error:
                    log.debug("requests cannot be read: %s", error)
                except Exception:  # a member that answers no more looks as if it hung
                    log.exception("answering requests failed, and goes on")
                    self._closed.wait(_RETRY_SECONDS)
            else:
                nap = SWEEP_EVERY  # the listener wakes us
            self._woken.wait(nap)

    def _deny(self, error: AccessDenied) -> None:
        level = logging.DEBUG if self._was_denied else logging.WARNING
        self._was_denied = True
        log.log(level, "requests of operators are not answered: %s", error)

    def _take_requests(self) -> None:
        listing = self._zk.children(self._commands, watch=self._woken.set, timeout=_CALL_SECONDS)
        names = sorted(set(() if listing is None else listing[0]) - self._in_hand)[:_MAX_AT_ONCE]
        if not names:
            return
        paths = [f"{self._commands}/{name}" for name in names]
        nodes = self._zk.get_many(paths, timeout=_CALL_SECONDS)
        # The server's own clock tells the age: no two machines' clocks are compared.
        written = self._zk.set(self._commands, b"", timeout=_CALL_SECONDS)
        now = 0 if written is None else written.mtime
        for name, node in zip(names, nodes, strict=True):
            if node is not None:
                self._take(name, node, now)

    def _take(self, name: str, node: Node, now: int) -> None:
        data, stat = node
        request = self._read(name, data, (now - stat.ctime) / 1000)
        if request is None:
            remove_tree(self._zk, f"{self._commands}/{name}", timeout=_CALL_SECONDS)
            return
        self._seen.append(request.id)
        self._in_hand.add(name)
        if not request.command.needs_job:
            self._answer(name, request)
        elif len(self._in_hand) > MAX_SLOW:
            self._send(name, self._reply(request, Outcome.REFUSED, "too many requests wait here"))
        else:
            slow = f"control-{request.command.value}"
            threading.Thread(
                target=self._answer, args=(name, request), name=slow, daemon=True
            ).start()

    def _read(self, name: str, data: bytes, age: float) -> Request | None:
        """Return the request that a node holds; None where it is not to be answered."""
        try:
            if len(data) > MAX_REQUEST:
                raise ValueError(f"it has {len(data)} bytes")
            request = Request.from_json(data)
        except ValueError as error:
            log.warning("request %s is dropped: %s", clean(name, limit=80), error)
            return None
        if request.id in self._seen:
            log.warning("request %s is dropped: it was made before", clean(name, limit=80))
            return None
        if age > TOO_OLD:
            log.warning(
                "request %s (%s by %s) is dropped: it is %.0f s old",
                clean(name, limit=80),
                request.command.value,
                request.by,
                age,
            )
            return None
        return request

    def _answer(self, name: str, request: Request) -> None:
        try:
            reply = self._handle(request)
        except Exception as error:  # whoever asks must hear of it
            log.exception("%s, asked for by %s, failed", request.command.value, request.by)
            text = clean(f"{type(error).__name__}: {error}", limit=500)
            reply = self._reply(request, Outcome.FAILED, text)
        self._send(name, reply)

    def _reply(self, request: Request, outcome: Outcome, detail: str) -> Reply:
        return Reply(
            request_id=request.id,
            outcome=outcome,
            detail=detail,
            instance=self._instance,
            answered_at=datetime.now(UTC),
        )

    def _send(self, name: str, reply: Reply) -> None:
        """Put the reply in the place of its request, for as long as somebody may wait for it."""
        data = pack(reply)
        deadline = time.monotonic() + TOO_OLD
        try:
            while not self._closed.is_set() and time.monotonic() < deadline:
                try:
                    if self._exchange(name, data):
                        return
                except ZooKeeperError as error:
                    log.debug("the reply to %s waits: %s", clean(name, limit=80), error)
                self._closed.wait(_RETRY_SECONDS)
        finally:
            self._in_hand.discard(name)

    def _exchange(self, name: str, data: bytes) -> bool:
        """Replace the request by the reply in one step; whether there is nothing left to do."""
        path = f"{self._replies}/{name}"
        made = wire.create(path, data, acl=self._zk.acl_of(path), flags=wire.EPHEMERAL)
        taken = wire.delete(f"{self._commands}/{name}")
        gone, written = self._zk.transaction(taken, made, timeout=_CALL_SECONDS)
        if written is Answer.DONE:
            self._sent[name] = time.monotonic()
        elif written is Answer.NO_NODE:
            self._zk.ensure(self._replies, timeout=_CALL_SECONDS)
            return self._exchange(name, data)
        elif written is Answer.EXISTS:
            log.warning("a reply that is not ours stands in the way of %s", clean(name, limit=80))
            remove_tree(self._zk, path, timeout=_CALL_SECONDS)
        # Without its request nobody waits: the asker gave up, or took the reply already.
        return written is Answer.DONE or gone is Answer.NO_NODE

    def _sweep_in_time(self) -> None:
        now = time.monotonic()
        if now < self._sweep_at:
            return
        self._sweep_at = now + SWEEP_EVERY * (0.75 + random.random() / 2)
        for name in [name for name, at in list(self._sent.items()) if now - at >= KEPT]:
            remove_tree(self._zk, f"{self._replies}/{name}", timeout=_CALL_SECONDS)
            del self._sent[name]
        with contextlib.suppress(AccessDenied):  # then it is for somebody else to remove
            # Twice seen to be gone: a member whose session was lost comes back within that time.
            remains = find_remains(self._zk, self._own)
            gone, self._remains = remains & self._remains, remains
            for instance in gone:
                remove_remains(self._zk, self._own, instance)
