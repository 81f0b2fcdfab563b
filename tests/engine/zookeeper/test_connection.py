"""One session, its gate, its lease, and bounded calls."""

from __future__ import annotations

import logging
import socket
import ssl
import subprocess
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from kazoo.client import KazooClient
from kazoo.security import OPEN_ACL_UNSAFE, make_acl, make_digest_acl

from engine.errors import (
    AccessDenied,
    NodeConflict,
    SessionLost,
    SettingsError,
    ZooKeeperError,
    ZooKeeperUnavailable,
)
from engine.local.zookeeper import ZooKeeperServer
from engine.zookeeper import wire
from engine.zookeeper.connection import Answer, Login, Scheme, Tls, ZooKeeper, parse_acl
from tests.engine.zookeeper.conftest import LONG_SESSION, Connect
from tests.faults.ports import steady_port
from tests.faults.proxy import Proxy
from tests.faults.sessions import expire
from tests.support import eventually


def answers(zk: ZooKeeper) -> bool:
    try:
        return zk.get("/", timeout=1.0) is not None
    except ZooKeeperError:
        return False


def test_a_missing_chroot_is_made_with_the_first_node(
    connect: Connect, zk_hosts: str, kazoo: KazooClient
) -> None:
    zk = connect(f"{zk_hosts}/deep/down")
    assert zk.get("/a") is None
    assert zk.create("/a/b", b"data") == "/a/b"
    assert kazoo.get("/deep/down/a/b")[0] == b"data"
    assert zk.children("/")[0] == ["a"]  # type: ignore[index]


def test_reads_tell_a_missing_node_by_none(connect: Connect) -> None:
    zk = connect()
    assert (zk.get("/no"), zk.exists("/no"), zk.children("/no")) == (None, None, None)
    assert zk.get_many(["/no", "/no/no"]) == [None, None]


def test_writes_tell_what_stood_in_their_way(connect: Connect) -> None:
    zk = connect()
    path = zk.create("/parent/child", b"1")
    for conflict in (
        lambda: zk.create(path),
        lambda: zk.create("/nowhere/child", parents=False),
        lambda: zk.delete("/parent"),
        lambda: zk.delete(path, version=7),
        lambda: zk.set(path, b"2", version=7),
    ):
        with pytest.raises(NodeConflict, match=r"parent|nowhere"):
            conflict()
    stat = zk.set(path, b"2")
    assert stat is not None
    assert stat.version == 1
    assert zk.set("/no", b"") is None
    assert (zk.delete(path), zk.delete(path)) == (True, False)


def test_sequential_nodes_take_the_parents_counter(connect: Connect) -> None:
    zk = connect()
    made = [zk.create("/queue/entry-", sequential=True) for _ in range(2)]
    assert made == ["/queue/entry-0000000000", "/queue/entry-0000000001"]


def test_a_transaction_is_applied_whole_or_not_at_all(connect: Connect) -> None:
    zk = connect()
    zk.create("/a")
    done = zk.transaction(wire.check("/a"), wire.create("/b", b""), wire.set_data("/b", b"x"))
    assert done == (Answer.DONE,) * 3
    refused = zk.transaction(wire.delete("/a"), wire.delete("/c"), wire.delete("/b"))
    assert refused == (Answer.ROLLED_BACK, Answer.NO_NODE, Answer.ROLLED_BACK)
    refused = zk.transaction(wire.delete("/b", 7))
    assert refused == (Answer.BAD_VERSION,)
    assert zk.get("/b")[0] == b"x"  # type: ignore[index]


def test_many_nodes_are_read_in_chunks(connect: Connect, kazoo: KazooClient) -> None:
    transaction = kazoo.transaction()
    for number in range(30):
        transaction.create(f"/n-{number}", str(number).encode())
    transaction.commit()
    zk = connect()
    paths = [f"/n-{number % 40}" for number in range(9100)]
    found = zk.get_many(paths)
    assert [node and node[0] for node in found] == [
        str(number % 40).encode() if number % 40 < 30 else None for number in range(9100)
    ]


def test_own_ephemeral_nodes_are_listed_and_go_with_the_session(
    connect: Connect, kazoo: KazooClient
) -> None:
    zk = connect()
    zk.create("/mine/here", ephemeral=True)
    kazoo.create("/mine/theirs", ephemeral=True)
    assert zk.ephemerals("/mine") == ["/mine/here"]
    zk.close()
    assert kazoo.get_children("/mine") == ["theirs"]


def test_a_watch_tells_of_a_change_of_a_creation_and_of_a_disconnect(
    connect: Connect, kazoo: KazooClient, proxy: Proxy, proxy_hosts: str
) -> None:
    zk = connect(proxy_hosts, timeout=LONG_SESSION)
    told = threading.Event()
    assert zk.children("/parent", watch=told.set) is None
    kazoo.create("/parent")
    assert told.wait(10)
    told.clear()
    zk.children("/parent", watch=told.set)
    kazoo.create("/parent/child")
    assert told.wait(10)
    told.clear()
    for _ in range(3):
        zk.get("/parent/child", watch=told.set)
    proxy.cut()
    assert told.wait(10)


def test_a_forbidden_read_says_so(connect: Connect, kazoo: KazooClient) -> None:
    kazoo.add_auth("digest", "admin:x")
    kazoo.create("/secret", acl=[make_digest_acl("admin", "x", all=True)])
    zk = connect()
    for call in (zk.get, zk.children):
        with pytest.raises(AccessDenied, match=r"/secret.*ACL"):
            call("/secret")
    assert zk.get_many(["/secret"]) == [None]
    kazoo.set_acls("/secret", OPEN_ACL_UNSAFE)


def test_nodes_of_our_own_take_their_acl_and_others_stay_open(
    connect: Connect, zk_hosts: str, kazoo: KazooClient
) -> None:
    acl = parse_acl("auth::cdrwa world:anyone:r")
    zk = ZooKeeper(
        zk_hosts, login=Login(scheme=Scheme.DIGEST, user="ops", password="secret"), own_acl=acl
    )
    zk.start()
    try:
        assert zk.wait_connected(15)
        zk.create("/nuvla-engine/members/a")
        zk.create("/job/entries/entry-999-", sequential=True)
        assert kazoo.get_acls("/job/entries")[0] == OPEN_ACL_UNSAFE
        own = kazoo.get_acls("/nuvla-engine/members")[0]
        assert {entry.id.scheme for entry in own} == {"digest", "world"}
        with pytest.raises(AccessDenied):
            connect().set("/nuvla-engine/members/a", b"not ours")
        assert zk.set("/nuvla-engine/members/a", b"ours") is not None
        for path in ("/nuvla-engine/members/a", "/nuvla-engine/members", "/nuvla-engine"):
            zk.delete(path)
    finally:
        zk.close()


@pytest.mark.parametrize("text", ["digest", "world:anyone", "world:anyone:rx", "::"])
def test_a_malformed_acl_is_refused(text: str) -> None:
    with pytest.raises(SettingsError, match="not of the form"):
        parse_acl(text)


def test_an_acl_is_read_as_zookeepers_shell_writes_it() -> None:
    (entry,) = parse_acl("digest:ops:aGFzaA==:rw")
    assert (entry.id.scheme, entry.id.id, entry.perms) == ("digest", "ops:aGFzaA==", 3)
    assert parse_acl("world:anyone:cdrwa")[0] == make_acl("world", "anyone", all=True)


def test_credentials_reach_no_log(zk_hosts: str, caplog: pytest.LogCaptureFixture) -> None:
    zk = ZooKeeper(zk_hosts, login=Login(scheme=Scheme.DIGEST, user="ops", password="top-secret"))
    with caplog.at_level(1):
        zk.start()
        assert zk.wait_connected(15)
        zk.create("/node", b"private")
        zk.close()
    assert "top-secret" not in caplog.text
    assert "private" not in caplog.text


def test_starting_waits_for_nothing_and_connects_once_there_is_a_server(
    connect: Connect, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    server = ZooKeeperServer(tmp_path / "late", port=steady_port(), tick=200, durable=False)
    began = time.monotonic()
    zk = connect(server.hosts, wait=False)
    assert time.monotonic() - began < 2
    assert not zk.wait_connected(0.5)
    with pytest.raises(ZooKeeperUnavailable, match="refused"):
        zk.get("/", timeout=0.2)
    server.start()
    try:
        assert zk.wait_connected(15)
        assert zk.get("/") is not None
    finally:
        zk.close()
        server.kill()
    assert not [record for record in caplog.records if record.exc_info]


def test_calls_are_bounded_while_the_link_is_severed(
    connect: Connect, proxy: Proxy, proxy_hosts: str
) -> None:
    zk = connect(proxy_hosts, timeout=LONG_SESSION)
    proxy.pause()
    began = time.monotonic()
    with pytest.raises(ZooKeeperUnavailable):
        zk.get("/", timeout=0.3)
    assert time.monotonic() - began < 3
    proxy.resume()
    assert eventually(lambda: answers(zk), "an answer")


def test_a_thousand_unanswered_calls_do_not_wedge_the_client(
    connect: Connect, proxy: Proxy, proxy_hosts: str
) -> None:
    zk = connect(proxy_hosts, timeout=LONG_SESSION)
    proxy.drop_down = True

    def ask() -> None:
        for _ in range(30):
            with pytest.raises(ZooKeeperUnavailable):
                zk.get("/", timeout=0.01)

    threads = [threading.Thread(target=ask) for _ in range(30)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(20)
    assert not any(thread.is_alive() for thread in threads)
    proxy.drop_down = False
    proxy.cut()
    assert eventually(lambda: answers(zk), "an answer")


def test_a_blip_keeps_session_and_epoch(connect: Connect, proxy: Proxy, proxy_hosts: str) -> None:
    zk = connect(proxy_hosts, timeout=LONG_SESSION)
    session = zk.session_id
    proxy.cut()
    eventually(lambda: proxy.links > 0 and zk.is_connected, "connected again")
    assert (zk.session_id, zk.epoch) == (session, 0)
    assert zk.is_current(0)


def test_expiry_begins_a_new_epoch_and_shuts_the_gate_for_the_old(
    connect: Connect, zk_hosts: str
) -> None:
    zk = connect(timeout=LONG_SESSION)
    told = threading.Event()
    zk.add_listener(told.set)
    assert zk.session_id is not None
    expire(zk_hosts, zk.session_id)
    eventually(lambda: zk.epoch == 1 and zk.is_connected, "a new session")
    assert told.is_set()
    assert (zk.is_current(0), zk.is_current(1)) == (False, True)
    with pytest.raises(SessionLost):
        zk.create("/old", epoch=0)
    assert zk.create("/new", epoch=1) == "/new"


def test_the_lease_runs_out_before_the_server_gives_the_session_up(
    connect: Connect, kazoo: KazooClient, proxy: Proxy, proxy_hosts: str
) -> None:
    zk = connect(proxy_hosts, timeout=2.0)
    zk.create("/mine", ephemeral=True)
    assert 0 < zk.lease_remaining() <= 0.9 * zk.session_timeout
    proxy.pause()
    while kazoo.exists("/mine"):
        held = zk.is_current(0)
        time.sleep(0.005)
    assert not held
    eventually(lambda: zk.epoch == 1, "the loss is noticed")
    proxy.resume()
    eventually(lambda: zk.is_connected and zk.lease_remaining() > 0, "a new lease")


def test_heartbeats_keep_the_lease_of_an_idle_client(connect: Connect) -> None:
    zk = connect()
    time.sleep(2 * zk.session_timeout)
    assert zk.lease_remaining() > 0 or zk.epoch > 0  # a loaded machine may lose the session


def test_the_granted_timeout_counts_not_the_asked_one(connect: Connect) -> None:
    zk = connect(timeout=100.0)
    assert zk.session_timeout == 4.0  # 20 ticks of 200 ms


def test_a_member_that_swallows_packets_does_not_cost_the_connection(
    zookeeper_server: ZooKeeperServer, connect: Connect
) -> None:
    with socket.socket() as mute:
        mute.bind(("127.0.0.1", 0))
        mute.listen(0)
        fillers = []
        for _ in range(4):  # a full backlog: further SYNs are dropped
            filler = socket.socket()
            filler.setblocking(False)
            filler.connect_ex(mute.getsockname())
            fillers.append(filler)
        hosts = f"127.0.0.1:{mute.getsockname()[1]},{zookeeper_server.hosts}"
        zk = connect(hosts, timeout=LONG_SESSION)
        assert zk.get("/") is not None
        zk.close()
        for filler in fillers:
            filler.close()


def test_a_member_that_never_answers_is_passed_over(
    zookeeper_server: ZooKeeperServer, connect: Connect
) -> None:
    with socket.create_server(("127.0.0.1", 0)) as mute:
        hosts = f"127.0.0.1:{mute.getsockname()[1]},{zookeeper_server.hosts}"
        zk = connect(hosts, timeout=LONG_SESSION)
        assert zk.get("/") is not None
        zk.close()


def test_closing_is_bounded_on_a_severed_link(
    connect: Connect, proxy: Proxy, proxy_hosts: str
) -> None:
    zk = connect(proxy_hosts, timeout=LONG_SESSION)
    proxy.pause()
    began = time.monotonic()
    zk.close(timeout=0.5)
    assert time.monotonic() - began < 3
    with pytest.raises(ZooKeeperUnavailable):
        zk.get("/", timeout=0.2)
    proxy.resume()


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A self-signed certificate for localhost and its key, in one file."""
    folder = tmp_path_factory.mktemp("tls")
    key, cert, both = folder / "key.pem", folder / "cert.pem", folder / "both.pem"
    subprocess.run(
        [
            *("openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2"),
            *("-subj", "/CN=localhost", "-addext", "subjectAltName=DNS:localhost"),
            *("-keyout", key, "-out", cert),
        ],
        check=True,
        capture_output=True,
        timeout=30,
    )
    both.write_bytes(key.read_bytes() + cert.read_bytes())
    return both


@pytest.fixture
def tls_port(certificate: Path, zookeeper_server: ZooKeeperServer) -> Iterator[int]:
    """A TLS port before the shared server."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate)
    with TlsFront(context, zookeeper_server.port) as front:
        yield front.port


class TlsFront:
    """Ends TLS and passes the bytes on through a proxy."""

    def __init__(self, context: ssl.SSLContext, target: int) -> None:
        self._context, self._target = context, target
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._listener.getsockname()[1]

    def __enter__(self) -> TlsFront:
        threading.Thread(target=self._accept, daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()

    def _accept(self) -> None:
        while True:
            try:
                link = self._listener.accept()[0]
            except OSError:
                return
            threading.Thread(target=self._serve, args=(link,), daemon=True).start()

    def _serve(self, link: socket.socket) -> None:
        with link:
            try:
                client = self._context.wrap_socket(link, server_side=True)
            except OSError:
                return
            with client, socket.create_connection(("127.0.0.1", self._target)) as server:
                client.settimeout(0.01)
                server.settimeout(0.01)
                self._pass_on(client, server)

    def _pass_on(self, client: socket.socket, server: socket.socket) -> None:
        # One thread for both directions: a TLS socket is not for two threads at once.
        while True:
            for source, sink in ((client, server), (server, client)):
                try:
                    data = source.recv(65536)
                    if not data:
                        return
                    sink.sendall(data)
                except TimeoutError:
                    continue
                except OSError:
                    return


def test_tls_connects_where_certificate_and_name_are_right(
    tls_port: int, certificate: Path
) -> None:
    zk = ZooKeeper(f"localhost:{tls_port}", session_timeout=4.0, tls=Tls(ca=str(certificate)))
    zk.start()
    try:
        assert zk.wait_connected(15)
        assert zk.get("/") is not None
    finally:
        zk.close()


@pytest.mark.parametrize(
    ("host", "trusts"), [("localhost", False), ("127.0.0.1", True)], ids=["wrong CA", "wrong name"]
)
def test_tls_refuses_a_wrong_certificate_and_says_so(
    tls_port: int, certificate: Path, host: str, trusts: bool
) -> None:
    tls = Tls(ca=str(certificate)) if trusts else Tls()
    zk = ZooKeeper(f"{host}:{tls_port}", session_timeout=4.0, tls=tls)
    zk.start()
    try:
        eventually(lambda: "TLS" in zk.trouble, "the reason")
        assert not zk.is_connected
        with pytest.raises(ZooKeeperUnavailable, match="TLS"):
            zk.get("/", timeout=0.1)
    finally:
        zk.close()


def test_a_plain_client_at_a_tls_port_says_what_it_saw(tls_port: int) -> None:
    zk = ZooKeeper(f"127.0.0.1:{tls_port}", session_timeout=4.0)
    zk.start()
    try:
        eventually(lambda: "did not answer" in zk.trouble, "the reason")
        assert not zk.is_connected
    finally:
        zk.close()


def test_a_missing_tls_file_is_a_settings_error() -> None:
    with pytest.raises(SettingsError, match="TLS files"):
        ZooKeeper("127.0.0.1:1", tls=Tls(ca="/nowhere.pem"))


def test_an_unreachable_server_is_reported_once_not_each_second(
    connect: Connect, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.INFO):
        zk = connect(f"127.0.0.1:{steady_port()}", wait=False)
        eventually(lambda: "cannot be reached" in caplog.text, "the report")
        assert not zk.wait_connected(1.5)
    (line,) = [record.getMessage() for record in caplog.records]
    assert "refused" in line


def test_the_supervision_outlives_a_fault_of_its_own(
    connect: Connect, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """Without it a session that ends would never be replaced."""
    zk = connect()

    def fail(now: float) -> None:
        raise RuntimeError("a flaw")

    with monkeypatch.context() as patch:
        patch.setattr(zk._session, "_look_after", fail)
        eventually(lambda: "goes on" in caplog.text)
    assert answers(zk)
    assert zk.session_id is not None
    expire(zk.hosts, zk.session_id)
    eventually(lambda: answers(zk))


def test_requests_for_many_nodes_are_the_same_in_one_piece() -> None:
    for paths in (["/job/entries/a", "/job/entries/b"], ["/x"], [], ["/a", "/bc"], ["/ä", "/b"]):
        whole = wire.MultiRead(paths).serialize()
        apart = wire._write_operations([wire.Data(path, None) for path in paths])
        assert whole == apart
