"""A kazoo client that connects soon, tells its lease, keeps quiet, and wastes little.

What is changed and why: `docs/architecture.md`, Reasons. The parts of kazoo used here are those of
2.10 and 2.11.
"""

from __future__ import annotations

import contextlib
import logging
import select
import socket
import ssl
import struct
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import Any

from kazoo.client import KazooClient
from kazoo.exceptions import ConnectionDropped
from kazoo.handlers.threading import SequentialThreadingHandler
from kazoo.protocol.connection import ConnectionHandler
from kazoo.retry import KazooRetry

CONNECT_SECONDS = 2.0
"""One member that swallows packets must not cost the session."""
_SEND_TOGETHER = 64
_RECEIVE = 1 << 20
"""A garbled length must not cost gigabytes."""
_AUTH = 100
_FRAME = struct.Struct("!iii")

# kazoo logs each failed attempt, requests with their data, and at its lowest level the session's
# password: none of it is passed on. `connection` says what an operator needs to know.
_SILENT = logging.getLogger("engine.zookeeper.kazoo")
_SILENT.setLevel(logging.CRITICAL + 1)
_SILENT.propagate = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Tls:
    """How to speak TLS to ZooKeeper: the server's certificate and its name are always verified."""

    ca: str | None = None
    """A file of certificates to trust; None trusts those of the system."""
    certificate: str | None = None
    """A file with the client's certificate and chain, where the server asks for one."""
    key: str | None = None
    """A file with the key of that certificate, where it is not in the same file."""
    verify: bool = True
    """False accepts any server: for tests of a connection only."""

    def context(self) -> ssl.SSLContext:
        """Return a context for connections.

        Raises:
            OSError: a file is missing or is not what it ought to be.
        """
        context = ssl.create_default_context(cafile=self.ca)
        if self.certificate:
            context.load_cert_chain(self.certificate, self.key)
        if not self.verify:
            context.check_hostname = False
            context.verify_mode = ssl.CERT_NONE
        return context


class Handler(SequentialThreadingHandler):  # type: ignore[misc]  # kazoo publishes no types
    """Threads of a client; connects within CONNECT_SECONDS, and says why it could not."""

    def __init__(self, tls: ssl.SSLContext | None, failed: Callable[[str], None]) -> None:
        """Args:
        tls: None for a plain connection.
        failed: called with the reason, safe to log, when a member cannot be reached.
        """
        super().__init__()
        self._tls = tls
        self._failed = failed

    def create_connection(
        self, address: tuple[str, int], hostname: str = "", timeout: float = 0.0, **_: object
    ) -> socket.socket:
        """Connect to one member.

        Raises:
            OSError: it cannot be reached, or its certificate is not what it ought to be.
        """
        limit = min(timeout or CONNECT_SECONDS, CONNECT_SECONDS)
        try:
            link = socket.create_connection(address, limit)
            link.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            if self._tls is None:
                return link
            try:
                return self._tls.wrap_socket(link, server_hostname=hostname or address[0])
            except OSError:
                link.close()
                raise
        except OSError as error:
            kind = "TLS with " if isinstance(error, ssl.SSLError) else ""
            self._failed(f"{kind}{hostname or address[0]}:{address[1]}: {error}")
            raise

    def select(
        self, rlist: Sequence[Any], wlist: Sequence[Any], xlist: Sequence[Any], timeout: float
    ) -> tuple[list[Any], list[Any], list[Any]]:
        """As select.select, for any descriptor, without an epoll object for each call."""
        poller = select.poll()
        wanted = {}
        for links, events in ((rlist, select.POLLIN), (wlist, select.POLLOUT)):
            for link in links:
                wanted[link.fileno()] = (link, events)
                poller.register(link, events)
        reads: list[Any] = []
        writes: list[Any] = []
        for number, _ in poller.poll(None if timeout is None else max(0.0, timeout) * 1000):
            link, events = wanted[number]
            (reads if events == select.POLLIN else writes).append(link)
        return reads, writes, []


class Connection(ConnectionHandler):  # type: ignore[misc]  # kazoo publishes no types
    """One client's connection; notes when its session was confirmed, and for how long.

    Reads and writes try first and wait only where they must, and requests that wait together leave
    together: kazoo spends five system calls more on each request.
    """

    confirmed: float = 0.0
    """Monotonic time at which the last handshake began: the server knew the session after it."""
    granted: float = 0.0
    """Seconds of session timeout that the server granted, which may be other than asked."""
    refusals: int = 0
    """Handshakes in a row that a member began, and did not end."""
    _xid: int

    def drop(self) -> None:
        """Break the link, as if the server had, so that kazoo turns to the next member."""
        link = self._socket
        if link is not None:
            with contextlib.suppress(OSError):
                link.shutdown(socket.SHUT_RDWR)

    def zk_loop(self) -> None:
        """Run until stopped; a frame that cannot be read ends the client, not with a traceback."""
        try:
            super().zk_loop()
        except Exception as error:  # the supervisor replaces a client whose loop has ended
            self.client.handler._failed(f"the answer cannot be understood: {error!r}")

    def _connect(self, host: str, hostip: str, port: int) -> tuple[float, float]:
        self._attempt = (time.monotonic(), host, port)
        timeouts: tuple[float, float] = super()._connect(host, hostip, port)
        return timeouts

    def _invoke(self, timeout: float, request: Any, xid: int | None = None) -> Any:
        began, host, port = self._attempt
        if _is_handshake(request):
            # kazoo waits a whole session for it: a member that is mute would cost the session.
            timeout = min(timeout, max(CONNECT_SECONDS, timeout / 3))
        try:
            result = super()._invoke(timeout, request, xid)
        except Exception as error:
            self.refusals += 1
            self.client.handler._failed(f"{host}:{port} was reached, but did not answer: {error}")
            raise
        # The answer to Connect, noted before listeners are told; 0 means that the session is gone.
        if _is_handshake(request) and result[0].time_out > 0:
            self.refusals = 0
            self.confirmed, self.granted = began, result[0].time_out / 1000
        return result

    def _read(self, length: int, timeout: float) -> bytes:
        parts: list[bytes] = []
        with self._socket_error_handling():
            while length > 0:
                try:
                    part = self._socket.recv(min(length, _RECEIVE))
                except (BlockingIOError, ssl.SSLWantReadError):
                    self._wait(reading=True, timeout=timeout)
                    continue
                if not part:
                    raise ConnectionDropped("socket connection broken")
                parts.append(part)
                length -= len(part)
        return parts[0] if len(parts) == 1 else b"".join(parts)

    def _write(self, data: bytes | bytearray, timeout: float) -> None:
        rest = memoryview(data)
        with self._socket_error_handling():
            while rest:
                try:
                    rest = rest[self._socket.send(rest) :]
                except (BlockingIOError, ssl.SSLWantWriteError):
                    self._wait(reading=False, timeout=timeout)

    def _wait(self, *, reading: bool, timeout: float) -> None:
        links = [self._socket]
        ready = self.handler.select(links if reading else [], [] if reading else links, [], timeout)
        if not any(ready):
            raise self.handler.timeout_exception("the socket was not ready in time")

    def _send_request(self, read_timeout: float, connect_timeout: float) -> None:
        client = self.client
        waiting = list(islice(client._queue, _SEND_TOGETHER))
        if not waiting or any(getattr(each[0], "type", 100) == _AUTH for each in waiting):
            super()._send_request(read_timeout, connect_timeout)
            return
        frames = bytearray()
        for request, _ in waiting:
            self._xid = (self._xid % 2147483647) + 1
            body = request.serialize()
            frames += _FRAME.pack(len(body) + 8, self._xid, request.type)
            frames += body
        self._write(frames, connect_timeout)
        first = self._xid - len(waiting) + 1
        for number, (request, answer) in enumerate(waiting):
            client._queue.popleft()
            client._pending.append((request, answer, first + number))
        # One byte was sent for each; what is late is thrown away when it comes.
        self._read_sock.recv(len(waiting))


def _is_handshake(request: Any) -> bool:
    return hasattr(request, "time_out")


def make_client(
    hosts: str,
    *,
    session_timeout: float,
    credentials: tuple[str, str] | None,
    tls: ssl.SSLContext | None,
    failed: Callable[[str], None],
) -> KazooClient:
    """Return a client that is not started.

    Args:
        hosts: host:port,...[/chroot].
        session_timeout: seconds to ask for.
        credentials: user and password for the digest scheme.
        tls: None for plain connections.
        failed: called with the reason when a member cannot be reached.
    """
    retry = KazooRetry(max_tries=-1, delay=0.1, max_delay=1.0)
    client = KazooClient(
        hosts,
        timeout=session_timeout,
        handler=Handler(tls, failed),
        connection_retry=retry,
        command_retry=retry,
        auth_data=[("digest", ":".join(credentials))] if credentials else None,
        logger=_SILENT,
    )
    client._connection = Connection(client, client._conn_retry.copy(), logger=_SILENT)
    return client
