"""JSON objects over a socket, one a line, between an executor and a child that runs an action."""

from __future__ import annotations

import contextlib
import json
import select
import socket
import threading
import time
from collections.abc import Iterable
from typing import Any

_PIECE = 1 << 16


class Messages:
    """One end. Any thread may send; one at a time receives."""

    def __init__(self, end: socket.socket) -> None:
        """Args: end: a stream; closed by `close`."""
        self._socket = end
        self._received = b""
        self._sending = threading.Lock()

    def send(self, message: dict[str, Any]) -> None:
        """Send a message.

        Raises:
            OSError: the other end is gone.
            TypeError, ValueError: it has no JSON form.
        """
        line = json.dumps(message).encode() + b"\n"
        with self._sending:
            self._socket.sendall(line)

    def receive(self, timeout: float | None = None) -> dict[str, Any] | None:
        """Return the next message; None where none came in time.

        A line that is no object is left out: who was killed may have left half a line.

        Args: timeout: seconds; None waits for ever.

        Raises:
            EOFError: the other end is gone.
        """
        deadline = None if timeout is None else time.monotonic() + timeout
        while True:
            line, newline, rest = self._received.partition(b"\n")
            if newline:
                self._received = rest
                with contextlib.suppress(ValueError):
                    message = json.loads(line)
                    if isinstance(message, dict):
                        return message
                continue
            left = None if deadline is None else max(0.0, deadline - time.monotonic())
            if not readable([self._socket.fileno()], left):
                return None
            self._received += self._read()

    def close(self) -> None:
        """Close this end."""
        self._socket.close()

    def _read(self) -> bytes:
        try:
            piece = self._socket.recv(_PIECE)
        except ConnectionError:
            piece = b""
        if not piece:
            raise EOFError("the other end is gone")
        return piece


def readable(ends: Iterable[int], timeout: float | None) -> list[int]:
    """Return the descriptors that can be read, after some seconds at most. Unlike select, it takes
    descriptors of any number."""
    poll = select.poll()
    for end in ends:
        poll.register(end, select.POLLIN)
    return [end for end, _ in poll.poll(None if timeout is None else 1000 * timeout)]
