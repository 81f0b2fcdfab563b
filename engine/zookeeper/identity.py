"""Who we are to ZooKeeper, and who may use what we make: log-ins, TLS, ACLs."""

from __future__ import annotations

import importlib.util
import ssl
from dataclasses import dataclass, field
from enum import StrEnum

from kazoo.security import ACL, Id, Permissions

from engine.errors import SettingsError

_RIGHTS = {
    "c": Permissions.CREATE,
    "d": Permissions.DELETE,
    "r": Permissions.READ,
    "w": Permissions.WRITE,
    "a": Permissions.ADMIN,
}


class Scheme(StrEnum):
    """The ways to log in with a password."""

    DIGEST = "digest"
    """Sent to the server as it is; what it proves shows only where an ACL asks for it."""
    SASL = "sasl"
    """DIGEST-MD5: checked by the server at once, against its JAAS file, and never sent."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Login:
    """Who we are to ZooKeeper."""

    scheme: Scheme
    user: str
    password: str = field(repr=False)

    def __str__(self) -> str:
        return f"the {self.scheme} user {self.user!r}"

    def sasl_options(self) -> dict[str, str] | None:
        """Return what kazoo takes for SASL; None for another scheme.

        Raises:
            SettingsError: the library for it is not installed.
        """
        if self.scheme is not Scheme.SASL:
            return None
        if importlib.util.find_spec("puresasl") is None:
            raise SettingsError("zk-auth: SASL needs a library: pip install 'nuvla-console[sasl]'")
        # The service and its principal are fixed in ZooKeeper's SaslServer for DIGEST-MD5.
        return {
            "mechanism": "DIGEST-MD5",
            "service": "zookeeper",
            "principal": "zk-sasl-md5",
            "username": self.user,
            "password": self.password,
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class Tls:
    """How to speak TLS to ZooKeeper: the server's certificate and its name are always verified."""

    ca: str | None = None
    """A file of certificates to trust; None trusts those of the system."""
    certificate: str | None = None
    """A file with the client's certificate and chain, where the server asks for one."""
    key: str | None = None
    """A file with the key of that certificate, where it is not in the same file."""
    verify: bool = True
    """False accepts any server: for tests of a connection only."""

    def context(self) -> ssl.SSLContext:
        """Return a context for connections.

        Raises:
            OSError: a file is missing or is not what it ought to be.
        """
        context = ssl.create_default_context(cafile=self.ca)
        if self.certificate:
            context.load_cert_chain(self.certificate, self.key)
        if not self.verify:
            context.check_hostname = False
            context.verify_mode = ssl.CERT_NONE
        return context


def parse_acl(text: str) -> tuple[ACL, ...]:
    """Read an ACL: scheme:id:rights, separated by blanks, such as ``digest:ops:HASH=:cdrwa``.

    Raises:
        SettingsError: a part is not of this form.
    """
    found = []
    for part in text.split():
        scheme, _, rest = part.partition(":")
        identity, _, rights = rest.rpartition(":")
        if (
            not scheme
            or (not identity and scheme != "auth")
            or not rights
            or set(rights) - set(_RIGHTS)
        ):
            raise SettingsError(f"the ACL {part!r} is not of the form scheme:id:cdrwa")
        found.append(ACL(sum(_RIGHTS[right] for right in set(rights)), Id(scheme, identity)))
    return tuple(found)


def who_we_are(login: Login | None, tls: Tls | None) -> str:
    """Return who we are to an ACL, and what to do where it forbids something."""
    if login is not None and login.scheme is Scheme.DIGEST:
        return f"{login}: a wrong password shows only so, and else"
    if login is not None:
        return f"{login}:"
    if tls is not None and tls.certificate:
        return f"the certificate {tls.certificate}:"
    return "a client that does not log in: set --zk-auth, or"
