"""One connection to the API: every wait on it counts against the deadline of the call."""

from __future__ import annotations

import io
import select
import socket
import ssl
import struct
from collections.abc import Callable
from dataclasses import dataclass
from http.client import HTTPMessage, HTTPResponse, IncompleteRead
from pathlib import Path
from typing import Any, cast
from urllib.parse import urlsplit

from engine.errors import MalformedAnswer, SettingsError
from engine.nuvla.deadline import Deadline
from engine.nuvla.heads import Headers, read_head

_CHUNK = 65536
_TIMEVAL = struct.Struct("@ll")
_NEARLY = 1.01
"""A wait may take this much longer than what is left to its call."""


@dataclass(frozen=True, slots=True)
class Answer:
    """What came back, whatever its status."""

    status: int
    headers: HTTPMessage | Headers
    body: bytes


class Place:
    """Where the API is and how to speak to it."""

    def __init__(self, url: str, *, insecure: bool = False, ca: Path | None = None) -> None:
        """Args: url: the endpoint, without /api.

        Raises:
            SettingsError: the file of certificate authorities cannot be used.
        """
        parts = urlsplit(url)
        self.url = url
        self.is_insecure = insecure
        self.ca = ca
        self.host = parts.hostname or ""
        self.port = parts.port or (443 if parts.scheme == "https" else 80)
        self.prefix = f"{parts.path.rstrip('/')}/api/"
        self.host_header = parts.netloc.rpartition("@")[2]
        self.tls = _tls_context(insecure, ca) if parts.scheme == "https" else None


class Connection:
    """A connection, opened by the constructor.

    Raises:
        OSError: it could not be opened; TimeoutError among them.
    """

    def __init__(self, place: Place, *, connect_timeout: float, deadline: Deadline) -> None:
        self._socket = _connect(place, connect_timeout, deadline)
        try:
            self._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            if place.tls is not None:
                self._socket = place.tls.wrap_socket(self._socket, server_hostname=place.host)
        except BaseException:
            self._socket.close()
            raise
        self._timeout = 0.0
        self._poll = select.poll()
        self._poll.register(self._socket, select.POLLIN)

    def is_quiet(self) -> bool:
        """Whether nothing came while idle: what comes then is the end, or belongs to no request."""
        return not self._poll.poll(0)

    def send(self, request: bytes, deadline: Deadline) -> None:
        """Send a whole request.

        Raises:
            OSError: not all of it was sent, so that the server cannot act on it.
        """
        self._wait(self._socket.sendall, request, deadline)

    def receive(self, method: str, deadline: Deadline, *, limit: int) -> tuple[Answer, bool]:
        """Return the answer, and whether the connection can be used again.

        Args: limit: bytes of the body; more are refused unread.

        Raises:
            OSError, http.client.HTTPException: no whole answer came.
            MalformedAnswer: the body is longer than the limit.
        """
        data = self._read(deadline)
        head = read_head(data)
        if head is None:
            return self._receive_any(method, data, deadline, limit)
        _check_length(head.length, limit)
        body = self._read_body(data[head.start :], head.length, deadline)
        # More than was promised belongs to no request of ours.
        keep = not head.will_close and len(body) == head.length
        return Answer(head.status, head.headers, body[: head.length]), keep

    def _wait(self, call: Callable[[Any], Any], argument: Any, deadline: Deadline) -> Any:
        """Call the socket, for as long as the deadline lets it wait."""
        self._bound_waits(deadline)
        try:
            return call(argument)
        except BlockingIOError:  # how the kernel ends a wait
            raise deadline.passed() from None

    def _bound_waits(self, deadline: Deadline) -> None:
        left = deadline.remaining()
        # Setting it is a system call, each time: what was set stays while it is as good as right.
        if left <= self._timeout <= left * _NEARLY:
            return
        self._timeout = left
        if isinstance(self._socket, ssl.SSLSocket):
            self._socket.settimeout(left)
            return
        # Python's own timeout polls before each call; the kernel's costs nothing.
        self._socket.settimeout(None)
        limit = _TIMEVAL.pack(int(left), max(1, int(left % 1 * 1_000_000)))
        for option in (socket.SO_SNDTIMEO, socket.SO_RCVTIMEO):
            self._socket.setsockopt(socket.SOL_SOCKET, option, limit)

    def _read(self, deadline: Deadline) -> bytes:
        data: bytes = self._wait(self._socket.recv, _CHUNK, deadline)
        return data

    def _read_into(self, buffer: memoryview, deadline: Deadline) -> int:
        count: int = self._wait(self._socket.recv_into, buffer, deadline)
        return count

    def _read_body(self, begin: bytes, length: int, deadline: Deadline) -> bytes:
        if len(begin) >= length:
            return begin
        pieces, size = [begin], len(begin)
        while size < length:
            pieces.append(piece := self._read(deadline))
            size += len(piece)
            if not piece:
                raise IncompleteRead(b"".join(pieces), length - size)
        return b"".join(pieces)

    def _receive_any(
        self, method: str, begin: bytes, deadline: Deadline, limit: int
    ) -> tuple[Answer, bool]:
        """Do what `receive` does for any answer that HTTP allows, whose first bytes are known."""
        reader = _Reader(lambda buffer: self._read_into(buffer, deadline), begin)
        response = HTTPResponse(cast(socket.socket, reader), method=method)
        try:
            response.begin()
            body = _body(response, limit)
            return Answer(response.status, response.msg, body), not response.will_close
        finally:
            response.close()

    def close(self) -> None:
        """Close it."""
        self._socket.close()


class _Reader(io.RawIOBase):
    """Reads the socket for one answer; the end of the answer does not close the socket."""

    def __init__(self, read_into: Callable[[memoryview], int], begin: bytes) -> None:
        self._read_into = read_into
        self._begin = begin

    def makefile(self, mode: str) -> io.BufferedReader:
        """Return the file that HTTPResponse reads."""
        return io.BufferedReader(self)

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: memoryview) -> int:  # type: ignore[override]  # any buffer will do
        if self._begin:
            piece, self._begin = self._begin[: len(buffer)], self._begin[len(buffer) :]
            buffer[: len(piece)] = piece
            return len(piece)
        return self._read_into(buffer)


def _body(response: HTTPResponse, limit: int) -> bytes:
    if response.length is not None:
        _check_length(response.length, limit)
        # Only a read of all that was promised notices that less came.
        return response.read()
    pieces, size = [], 0
    while piece := response.read(_CHUNK):
        pieces.append(piece)
        size += len(piece)
        if size > limit:
            raise MalformedAnswer(f"the answer has more than {limit} bytes")
    return b"".join(pieces)


def _check_length(length: int, limit: int) -> None:
    if length > limit:
        raise MalformedAnswer(f"the answer has {length} bytes; {limit} are accepted")


def _connect(place: Place, connect_timeout: float, deadline: Deadline) -> socket.socket:
    # Name resolution has limits of its own, which the resolver's settings decide.
    addresses = socket.getaddrinfo(place.host, place.port, type=socket.SOCK_STREAM)
    problem: OSError | None = None
    for family, kind, protocol, _, address in addresses:
        link = socket.socket(family, kind, protocol)
        try:
            link.settimeout(min(connect_timeout, deadline.remaining()))
            link.connect(address)
            return link
        except OSError as error:
            link.close()
            problem = error
    raise problem or OSError(f"{place.host} has no address")


def _tls_context(insecure: bool, ca: Path | None) -> ssl.SSLContext:
    try:
        context = ssl.create_default_context(cafile=None if ca is None else str(ca))
    except OSError as error:
        raise SettingsError(
            f"api-ca: {ca} cannot be used as a file of certificate authorities: {error}"
        ) from error
    if insecure:
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
    return context
