"""End somebody else's ZooKeeper session, as a timeout would: at once and without their help."""

from __future__ import annotations

import contextlib
import socket
import struct
import time

_TRIES = 100
_CLOSE_SESSION = -11
_SERVER_SALT = 0xB3415C00
"""ZooKeeper derives a session's password from its id and this number (ZooKeeperServer.java)."""
_MULTIPLIER, _MASK = 0x5DEECE66D, (1 << 48) - 1


def session_password(session: int) -> bytes:
    """Return the 16 bytes that the server expects with a session id.

    They are the first of java.util.Random (the 48 bit generator of the Java specification), seeded
    with the id and the salt.
    """
    state = ((session ^ _SERVER_SALT) ^ _MULTIPLIER) & _MASK
    words = []
    for _ in range(4):
        state = (state * _MULTIPLIER + 0xB) & _MASK
        words.append((state >> 16) & 0xFFFFFFFF)
    return struct.pack("<4I", *words)


def expire(hosts: str, session: int) -> bool:
    """Close the session over a connection of our own: its ephemeral nodes go at once.

    False where the session was gone already.
    """
    servers = hosts.partition("/")[0].split(",")
    is_asked = False
    for attempt in range(_TRIES):
        # The owner may take its session back in between, so the close follows in the same packet,
        # and the session counts as closed only once the server does not know it any more.
        knew = _close(servers[attempt % len(servers)], session)
        if knew is False:
            return is_asked
        is_asked = is_asked or knew is True
    raise AssertionError(f"session {session:#x} cannot be ended")


def _close(server: str, session: int) -> bool | None:
    """Ask a server to end the session; return whether it knew it, or None without an answer.

    Source of the layout: ConnectRequest, ConnectResponse and RequestHeader in zookeeper.jute.
    """
    host, _, port = server.rpartition(":")
    signed = session - (1 << 64) if session >= 1 << 63 else session
    password = session_password(session)
    connect = struct.pack("!iqiqi16s?", 0, 0, 10_000, signed, len(password), password, False)
    frames = (connect, struct.pack("!ii", 1, _CLOSE_SESSION))
    try:
        with socket.create_connection((host, int(port)), timeout=30) as link:
            link.sendall(b"".join(struct.pack("!i", len(frame)) + frame for frame in frames))
            with link.makefile("rb") as answer:
                _, _, granted = struct.unpack("!iii", answer.read(12))
                with contextlib.suppress(OSError):
                    answer.read()  # until the server hangs up: it has handled the close then
                return bool(granted > 0)
    except (OSError, struct.error):
        time.sleep(0.05)
        return None
