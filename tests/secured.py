"""A ZooKeeper for tests that asks who is there: TLS with client certificates, SASL, and ACLs."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from kazoo.client import KazooClient
from kazoo.security import ACL, make_acl

from engine.local.zookeeper import ZooKeeperServer
from engine.zookeeper.connection import Login, Scheme, Tls
from engine.zookeeper.paths import ELECTION, ENTRIES, TAKEN, OwnPaths
from tests.certificates import Authority, Certificate
from tests.faults.ports import steady_port

PASSWORDS = {
    "admin": "adm-6f1d",
    "engine": "eng-9c2e",
    "operator": "ops-71f4",
    "console": "con-3b7a",
}
OWN_ACL = "sasl:admin:cdrwa sasl:engine:cdrwa sasl:operator:cdrw sasl:console:r"
"""What docs/security.md says of the setting zk-acl, the same for all."""
_JARS = Path("/usr/share/java")
_NETTY = [_JARS / "netty-codec.jar", _JARS / "netty-resolver.jar"]
"""What Debian's ZooKeeper leaves out of its class path; without it there is no TLS."""
_AUTH = "org.apache.zookeeper.server.auth"


@dataclass(frozen=True, slots=True, kw_only=True)
class SecuredZooKeeper:
    """The server, and what its clients need."""

    server: ZooKeeperServer
    tls_port: int
    authority: Authority
    client: Certificate
    expired: Certificate

    @property
    def plain_hosts(self) -> str:
        """The port without TLS, which takes SASL."""
        return self.server.hosts

    @property
    def tls_hosts(self) -> str:
        """The port that asks for a client's certificate."""
        return f"localhost:{self.tls_port}"

    def tls(self, shown: Certificate | None) -> Tls:
        """Return how to speak TLS, with a certificate of ours or without."""
        ca = str(self.authority.pem)
        if shown is None:
            return Tls(ca=ca)
        return Tls(ca=ca, certificate=str(shown.chain), key=str(shown.key))

    @contextmanager
    def admin(self) -> Iterator[KazooClient]:
        """Hold a stock client that logs in as `admin`."""
        options = {"mechanism": "DIGEST-MD5", "username": "admin", "password": PASSWORDS["admin"]}
        kazoo = KazooClient(self.plain_hosts, sasl_options=options)
        kazoo.start(timeout=15)
        try:
            yield kazoo
        finally:
            kazoo.stop()
            kazoo.close()


def sasl(user: str, password: str | None = None) -> Login:
    """Return a log-in by SASL; with the right password where none is given."""
    return Login(scheme=Scheme.SASL, user=user, password=password or PASSWORDS[user])


def rights(**of: str) -> list[ACL]:
    """Return an ACL: rights by SASL user, such as `engine="cdrwa"`."""
    words = {"c": "create", "d": "delete", "r": "read", "w": "write", "a": "admin"}
    return [
        make_acl("sasl", user, **{words[letter]: True for letter in letters})
        for user, letters in of.items()
    ]


def lay_out(kazoo: KazooClient) -> None:
    """Make the nodes of docs/security.md, with its rights."""
    kazoo.create("/job", acl=rights(admin="cdrwa", engine="r", operator="r", console="r"))
    for path in (ENTRIES, TAKEN, ELECTION, OwnPaths().root):
        operators = "r" if path == ELECTION else "cdr"
        acl = rights(admin="cdrwa", engine="cdr", operator=operators, console="r")
        kazoo.create(path, acl=acl)


@contextmanager
def secured_zookeeper(folder: Path, *more: str) -> Iterator[SecuredZooKeeper]:
    """Run one; it takes about a second. Args: more: further lines of its configuration."""
    authority = Authority(folder)
    server = authority.issue("server", names="DNS:localhost,IP:127.0.0.1")
    store, jaas = folder / "store.pem", folder / "jaas.conf"
    store.write_text(server.key.read_text() + server.chain.read_text())
    users = " ".join(f'user_{user}="{password}"' for user, password in PASSWORDS.items())
    jaas.write_text(f"Server {{ {_AUTH}.DigestLoginModule required {users}; }};\n")
    tls_port = steady_port()
    config = [
        f"secureClientPort={tls_port}",
        "maxSessionTimeout=40000",  # a busy machine must not cost a session
        "secureClientPortAddress=127.0.0.1",
        "serverCnxnFactory=org.apache.zookeeper.server.NettyServerCnxnFactory",
        *(f"ssl.keyStore.{key}={value}" for key, value in (("location", store), ("type", "PEM"))),
        f"ssl.trustStore.location={authority.pem}",
        "ssl.trustStore.type=PEM",
        "ssl.clientAuth=need",
        f"authProvider.sasl={_AUTH}.SASLAuthenticationProvider",
        f"authProvider.x509={_AUTH}.X509AuthenticationProvider",
        *more,
    ]
    jar = os.environ.get("NUVLA_ZOOKEEPER_JAR")
    process = ZooKeeperServer(
        folder / "zookeeper",
        port=steady_port(),
        tick=200,
        durable=False,
        config=config,
        java_options=[f"-Djava.security.auth.login.config={jaas}"],
        jars=_NETTY,
        jar=Path(jar) if jar else None,
    )
    process.start()
    try:
        yield SecuredZooKeeper(
            server=process,
            tls_port=tls_port,
            authority=authority,
            client=authority.issue("client", names="DNS:client"),
            expired=authority.issue("expired", names="DNS:client", days=-1),
        )
    finally:
        process.stop()
