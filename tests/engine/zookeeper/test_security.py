"""ZooKeeper that asks who is there: SASL, digest, TLS with client certificates, ACLs."""

from __future__ import annotations

import importlib.util
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from engine.errors import AccessDenied, SettingsError, ZooKeeperUnavailable
from engine.view.readers import read_queue, read_taken
from engine.zookeeper.connection import Login, Scheme, Tls, ZooKeeper, parse_acl
from engine.zookeeper.paths import ENTRIES, TAKEN
from engine.zookeeper.queue import JobQueue
from tests.faults.proxy import Proxy
from tests.secured import PASSWORDS, SecuredZooKeeper, lay_out, rights, sasl, secured_zookeeper
from tests.support import eventually

JOB = "job/3d2f5b0e-5f5e-4a6c-9d5e-0a6b7c8d9e0f"
Open = Callable[..., ZooKeeper]


@pytest.fixture(scope="module")
def secured(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SecuredZooKeeper]:
    """One server, laid out as docs/security.md says."""
    with secured_zookeeper(tmp_path_factory.mktemp("secured")) as made:
        with made.admin() as kazoo:
            lay_out(kazoo)
        yield made


@pytest.fixture
def start(secured: SecuredZooKeeper) -> Iterator[Open]:
    """A function that returns started sessions, closed after the test."""
    started: list[ZooKeeper] = []

    def make(
        hosts: str = secured.plain_hosts, *, connects: bool = True, **how: object
    ) -> ZooKeeper:
        zk = ZooKeeper(hosts, session_timeout=30.0, **how)  # type: ignore[arg-type]  # as given
        started.append(zk)
        zk.start()
        assert not connects or zk.wait_connected(60)
        return zk

    yield make
    for zk in started:
        zk.close()


def test_who_logs_in_by_sasl_has_the_rights_of_the_acl(start: Open) -> None:
    assert start(login=sasl("engine")).children(ENTRIES) is not None
    with pytest.raises(AccessDenied, match=r"the sasl user 'console': have the node's ACL"):
        start(login=sasl("console")).create("/nuvla-engine/mine")
    with pytest.raises(AccessDenied, match="the sasl user 'console'"):
        start(login=sasl("console")).create("/nuvla-engine/missing/parent/mine")


def test_who_does_not_log_in_is_told_to(start: Open) -> None:
    with pytest.raises(AccessDenied, match=rf"{ENTRIES} to .* does not log in: set --zk-auth"):
        start().children(ENTRIES)


def test_a_wrong_digest_password_is_named_where_it_shows(
    secured: SecuredZooKeeper, start: Open
) -> None:
    acl = parse_acl("auth::cdrwa")
    with secured.admin() as kazoo:
        kazoo.create("/digest")
    for password, is_right in (("right", True), ("wrong", False)):
        zk = start(
            login=Login(scheme=Scheme.DIGEST, user="ops", password=password),
            own_root="/digest",
            own_acl=acl,
        )
        if is_right:
            zk.create("/digest/mine", b"x")
            assert zk.get("/digest/mine") is not None
        else:
            with pytest.raises(AccessDenied, match="digest user 'ops': a wrong password shows"):
                zk.get("/digest/mine")


@pytest.mark.parametrize("user", ["engine", "nobody"])
def test_a_refused_sasl_log_in_says_so_never_the_password_and_connects_nobody(
    start: Open, user: str, caplog: pytest.LogCaptureFixture
) -> None:
    zk = start(login=sasl(user, "hunter2-canary"), connects=False)
    eventually(lambda: f"SASL log-in of '{user}'" in zk.trouble, "the reason", within=60)
    assert not zk.wait_connected(0.5)
    with pytest.raises(ZooKeeperUnavailable, match="check the password in --zk-auth"):
        zk.get("/", timeout=0.1)
    eventually(lambda: "SASL log-in" in caplog.text, "the log says so", within=60)
    assert "hunter2" not in caplog.text + zk.trouble


def test_a_session_with_sasl_outlives_links_that_break_while_it_logs_in_again(
    secured: SecuredZooKeeper, start: Open
) -> None:
    with Proxy(secured.server.port) as proxy:
        zk = start(proxy.hosts, login=sasl("engine"))
        session, epoch = zk.session_id, zk.epoch
        zk.create("/nuvla-engine/members/steady", ephemeral=True)
        cuts: list[int] = []

        def cut_the_first(data: bytes) -> bool:
            if b'username="engine"' not in data or cuts:
                return True
            cuts.append(len(data))
            proxy.cut()
            return False

        def is_there() -> bool:
            try:
                return zk.exists("/nuvla-engine/members/steady") is not None
            except ZooKeeperUnavailable:
                return False

        proxy.on_up = cut_the_first
        proxy.cut()
        eventually(lambda: cuts, "the log-in that is cut off", within=60)
        eventually(is_there, "it is connected again", within=60)
        assert (zk.session_id, zk.epoch) == (session, epoch)


@pytest.mark.parametrize("shown", ["good", "none", "expired"])
def test_the_servers_demand_for_a_certificate_is_explained(
    secured: SecuredZooKeeper, start: Open, shown: str
) -> None:
    ours = {"good": secured.client, "none": None, "expired": secured.expired}[shown]
    good = shown == "good"
    zk = start(secured.tls_hosts, tls=secured.tls(ours), login=sasl("engine"), connects=good)
    if good:
        assert zk.children(ENTRIES) is not None
        return
    wanted = {"none": "set --zk-cert and --zk-key", "expired": "--zk-cert has expired, or"}[shown]
    eventually(lambda: wanted in zk.trouble, "the reason", within=60)
    assert not zk.is_connected


def test_with_tls_1_3_the_refusal_comes_after_the_handshake_and_is_explained_too(
    tmp_path: Path, start: Open
) -> None:
    """The client's side of the handshake is over before the server looks at the certificate."""
    only = ("ssl.protocol=TLSv1.3", "ssl.enabledProtocols=TLSv1.3")
    with secured_zookeeper(tmp_path, *only, "ssl.ciphersuites=TLS_AES_128_GCM_SHA256") as server:
        assert start(server.tls_hosts, tls=server.tls(server.client)).is_connected
        nobody = start(server.tls_hosts, tls=server.tls(None), connects=False)
        eventually(lambda: "set --zk-cert" in nobody.trouble, "the reason", within=60)
        late = start(server.tls_hosts, tls=server.tls(server.expired), connects=False)
        eventually(lambda: "--zk-cert has expired" in late.trouble, "the reason", within=60)


def test_a_certificate_alone_names_us_in_an_acl(secured: SecuredZooKeeper, start: Open) -> None:
    tls = secured.tls(secured.client)
    zk = start(secured.tls_hosts, tls=tls, own_root="/x509", own_acl=parse_acl("auth::cdrwa"))
    with secured.admin() as kazoo:
        kazoo.create("/x509")
    zk.create("/x509/mine", b"x")
    assert zk.get("/x509/mine") is not None
    with pytest.raises(AccessDenied, match="/x509/mine"):
        start(login=sasl("engine")).get("/x509/mine")
    with pytest.raises(AccessDenied, match=r"the certificate .*client\.pem: have"):
        zk.children(ENTRIES)


@pytest.mark.parametrize(
    ("tls", "to_tls_port", "wanted"),
    [
        (Tls(), True, "of an authority not trusted here: name it with --zk-ca"),
        (None, True, "if this is its TLS port, set --zk-tls"),
        (Tls(), False, "it does not speak TLS on this port"),
    ],
    ids=["unknown authority", "plain to TLS", "TLS to plain"],
)
def test_what_does_not_fit_is_explained(
    secured: SecuredZooKeeper, start: Open, tls: Tls | None, to_tls_port: bool, wanted: str
) -> None:
    hosts = secured.tls_hosts if to_tls_port else secured.plain_hosts
    zk = start(hosts, tls=tls, connects=False)
    eventually(lambda: wanted in zk.trouble, "the reason", within=60)


def test_a_name_without_an_address_is_said(start: Open) -> None:
    zk = start("no-such-host.invalid:2181", connects=False)
    eventually(lambda: "no-such-host.invalid has an address" in zk.trouble, "the reason", within=60)
    with pytest.raises(ZooKeeperUnavailable, match="check the names in --zk-hosts"):
        zk.get("/", timeout=0.1)


def test_an_executor_claims_with_its_rights_and_a_reader_reads_with_his(
    secured: SecuredZooKeeper, start: Open
) -> None:
    """The rights of docs/security.md are enough, and no more."""
    with secured.admin() as kazoo:
        entry_acl = rights(admin="cdrwa", engine="r", console="r")
        path = kazoo.create(f"{ENTRIES}/entry-999-", JOB.encode(), sequence=True, acl=entry_acl)
    queue = JobQueue(start(login=sasl("engine")), instance="executor-1")
    reader = start(login=sasl("console"))
    queue.start()
    try:
        claim = eventually(lambda: queue.take("worker", 1.0), "the claim", within=60)
        assert (claim.job_id, claim.entry) == (JOB, path.rpartition("/")[2])
        assert [entry.job_id for entry in read_queue(reader).entries] == [JOB]
        (lock,) = read_taken(reader).locks
        assert lock.owner.instance == "executor-1"
        for node in (path, f"{TAKEN}/{claim.entry}"):
            with pytest.raises(AccessDenied, match="the sasl user 'console'"):
                reader.delete(node)
        queue.consume(claim)
        assert reader.exists(path) is None
    finally:
        queue.stop()


def test_own_nodes_take_the_acl_that_is_set(start: Open) -> None:
    acl = parse_acl("sasl:engine:cdrwa sasl:console:r")
    engine, console = start(login=sasl("engine"), own_acl=acl), start(login=sasl("console"))
    engine.create("/nuvla-engine/members/a", b"x", ephemeral=True)
    assert console.get("/nuvla-engine/members/a") is not None
    with pytest.raises(AccessDenied):
        console.set("/nuvla-engine/members/a", b"y")
    with pytest.raises(AccessDenied):
        start().get("/nuvla-engine/members/a")


def test_without_the_library_for_sasl_the_extra_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    with pytest.raises(SettingsError, match=r"nuvla-console\[sasl\]"):
        ZooKeeper("127.0.0.1:1", login=sasl("engine"))


def test_a_password_shows_in_no_repr() -> None:
    assert PASSWORDS["engine"] not in repr(sasl("engine"))
