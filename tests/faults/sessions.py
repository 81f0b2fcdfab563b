"""End somebody else's ZooKeeper session, as a timeout would: at once and without their help."""

from __future__ import annotations

import struct

from kazoo.client import KazooClient

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
    """Take the session over in a second client and close it: its ephemeral nodes go at once.

    False where the session was gone already.
    """
    server = hosts.partition("/")[0]
    thief = KazooClient(server, client_id=(session, session_password(session)), timeout=4.0)
    thief.start(timeout=15)
    taken = thief.client_id[0] & (1 << 64) - 1
    thief.stop()
    thief.close()
    return bool(taken == session & (1 << 64) - 1)
