"""ZooKeeper for the rest of the engine: one session, bounded calls, and our own errors."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from typing import Any

from kazoo.client import KazooClient
from kazoo.exceptions import NoAuthError, NodeExistsError, NoNodeError
from kazoo.security import ACL

from engine.errors import EngineError, SettingsError
from engine.measures import Histogram
from engine.zookeeper import wire
from engine.zookeeper.client import make_client
from engine.zookeeper.flight import Flight
from engine.zookeeper.identity import Login, Scheme, Tls, parse_acl, who_we_are
from engine.zookeeper.paths import OwnPaths
from engine.zookeeper.session import Session
from engine.zookeeper.translating import translate
from engine.zookeeper.wire import Answer, Watcher, ZnodeStat

__all__ = ["Answer", "Login", "Scheme", "Tls", "ZnodeStat", "ZooKeeper", "parse_acl"]

CALL_SECONDS = 10.0
READ_CHUNK = 2000
"""Nodes in one multiRead."""
READ_TOGETHER = 3
"""multiReads that are under way at a time: the server reads on while an answer is taken apart.
Other clients wait for them, a few milliseconds for each."""
Node = tuple[bytes, ZnodeStat]


class ZooKeeper:
    """One session, its gate and its lease. Every call is bounded; kazoo's errors stay inside."""

    def __init__(
        self,
        hosts: str,
        *,
        session_timeout: float = 30.0,
        call_timeout: float = CALL_SECONDS,
        login: Login | None = None,
        tls: Tls | None = None,
        own_root: str = OwnPaths().root,
        own_acl: Sequence[ACL] = (),
        pulse: float | None = None,
    ) -> None:
        """Args:
        hosts: host:port,...[/chroot].
        session_timeout: seconds to ask for; the server grants 2 to 20 of its ticks.
        call_timeout: seconds that a call takes at most, where it does not say otherwise.
        login: who we are; None for anybody.
        tls: None for plain connections.
        own_root: nodes below it take own_acl; all others stay open, as their layout demands.
        own_acl: from `parse_acl`; empty for the open ACL.
        pulse: seconds between two pings, for who wants to know of a mute link soon; None: none.

        Raises:
            SettingsError: a TLS file cannot be used, or the library for SASL is not installed.
        """
        if login is not None:
            login.sasl_options()
        try:
            context = tls.context() if tls else None
        except OSError as error:
            raise SettingsError(f"the TLS files for ZooKeeper cannot be used: {error}") from error

        def make(failed: Callable[[str], None]) -> KazooClient:
            return make_client(
                members,
                session_timeout=session_timeout,
                login=login,
                tls=context,
                failed=failed,
                has_certificate=shows_certificate,
            )

        shows_certificate = tls is not None and tls.certificate is not None
        self.hosts = hosts
        self._who = who_we_are(login, tls)
        members, _, chroot = hosts.partition("/")
        self._chroot = f"/{chroot.strip('/')}" if chroot.strip("/") else ""
        self._call_timeout = call_timeout
        self._own_root, self._own_acl = own_root, tuple(own_acl)
        self._session = Session(make, session_timeout, chroot=self._chroot, pulse=pulse)

    def start(self) -> None:
        """Connect in the background and return at once; reconnects for ever."""
        self._session.start()

    def wait_connected(self, timeout: float) -> bool:
        """Wait for a connection; False where the timeout (seconds) passes before."""
        return self._session.wait_up(timeout)

    def close(self, timeout: float = 5.0) -> None:
        """End the session, so that our ephemeral nodes go at once; never takes much longer than
        the timeout (seconds)."""
        self._session.close(timeout)

    @property
    def is_connected(self) -> bool:
        """Whether requests can be sent."""
        return self._session.is_up

    @property
    def is_closed(self) -> bool:
        """Whether `close` was called."""
        return self._session.is_closed

    @property
    def session_id(self) -> int | None:
        """The present session, as `ZnodeStat.ephemeralOwner` has it."""
        return self._session.id

    @property
    def session_timeout(self) -> float:
        """Seconds that the server granted."""
        return self._session.timeout

    @property
    def epoch(self) -> int:
        """Grows by one with each session that is lost, or must be presumed so."""
        return self._session.epoch

    @property
    def latency(self) -> Histogram:
        """Seconds until the server answered the session's heartbeats, six in each timeout."""
        return self._session.latency

    @property
    def connections(self) -> int:
        """How often we were connected and logged in."""
        return self._session.connections

    @property
    def turned_at(self) -> float:
        """When the session's supervision looked last, monotonic: within a second if it lives."""
        return self._session.turned_at

    @property
    def trouble(self) -> str:
        """Why the last attempt to connect failed."""
        return self._session.trouble

    @property
    def silent_for(self) -> float:
        """Seconds that the server owes a sign of life; always 0 without a pulse."""
        return self._session.silent_for

    def lease_remaining(self) -> float:
        """Return the seconds until the session must be presumed lost; 0 or less: presume it."""
        return self._session.lease_remaining()

    def is_current(self, epoch: int) -> bool:
        """Whether the session of that epoch lives for certain."""
        return self._session.is_current(epoch)

    def add_listener(self, callback: Callable[[], None]) -> None:
        """Call back when the connection or the session changes. The callback only sets flags: it
        runs in the connection's own thread, where a request would never be answered."""
        self._session.add_listener(callback)

    def remove_listener(self, callback: Callable[[], None]) -> None:
        """No longer call back."""
        self._session.remove_listener(callback)

    def children(
        self, path: str, *, watch: Callable[[], None] | None = None, timeout: float | None = None
    ) -> tuple[list[str], ZnodeStat] | None:
        """Return the names of the children and the stat of the node, or None without a node.

        Args:
            path: the node.
            watch: called once, for flags only, at the next change or disconnect: read again then.
                Without a node it is called for the node's creation.
            timeout: seconds.

        Raises:
            ZooKeeperUnavailable, SessionLost, AccessDenied.
        """
        found: tuple[list[str], ZnodeStat] | None
        found = self._read(wire.Children(path, _watcher(watch)), path, timeout)
        if found is None and watch is not None and self.exists(path, watch=watch) is not None:
            watch()  # it came in between: let the caller look again
        return found

    def get(
        self, path: str, *, watch: Callable[[], None] | None = None, timeout: float | None = None
    ) -> Node | None:
        """Return the data and stat of a node, or None. Arguments and errors as `children`."""
        found: Node | None = self._read(wire.Data(path, _watcher(watch)), path, timeout)
        if found is None and watch is not None and self.exists(path, watch=watch) is not None:
            watch()
        return found

    def exists(
        self, path: str, *, watch: Callable[[], None] | None = None, timeout: float | None = None
    ) -> ZnodeStat | None:
        """Return the stat of a node, or None. Arguments and errors as `children`."""
        stat: ZnodeStat | None
        stat = self._read(wire.Exists(path, _watcher(watch)), path, timeout)
        return stat

    def get_many(self, paths: Sequence[str], *, timeout: float | None = None) -> list[Node | None]:
        """Return the data and stat of many nodes, None for each that is missing or unreadable.

        Raises:
            ZooKeeperUnavailable, SessionLost.
        """
        found: list[Node | None] = []
        chunks = [wire.MultiRead(chunk) for chunk in _chunks(paths)]
        for answers in self._ask_all(chunks, f"{len(paths)} nodes", timeout):
            found += [None if isinstance(answer, Answer) else answer for answer in answers]
        return found

    def find(self, paths: Sequence[str], data: bytes, *, timeout: float | None = None) -> list[int]:
        """Return the places in the list of the nodes that hold these data: quick, since all others
        are only glanced at.

        Raises:
            ZooKeeperUnavailable, SessionLost.
        """
        found: list[int] = []
        chunks = [wire.MultiSearch(chunk, data) for chunk in _chunks(paths)]
        answers = self._ask_all(chunks, f"{len(paths)} nodes", timeout)
        for number, places in enumerate(answers):
            found += [number * READ_CHUNK + place for place in places]
        return found

    def sync(self, path: str, *, timeout: float | None = None) -> None:
        """Wait until the member we talk to has caught up with the leader.

        Raises:
            ZooKeeperUnavailable, SessionLost.
        """
        self._ask(wire.Sync(path), path, timeout)

    def ephemerals(self, prefix: str, *, timeout: float | None = None) -> list[str]:
        """Return this session's ephemeral nodes below a path.

        Raises:
            ZooKeeperUnavailable, SessionLost.
        """
        paths = self._ask(wire.Ephemerals(prefix), prefix, timeout)
        return [path[len(self._chroot) :] for path in paths]

    def create(
        self,
        path: str,
        data: bytes = b"",
        *,
        ephemeral: bool = False,
        sequential: bool = False,
        parents: bool = True,
        epoch: int | None = None,
        timeout: float | None = None,
    ) -> str:
        """Make a node and return its path (a sequential one gets ten digits appended).

        Args:
            path: the node, or the beginning of its name.
            data: at most 1 MB.
            ephemeral: it goes with the session.
            sequential: the server appends the parent's counter.
            parents: make missing parents.
            epoch: make it in this session or not at all.
            timeout: seconds.

        Raises:
            NodeConflict: it exists, or its parent is missing.
            ZooKeeperUnavailable: not sent, or the outcome is unknown.
            SessionLost, AccessDenied.
        """
        flags = wire.EPHEMERAL * ephemeral | wire.SEQUENTIAL * sequential
        request = wire.create(path, data, acl=self.acl_of(path), flags=flags)
        made = self._attempt(request, timeout, epoch)
        if isinstance(made, NoNodeError) and parents:
            self.ensure(path.rpartition("/")[0], timeout=timeout)
            made = self._attempt(request, timeout, epoch)
        if isinstance(made, Exception):
            raise self._ours(made, path)
        return str(made)[len(self._chroot) :]

    def ensure(self, path: str, *, timeout: float | None = None) -> None:
        """Make a node and its parents where they are missing, the chroot included.

        Raises:
            ZooKeeperUnavailable, SessionLost, AccessDenied.
        """
        whole, denied = self._chroot + path.rstrip("/"), None
        made = self._attempt(wire.create(whole, b"", acl=self.acl_of(path)), timeout, absolute=True)
        if isinstance(made, NoNodeError):
            parts = whole.split("/")[1:-1]
            for depth in range(1, len(parts) + 1):
                parent = "/" + "/".join(parts[:depth])
                acl = self.acl_of(parent[len(self._chroot) :])
                answer = self._attempt(wire.create(parent, b"", acl=acl), timeout, absolute=True)
                # Of a node that is there the server says so only to who may make it.
                denied = answer if isinstance(answer, NoAuthError) else denied
            request = wire.create(whole, b"", acl=self.acl_of(path))
            made = self._attempt(request, timeout, absolute=True)
            made = denied if denied and isinstance(made, NoNodeError) else made
        if isinstance(made, Exception) and not isinstance(made, NodeExistsError):
            raise self._ours(made, path)

    def set(
        self, path: str, data: bytes, *, version: int = -1, timeout: float | None = None
    ) -> ZnodeStat | None:
        """Write a node's data and return its new stat, or None without such a node.

        Raises:
            NodeConflict: its version is another.
            ZooKeeperUnavailable: not sent, or the outcome is unknown.
            SessionLost, AccessDenied.
        """
        stat: ZnodeStat | None = self._read(wire.set_data(path, data, version), path, timeout)
        return stat

    def delete(
        self,
        path: str,
        *,
        version: int = -1,
        epoch: int | None = None,
        timeout: float | None = None,
    ) -> bool:
        """Delete a node; False where there is none.

        Raises:
            NodeConflict: its version is another, or it has children.
            ZooKeeperUnavailable: not sent, or the outcome is unknown.
            SessionLost, AccessDenied.
        """
        return self._read(wire.delete(path, version), path, timeout, epoch) is not None

    def transaction(
        self, *operations: Any, epoch: int | None = None, timeout: float | None = None
    ) -> tuple[Answer, ...]:
        """Apply all operations of `wire.create`, `wire.delete` and `wire.check`, or none of them.

        Returns one answer each: all DONE, or what the failing one failed of, others ROLLED_BACK.

        Raises:
            ZooKeeperUnavailable: not sent, or the outcome is unknown.
            SessionLost: the session of the epoch has ended.
        """
        return tuple(self._ask(wire.Multi(operations), operations[0].path, timeout, epoch))

    def create_beside(
        self, path: str, data: bytes, *operations: Any, timeout: float | None = None
    ) -> str | tuple[Answer, ...]:
        """Make a sequential node together with other operations, or do nothing at all.

        Returns its path, or the answers as of `transaction`, the create's first.

        Args:
            path: the beginning of its name.
            data: of the node.
            operations: of `wire.delete` and `wire.check`.
            timeout: seconds.

        Raises:
            ZooKeeperUnavailable: not sent, or the outcome is unknown.
            SessionLost.
        """
        made = wire.create(path, data, acl=self.acl_of(path), flags=wire.SEQUENTIAL)
        answers = self._ask(wire.Making((made, *operations)), path, timeout)
        first = answers[0]
        return first[len(self._chroot) :] if isinstance(first, str) else tuple(answers)

    def exchange(self, requests: Sequence[Any], *, epoch: int) -> list[Any]:
        """Send requests of `wire` in one flight, in the session of the epoch or not at all, and
        return for each its answer or the exception (kazoo's, or ZooKeeperUnavailable) instead.

        Raises:
            ZooKeeperUnavailable, SessionLost: nothing was sent.
        """
        limit = max(5.0, self.session_timeout)
        return self._session.submit(requests, epoch=epoch, timeout=limit).wait(limit)

    def _read(
        self, request: Any, path: str, timeout: float | None, epoch: int | None = None
    ) -> Any:
        """Return the answer, or None where there is no such node."""
        answer = self._attempt(request, timeout, epoch)
        if isinstance(answer, NoNodeError):
            return None
        if isinstance(answer, Exception):
            raise self._ours(answer, path)
        return answer

    def _ask(
        self, request: Any, subject: str, timeout: float | None, epoch: int | None = None
    ) -> Any:
        answer = self._attempt(request, timeout, epoch)
        if isinstance(answer, Exception):
            raise self._ours(answer, subject)
        return answer

    def _ask_all(
        self, requests: Sequence[Any], subject: str, timeout: float | None
    ) -> Iterator[Any]:
        """Yield the answers of many requests, a few of which are under way at any time."""
        limit = self._call_timeout if timeout is None else timeout
        under_way: deque[Flight] = deque()
        for request in requests:
            self._session.wait_up(limit)
            under_way.append(self._session.submit([request], timeout=limit))
            if len(under_way) == READ_TOGETHER:
                yield self._answer(under_way.popleft(), limit, subject)
        for flight in under_way:
            yield self._answer(flight, limit, subject)

    def _answer(self, flight: Flight, timeout: float, subject: str) -> Any:
        """Return the answer to the one request of a flight."""
        (answer,) = flight.wait(timeout)
        if isinstance(answer, Exception):
            raise self._ours(answer, subject)
        return answer

    def _attempt(
        self,
        request: Any,
        timeout: float | None,
        epoch: int | None = None,
        *,
        absolute: bool = False,
    ) -> Any:
        """Return the answer or the exception that came instead; waits for a connection first."""
        limit = self._call_timeout if timeout is None else timeout
        deadline = time.monotonic() + limit
        if epoch is None or epoch == self.epoch:
            self._session.wait_up(limit)
        left = max(0.0, deadline - time.monotonic())
        flight = self._session.submit([request], epoch=epoch, timeout=left, absolute=absolute)
        return flight.wait(max(0.0, deadline - time.monotonic()))[0]

    def _ours(self, error: Exception, subject: str) -> EngineError:
        return translate(error, subject, self._who)

    def acl_of(self, path: str) -> tuple[ACL, ...]:
        """Return the ACL that a new node takes: ours below our root, else empty, that is open."""
        inside = path == self._own_root or path.startswith(f"{self._own_root}/")
        return self._own_acl if inside else ()


def _chunks(paths: Sequence[str]) -> Iterator[Sequence[str]]:
    for start in range(0, len(paths), READ_CHUNK):
        yield paths[start : start + READ_CHUNK]


def _watcher(callback: Callable[[], None] | None) -> Watcher | None:
    return None if callback is None else Watcher(callback)
