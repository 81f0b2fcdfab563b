"""The journal that counts what a store asks of ZooKeeper."""

from __future__ import annotations

import struct

import pytest

from tests.engine.view.wire import CHILDREN_2, GET, ZooKeeperJournal


def request(kind: int, path: bytes, *, xid: int = 7) -> bytes:
    """Return a request as it goes over the link."""
    body = struct.pack(">iii", xid, kind, len(path)) + path + b"\0"
    return struct.pack(">i", len(body)) + body


@pytest.mark.parametrize("piece", [1, 3, 11, 64, 10_000])
def test_requests_are_counted_however_the_stream_is_cut(piece: int) -> None:
    journal = ZooKeeperJournal("127.0.0.1:2181/test")
    opening = struct.pack(">iiqiqi", 28, 0, 0, 4000, 0, 0)
    stream = opening + request(GET, b"/test/a") * 3 + request(CHILDREN_2, b"/test/b" * 500)
    for at in range(0, len(stream), piece):
        journal.note(stream[at : at + piece])
    assert journal.asked == {GET: 3, CHILDREN_2: 1}
    assert journal.paths[GET, b"/test/a"] == 3
    assert journal.listings("/b") == 1
