"""The servers' four-letter words, as real servers answer them and refuse them."""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from kazoo.client import KazooClient

from engine.local.zookeeper import ZooKeeperServer
from engine.zookeeper.words import connections, parse_cons

CONS = (
    " /10.0.0.5:4000[1](queued=0,recved=3,sent=3,sid=0x100006ff7830001,lop=PING,est=1,to=30000,"
    "lcxid=0x0,lzxid=0x1,lresp=50000,llat=0,minlat=0,avglat=3,maxlat=6)\n"
    " /[::1]:4001[1](queued=0,recved=3,sent=3,sid=0xff00006ff7830002,to=30000,lresp=62500)\n"
    " /10.0.0.9:4002[0](queued=0,recved=1,sent=0)\n"
)


@contextmanager
def server_that_says(text: bytes) -> Iterator[str]:
    """Answer every connection with the text."""
    listener = socket.create_server(("127.0.0.1", 0))

    def serve() -> None:
        while True:
            try:
                link, _ = listener.accept()
            except OSError:
                return
            with link:
                link.recv(4)
                link.sendall(text)

    thread = threading.Thread(target=serve)
    thread.start()
    try:
        yield f"127.0.0.1:{listener.getsockname()[1]}"
    finally:
        listener.shutdown(socket.SHUT_RDWR)
        listener.close()
        thread.join(10)


def test_the_silence_of_a_session_is_told_by_the_newest_answer() -> None:
    found = parse_cons(CONS)
    old, new = found[0x100006FF7830001], found[0xFF00006FF7830002 - 2**64]
    assert (old.client, old.silence, old.timeout) == ("10.0.0.5:4000", 12.5, 30.0)
    assert (new.client, new.silence) == ("[::1]:4001", 0.0)


@pytest.mark.parametrize("text", ["", "\x1b]0;x\x07", "sid=\n(sid=)", "/a[1](sid=zz,lresp=-)"])
def test_garbled_lists_are_borne(text: str) -> None:
    assert all(isinstance(each, int) for each in parse_cons(text))


def test_a_real_server_tells_of_our_own_session(kazoo: KazooClient, zk_hosts: str) -> None:
    found, trouble = connections(zk_hosts, seconds=10.0)
    assert trouble == ""
    assert found[kazoo.client_id[0]].client.startswith("127.0.0.1:")


def test_a_server_that_refuses_names_the_missing_right() -> None:
    refusal = b"cons is not executed because it is not in the whitelist.\n"
    with server_that_says(refusal) as hosts:
        found, trouble = connections(hosts, seconds=10.0)
    assert found == {}
    assert "4lw.commands.whitelist" in trouble


def test_a_dead_server_and_an_unnamed_one_are_trouble(zookeeper_server: ZooKeeperServer) -> None:
    _, trouble = connections(f"{zookeeper_server.hosts},127.0.0.1:1", seconds=10.0)
    assert "127.0.0.1:1 did not answer" in trouble
    leader = b"zk_server_state\tleader\nzk_synced_followers\t2\n"
    with server_that_says(leader) as hosts:
        assert "1 of 3 servers are named" in connections(hosts, seconds=10.0)[1]
    follower = b"zk_server_state\tfollower\n"
    with server_that_says(follower) as hosts:
        assert "the leader is not among" in connections(hosts, seconds=10.0)[1]
