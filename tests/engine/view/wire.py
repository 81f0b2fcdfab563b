"""What goes over the links of a live store, as its servers see it."""

from __future__ import annotations

import re
import struct
import threading
from collections import Counter

WRITES = frozenset({1, 2, 5, 7, 14, 15, 16, 19, 20, 21})
"""Kinds of requests that change something. Source: ZooDefs.OpCode of ZooKeeper."""
EXISTS, GET, CHILDREN, CHILDREN_2, PING, MULTI_READ = 3, 4, 8, 12, 11, 22
READS = frozenset({EXISTS, GET, CHILDREN, CHILDREN_2, MULTI_READ})


class ZooKeeperJournal:
    """Counts the requests on a link to ZooKeeper. Give `note` to the proxy's `on_up`."""

    def __init__(self, hosts: str) -> None:
        """Args: hosts: the connection string; asking for its root is the client's heartbeat."""
        self._root = f"/{hosts.partition('/')[2]}".encode()
        self.asked: Counter[int] = Counter()
        """Requests by their kind."""
        self.paths: Counter[tuple[int, bytes]] = Counter()
        """Requests by their kind and the node that they name first."""
        self._lock = threading.Lock()
        self._begun = threading.local()
        """The request that has not come whole yet. The proxy has a thread for each link."""

    def note(self, data: bytes) -> None:
        """Take a piece of the stream, which may end in the midst of a request."""
        data = getattr(self._begun, "data", b"") + data
        at = 0
        while at + 4 <= len(data):
            (size,) = struct.unpack_from(">i", data, at)
            if at + 4 + size > len(data):
                break
            self._count(data[at + 4 : at + 4 + size])
            at += 4 + size
        self._begun.data = data[at:]

    def _count(self, request: bytes) -> None:
        xid, kind = struct.unpack_from(">ii", request)
        if xid:  # 0 is the request that opens a session
            with self._lock:
                self.asked[kind] += 1
                self.paths[kind, _path(request[8:])] += 1

    @property
    def reads(self) -> int:
        """Requests that read something, without heartbeats."""
        return sum(self.asked[kind] for kind in READS) - self.paths[EXISTS, self._root]

    @property
    def heartbeats(self) -> int:
        """Readings of the root, which only ask for a sign of life."""
        return self.paths[EXISTS, self._root]

    @property
    def pings(self) -> int:
        """Requests that read nothing at all."""
        return self.asked[PING]

    def listings(self, path: str) -> int:
        """Return how often the children of a node were listed."""
        kinds = (CHILDREN, CHILDREN_2)
        return sum(
            count
            for (kind, name), count in list(self.paths.items())
            if kind in kinds and name.endswith(path.encode())
        )


class HttpJournal:
    """Keeps the method and the path of each request on a link to the API."""

    def __init__(self) -> None:
        self.requests: list[tuple[str, str]] = []

    def note(self, data: bytes) -> None:
        """Take a piece of the stream."""
        for method, path in re.findall(rb"^([A-Z]+) (\S+) HTTP/1\.[01]\r$", data, re.MULTILINE):
            self.requests.append((method.decode(), path.decode()))


def _path(body: bytes) -> bytes:
    if len(body) < 4:
        return b""
    size = int.from_bytes(body[:4], "big", signed=True)
    return body[4 : 4 + size] if 0 < size <= len(body) - 4 else b""
