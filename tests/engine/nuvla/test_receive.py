"""Answers as they come off the wire: whole, in pieces, of any form that HTTP allows, or cut off."""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Callable, Iterator
from http.client import HTTPException, IncompleteRead, RemoteDisconnected

import pytest

from engine.errors import MalformedAnswer
from engine.nuvla.connection import Answer, Connection, Place
from engine.nuvla.deadline import Deadline

HEAD = b"HTTP/1.1 200 OK\r\nX-Seen: yes\r\nContent-Length: 10\r\n"
Receive = Callable[..., tuple[Answer, bool]]


@pytest.fixture
def receive() -> Iterator[Receive]:
    """Return what a Connection makes of pieces that a server sends before it closes."""
    threads = []

    def run(*pieces: bytes, limit: int = 1000) -> tuple[Answer, bool]:
        server = socket.create_server(("127.0.0.1", 0))

        def serve() -> None:
            link, _ = server.accept()
            with link:
                link.recv(65536)
                for piece in pieces:
                    link.sendall(piece)
                    # So that each nearly always arrives by itself; any other way is right too.
                    time.sleep(0.02)

        thread = threading.Thread(target=serve)
        thread.start()
        threads.append(thread)
        deadline = Deadline(20.0)
        place = Place(f"http://127.0.0.1:{server.getsockname()[1]}")
        connection = Connection(place, connect_timeout=10.0, deadline=deadline)
        try:
            connection.send(b"GET / HTTP/1.1\r\n\r\n", deadline)
            return connection.receive("GET", deadline, limit=limit)
        finally:
            server.close()
            thread.join(20)
            connection.close()

    yield run
    assert not any(thread.is_alive() for thread in threads)


def test_a_whole_answer_in_one_piece(receive: Receive) -> None:
    answer, keep = receive(HEAD + b"\r\n0123456789")
    assert (answer.status, answer.body, keep) == (200, b"0123456789", True)
    assert answer.headers.get("x-seen") == "yes"


@pytest.mark.parametrize("at", [1, 12, 30, len(HEAD), len(HEAD) + 1, len(HEAD) + 2, len(HEAD) + 9])
def test_an_answer_may_come_in_pieces_split_anywhere(receive: Receive, at: int) -> None:
    data = HEAD + b"\r\n0123456789"
    answer, keep = receive(data[:at], data[at:])
    assert (answer.status, answer.body, keep) == (200, b"0123456789", True)
    assert answer.headers.get("x-seen") == "yes"


def test_a_chunked_answer(receive: Receive) -> None:
    head = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
    answer, keep = receive(head + b"3\r\nabc\r\n", b"2\r\nde\r\n0\r\n\r\n")
    assert (answer.body, keep) == (b"abcde", True)


def test_an_answer_without_a_length_ends_with_its_connection(receive: Receive) -> None:
    answer, keep = receive(b"HTTP/1.1 200 OK\r\n\r\nabc", b"de")
    assert (answer.body, keep) == (b"abcde", False)


def test_a_connection_that_the_server_closes_is_not_kept(receive: Receive) -> None:
    answer, keep = receive(HEAD + b"Connection: close\r\n\r\n0123456789")
    assert (answer.body, keep) == (b"0123456789", False)


def test_a_connection_with_more_than_the_answer_is_not_kept(receive: Receive) -> None:
    answer, keep = receive(HEAD + b"\r\n0123456789HTTP/1.1 200 OK\r\n")
    assert (answer.body, keep) == (b"0123456789", False)


@pytest.mark.parametrize("pieces", [[HEAD + b"\r\n012"], [HEAD + b"\r\n", b"012"]])
def test_an_answer_that_breaks_off_is_none(receive: Receive, pieces: list[bytes]) -> None:
    with pytest.raises(IncompleteRead):
        receive(*pieces)


def test_a_connection_that_ends_before_the_answer_says_so(receive: Receive) -> None:
    with pytest.raises(RemoteDisconnected):
        receive()


def test_an_answer_that_is_too_long_is_refused_unread(receive: Receive) -> None:
    with pytest.raises(MalformedAnswer, match="10 bytes; 9 are accepted"):
        receive(HEAD + b"\r\n", limit=9)


def test_what_is_not_http_is_refused(receive: Receive) -> None:
    with pytest.raises(HTTPException):
        receive(b"SSH-2.0-OpenSSH_9.2\r\n")
