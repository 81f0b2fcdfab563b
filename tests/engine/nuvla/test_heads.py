"""The short path for heads of answers: right where it answers, silent where it is not sure."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.nuvla.heads import read_head

PLAIN = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\ncontent-length: 2\r\n\r\n{}"


def test_a_plain_head_is_read() -> None:
    head = read_head(PLAIN)
    assert head is not None
    assert (head.status, head.length, head.will_close) == (200, 2, False)
    assert PLAIN[head.start :] == b"{}"
    assert head.headers.get("content-type") == "application/json"
    assert head.headers.get("CONTENT-TYPE") == "application/json"
    assert head.headers.get("etag") is None and head.headers.get_all("etag") is None


def test_a_field_that_comes_twice_keeps_both_values() -> None:
    data = (
        b"HTTP/1.1 201 Created\r\nSet-Cookie: a=1\r\nContent-Length:0\r\nset-cookie:\tb=2 \r\n\r\n"
    )
    head = read_head(data)
    assert head is not None
    assert head.headers.get("Set-Cookie") == "a=1"
    assert head.headers.get_all("Set-Cookie") == ["a=1", "b=2"]


@pytest.mark.parametrize("value", ["close", "Close", "keep-alive, close"])
def test_a_server_may_say_that_it_closes_the_connection(value: str) -> None:
    head = read_head(
        f"HTTP/1.1 503 Busy\r\nContent-Length: 0\r\nConnection: {value}\r\n\r\n".encode()
    )
    assert head is not None and head.will_close


@pytest.mark.parametrize(
    "data",
    [
        b"",
        PLAIN[:20],
        PLAIN[:-4],
        b"HTTP/1.0 200 OK\r\nContent-Length: 2\r\n\r\n{}",
        b"HTTP/1.1 200 OK\r\n\r\n",
        b"HTTP/1.1 100 Continue\r\nContent-Length: 0\r\n\r\n",
        b"HTTP/1.1 204 No Content\r\nContent-Length: 0\r\n\r\n",
        b"HTTP/1.1 304 Not Modified\r\nContent-Length: 5\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nContent-Length: 2\r\n\r\n{}",
        b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nContent-Length: 2\r\n\r\n{}",
        b"HTTP/1.1 200 OK\r\nContent-Length: 2, 2\r\n\r\n{}",
        b"HTTP/1.1 200 OK\r\nContent-Length: +2\r\n\r\n{}",
        b"HTTP/1.1 200 OK\r\nContent-Length: \xb2\r\n\r\n{}",
        b"HTTP/1.1 200 OK\r\nContent-Length : 2\r\n\r\n{}",
        b"HTTP/1.1 200 OK\r\nX: folded\r\n line\r\nContent-Length: 2\r\n\r\n{}",
        b"HTTP/1.1 200 OK\r\nX: bare\nContent-Length: 9\r\nContent-Length: 2\r\n\r\n{}",
        b"HTTP/1.1 20 OK\r\nContent-Length: 2\r\n\r\n{}",
        b"HTTP/1.1 200OK\r\nContent-Length: 2\r\n\r\n{}",
        b"SSH-2.0-OpenSSH_9.2\r\n\r\n",
    ],
)
def test_what_is_not_plain_is_left_to_the_general_reader(data: bytes) -> None:
    assert read_head(data) is None


@given(st.binary(max_size=300), st.integers(0, len(PLAIN)))
def test_no_bytes_make_it_fail(noise: bytes, at: int) -> None:
    read_head(PLAIN[:at] + noise + PLAIN[at:])
