"""Messages between an executor and its children."""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator

import pytest

from engine.service.messages import Messages


@pytest.fixture
def ends() -> Iterator[tuple[Messages, socket.socket]]:
    """A receiver, and the raw other end."""
    ours, theirs = socket.socketpair()
    yield Messages(ours), theirs
    ours.close()
    theirs.close()


Ends = tuple[Messages, socket.socket]


def test_messages_arrive_whole_and_in_order(ends: Ends) -> None:
    receiver, other = ends
    sender = Messages(other)
    large = {"text": "x" * 500_000}

    def send() -> None:
        sender.send({"n": 1})
        sender.send(large)

    thread = threading.Thread(target=send)
    thread.start()
    assert receiver.receive(30) == {"n": 1}
    assert receiver.receive(30) == large
    thread.join(30)


def test_nothing_comes_in_time(ends: Ends) -> None:
    assert ends[0].receive(0.01) is None


def test_half_a_line_of_the_dead_is_left_out(ends: Ends) -> None:
    receiver, other = ends
    other.sendall(b'{"offer": {"prog\n{"ended": 9}\n')
    assert receiver.receive(30) == {"ended": 9}


def test_what_is_no_object_is_left_out(ends: Ends) -> None:
    receiver, other = ends
    other.sendall(b'[1]\n\n"text"\n\xff\xfe\n{"n": 2}\n')
    assert receiver.receive(30) == {"n": 2}


def test_the_end_of_the_other_is_seen(ends: Ends) -> None:
    receiver, other = ends
    other.sendall(b'{"n": 1}\n{"n"')
    other.close()
    assert receiver.receive(30) == {"n": 1}
    with pytest.raises(EOFError):
        receiver.receive(30)


def test_what_has_no_json_form_is_the_senders_fault(ends: Ends) -> None:
    with pytest.raises(TypeError):
        ends[0].send({"bytes": b"x"})
