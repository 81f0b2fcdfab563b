"""Ports for servers that go away and come back."""

from __future__ import annotations

import random
import socket


def steady_port() -> int:
    """Return a free TCP port of loopback outside the range of outgoing connections.

    A client that tries a closed port of that range again and again can connect to itself, and
    another client can take the port while its server is down.
    """
    while True:
        port = random.randint(12_000, 31_000)
        with socket.socket() as probe:
            try:
                probe.bind(("127.0.0.1", port))
            except OSError:
                continue
            return port
