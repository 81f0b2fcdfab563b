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
from itertools import islice
from typing import Any

from kazoo.client import KazooClient
from kazoo.exceptions import AuthFailedError, ConnectionDropped
from kazoo.handlers.threading import SequentialThreadingHandler
from kazoo.protocol.connection import ConnectionHandler
from kazoo.retry import KazooRetry

from engine.zookeeper.explaining import explain, explain_login, explain_silence, explain_unknown
from engine.zookeeper.identity import Login, Scheme

CONNECT_SECONDS = 2.0
"""One member that swallows packets must not cost the session."""
_SEND_TOGETHER = 64
_RECEIVE = 1 << 20
"""A garbled length must not cost gigabytes."""
_AUTH = 100
_FRAME = struct.Struct("!iii")
_PING = _FRAME.pack(8, -2, 11)
"""A ping of the protocol: it reads nothing, and any server answers it at once."""

# kazoo logs each failed attempt, requests with their data, and at its lowest level the session's
# password: none of it is passed on. `connection` says what an operator needs to know.
_SILENT = logging.getLogger("engine.zookeeper.kazoo")
_SILENT.setLevel(logging.CRITICAL + 1)
_SILENT.propagate = False


class Handler(SequentialThreadingHandler):  # type: ignore[misc]  # kazoo publishes no types
    """Threads of a client; connects within CONNECT_SECONDS, and says why it could not."""

    def __init__(
        self,
        tls: ssl.SSLContext | None,
        failed: Callable[[str], None],
        *,
        has_certificate: bool = False,
    ) -> None:
        """Args:
        tls: None for a plain connection.
        failed: called with the reason, safe to log, when a member cannot be reached.
        has_certificate: a certificate of ours is shown.
        """
        super().__init__()
        self._tls = tls
        self._failed = failed
        self.shown = {"with_tls": tls is not None, "has_certificate": has_certificate}
        """What `explaining` needs to know of us."""

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
            why = explain(error, **self.shown)
            self._failed(f"{kind}{hostname or address[0]}:{address[1]}: {why}")
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
    refusal: str = ""
    """Why no member lets us in, or has an address; safe to log."""
    _has_logged_in = False
    _xid: int
    _heard: float = 0.0
    _pulse_at: float = 0.0
    _pulse_due: bool = False

    @property
    def silent_for(self) -> float:
        """Seconds since a pulse was sent after which nothing at all was heard; 0 otherwise."""
        asked = self._pulse_at
        return 0.0 if self._heard >= asked else time.monotonic() - asked

    def pulse(self) -> None:
        """Ask the server for a sign of life; called in any thread."""
        self._pulse_due = True
        wake = self._write_sock
        if wake is not None:
            wake.send(b"\0")

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

    def _expand_client_hosts(self) -> list[tuple[str, str, int]]:
        found: list[tuple[str, str, int]] = super()._expand_client_hosts()
        names = ", ".join(host for host, _ in self.client.hosts)
        self.refusal = "" if found else explain_unknown(names)
        return found

    def _connect(self, host: str, hostip: str, port: int) -> tuple[float, float]:
        # kazoo reports the connection before it logs in: a request that is sent then goes out
        # after the log-in, but who waits for a connection would be told of one that is refused.
        client = self.client
        reports: list[Any] = []
        client._session_callback = reports.append
        self._attempt = (time.monotonic(), host, port)
        try:
            timeouts: tuple[float, float] = super()._connect(host, hostip, port)
        finally:
            del client._session_callback
        for state in reports:
            client._session_callback(state)
        return timeouts

    def _authenticate_with_sasl(self, host: str, timeout: float) -> None:
        _, name, port = self._attempt
        try:
            super()._authenticate_with_sasl(host, timeout)
        except Exception as error:
            if self._has_logged_in:
                # kazoo gives up the session where a server does not let us in. One that did before
                # has been cut off, and the session may live.
                raise ConnectionDropped("cut off while logging in again") from error
            self.refusal = f"{name}:{port} {explain_login(error, self.sasl_options['username'])}"
            raise AuthFailedError(self.refusal) from error
        self._has_logged_in, self.refusal = True, ""

    def _invoke(self, timeout: float, request: Any, xid: int | None = None) -> Any:
        began, host, port = self._attempt
        if _is_handshake(request):
            # kazoo waits a whole session for it: a member that is mute would cost the session.
            timeout = min(timeout, max(CONNECT_SECONDS, timeout / 3))
        try:
            result = super()._invoke(timeout, request, xid)
        except Exception as error:
            self.refusals += 1
            handler = self.client.handler
            handler._failed(f"{host}:{port} {explain_silence(error, **handler.shown)}")
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
                self._heard = time.monotonic()
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
        if self._pulse_due:
            self._pulse_due = False
            if self._heard >= self._pulse_at:
                self._pulse_at = time.monotonic()
            self._write(_PING, connect_timeout)
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
    login: Login | None,
    tls: ssl.SSLContext | None,
    failed: Callable[[str], None],
    has_certificate: bool = False,
) -> KazooClient:
    """Return a client that is not started.

    Args:
        hosts: host:port,...[/chroot].
        session_timeout: seconds to ask for.
        login: who we are; None for anybody.
        tls: None for plain connections.
        failed: called with the reason when a member cannot be reached.
        has_certificate: the TLS context has a certificate of ours.

    Raises:
        SettingsError: the library for SASL is not installed.
    """
    retry = KazooRetry(max_tries=-1, delay=0.1, max_delay=1.0)
    client = KazooClient(
        hosts,
        timeout=session_timeout,
        handler=Handler(tls, failed, has_certificate=has_certificate),
        connection_retry=retry,
        command_retry=retry,
        auth_data=_digest(login),
        logger=_SILENT,
    )
    client._connection = Connection(
        client,
        client._conn_retry.copy(),
        logger=_SILENT,
        sasl_options=login.sasl_options() if login else None,
    )
    return client


def _digest(login: Login | None) -> list[tuple[str, str]] | None:
    if login is None or login.scheme is not Scheme.DIGEST:
        return None
    return [("digest", f"{login.user}:{login.password}")]
