"""Sends requests over connections that are kept, and says what it means when that fails."""

from __future__ import annotations

import socket
import ssl
from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass, field
from http.client import HTTPException, IncompleteRead, RemoteDisconnected

from engine.errors import ApiUnavailable, MalformedAnswer
from engine.nuvla.connection import Answer, Connection, Place
from engine.nuvla.deadline import Deadline
from engine.text import clean

CONNECT_TIMEOUT = 5.0
DOCUMENT_LIMIT = 8_000_000
"""Bytes of one document: its texts are limited, and it stays far below this."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """One request, without the identity that it goes out with."""

    method: str
    path: str
    """Below /api/, such as job/<uuid>; made of checked ids only."""
    body: bytes | None = None
    headers: Mapping[str, str] = field(default_factory=dict)
    is_safe: bool = False
    """Whether doing it twice does no harm: reads, and logging in."""
    limit: int = DOCUMENT_LIMIT
    """Bytes of the answer that are accepted."""


class Transport:
    """The connections of one process to one API; all threads may use it.

    No redirect is followed and no proxy is used: credentials go to the endpoint and nowhere else.
    """

    def __init__(self, place: Place, *, connect_timeout: float = CONNECT_TIMEOUT) -> None:
        self._place = place
        self._connect_timeout = connect_timeout
        # Taken and given back at the same end, both atomically, so that few connections serve few
        # threads; the server closes the others, and `_keep` notices.
        self._idle: deque[Connection] = deque()
        self._is_closed = False

    def exchange(self, request: Request, identity: Mapping[str, str], deadline: Deadline) -> Answer:
        """Send a request and return its answer, whatever its status.

        Args: identity: headers that say who we are.

        Raises:
            ApiUnavailable: no whole answer came; maybe_applied says whether a write may be done.
            MalformedAnswer: the answer is larger than is accepted.
        """
        data = self._encode(request, identity)
        try:
            connection = self._take()
            if connection is not None:
                answer = self._try_kept(connection, request, data, deadline)
                if answer is not None:
                    return answer
            connection = Connection(
                self._place, connect_timeout=self._connect_timeout, deadline=deadline
            )
        except (OSError, HTTPException) as error:
            raise self._unavailable(request, error, sent=False) from error
        try:
            connection.send(data, deadline)
        except OSError as error:
            connection.close()
            raise self._unavailable(request, error, sent=False) from error
        return self._receive(connection, request, deadline)

    def close(self) -> None:
        """Close the connections that are idle, and each other one as soon as it is given back."""
        self._is_closed = True
        self._close_idle()

    def _close_idle(self) -> None:
        while True:
            try:
                self._idle.pop().close()
            except IndexError:
                return

    def _try_kept(
        self, connection: Connection, request: Request, data: bytes, deadline: Deadline
    ) -> Answer | None:
        """Use a kept connection; None where its end met the request and it may go out again."""
        try:
            connection.send(data, deadline)
        except ConnectionError:
            connection.close()
            return None
        except OSError:
            connection.close()
            raise
        try:
            return self._receive(connection, request, deadline)
        except ApiUnavailable as error:
            # The server may close an idle connection at the very moment at which we use it. It
            # did not act on the request, but that cannot be told from a server that died over it.
            if request.is_safe and isinstance(error.__cause__, RemoteDisconnected):
                return None
            raise

    def _receive(self, connection: Connection, request: Request, deadline: Deadline) -> Answer:
        keep = False
        try:
            answer, keep = connection.receive(request.method, deadline, limit=request.limit)
            return answer
        except MalformedAnswer as error:
            message = f"{self._where(request)}: {error}"
            raise MalformedAnswer(message, maybe_applied=not request.is_safe) from None
        except (OSError, HTTPException) as error:
            raise self._unavailable(request, error, sent=True) from error
        finally:
            if keep:
                self._keep(connection)
            else:
                connection.close()

    def _keep(self, connection: Connection) -> None:
        """Give a connection back, and close the one that was idle for longest if it has ended."""
        try:
            oldest = self._idle.popleft()
        except IndexError:
            pass
        else:
            if oldest.is_quiet():
                self._idle.appendleft(oldest)
            else:
                oldest.close()
        self._idle.append(connection)
        if self._is_closed:  # looked at last, so that whoever closes and we cannot miss each other
            self._close_idle()

    def _take(self) -> Connection | None:
        while True:
            try:
                connection = self._idle.pop()
            except IndexError:
                return None
            if connection.is_quiet():
                return connection
            connection.close()

    def _encode(self, request: Request, identity: Mapping[str, str]) -> bytes:
        lines = [
            f"{request.method} {self._place.prefix}{request.path} HTTP/1.1",
            f"Host: {self._place.host_header}",
            "Accept: application/json",
        ]
        lines += [f"{name}: {value}" for name, value in identity.items()]
        lines += [f"{name}: {value}" for name, value in request.headers.items()]
        body = request.body or b""
        if request.body is not None or request.method != "GET":
            lines.append(f"Content-Length: {len(body)}")
        head = "\r\n".join(lines)
        # One piece, so that a request goes out whole, in one packet where it fits.
        return head.encode() + b"\r\n\r\n" + body

    def _where(self, request: Request) -> str:
        path = clean(request.path.partition("?")[0], limit=200)
        return f"{request.method} {self._place.url}/api/{path}"

    def _unavailable(self, request: Request, error: Exception, *, sent: bool) -> ApiUnavailable:
        message = f"{self._where(request)}: {_reason(error)}"
        return ApiUnavailable(message, maybe_applied=sent and not request.is_safe)


def _reason(error: Exception) -> str:
    """Return what went wrong, and what to look at, in words."""
    if isinstance(error, ssl.SSLCertVerificationError):
        return (
            f"TLS: the server's certificate is refused: {clean(error.verify_message, limit=200)} "
            "(a private authority is trusted with --api-ca)"
        )
    if isinstance(error, ssl.SSLError):
        return f"TLS failed: {clean(error.reason or str(error), limit=200)}"
    if isinstance(error, socket.gaierror):
        return f"the host name cannot be resolved: {error.strerror}"
    if isinstance(error, ConnectionRefusedError):
        return "connection refused: is the API running, and is --api-url right?"
    if isinstance(error, RemoteDisconnected | ConnectionError):
        return "the connection was closed before an answer came"
    if isinstance(error, IncompleteRead):
        return "the answer broke off"
    if isinstance(error, TimeoutError):
        return f"too slow: {error}" if str(error).startswith("no ") else "too slow: no answer"
    if isinstance(error, OSError):
        return clean(error.strerror or str(error), limit=200)
    return f"the answer is not HTTP: {clean(repr(error), limit=200)}"
