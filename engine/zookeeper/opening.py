"""From settings to a session with ZooKeeper, for verbs, services and the console alike."""

from __future__ import annotations

import ssl

from engine.errors import SettingsError
from engine.settings import Settings
from engine.zookeeper.connection import Login, Scheme, Tls, ZooKeeper, parse_acl
from engine.zookeeper.paths import OwnPaths

CREATOR_ACL = "auth::cdrwa"
"""All rights for whoever is authenticated as the maker of the node, and for nobody else."""


def own_paths(settings: Settings) -> OwnPaths:
    """Return the nodes of our own."""
    return OwnPaths(settings.zk_root)


def make_zookeeper(settings: Settings, *, pulse: float | None = None) -> ZooKeeper:
    """Return a session that has not been started.

    Args:
        settings: name the servers, and who we are.
        pulse: seconds between two pings, for who wants to know of a mute link soon; None: none.

    Raises:
        SettingsError: how to authenticate cannot be used, or a TLS file cannot be read.
    """
    return ZooKeeper(
        settings.zk_hosts,
        session_timeout=settings.zk_session_timeout,
        call_timeout=settings.zk_timeout,
        login=_login(settings),
        tls=zookeeper_tls(settings),
        own_root=settings.zk_root,
        own_acl=parse_acl(_own_acl(settings)),
        pulse=pulse,
    )


def zookeeper_tls(settings: Settings) -> Tls | None:
    """Return how to speak TLS with the servers; None for plain connections."""
    if not settings.zk_tls:
        return None
    return Tls(
        ca=_optional(settings.zk_ca),
        certificate=_optional(settings.zk_cert),
        key=_optional(settings.zk_key),
        verify=not settings.zk_insecure,
    )


def tls_context(settings: Settings) -> ssl.SSLContext | None:
    """Return how to ask the servers for their connections; None where they speak no TLS.

    Raises:
        SettingsError: a TLS file cannot be used.
    """
    tls = zookeeper_tls(settings)
    try:
        return tls.context() if tls else None
    except OSError as error:
        raise SettingsError(f"the TLS files for ZooKeeper cannot be used: {error}") from error


def _login(settings: Settings) -> Login | None:
    if settings.zk_auth is None:
        return None
    scheme, _, credential = settings.zk_auth.reveal().partition(":")
    user, _, password = credential.partition(":")
    if scheme not in [*Scheme] or not user or not password:
        raise SettingsError(
            "zk-auth: is not of the form digest:USER:PASSWORD or sasl:USER:PASSWORD"
        )
    return Login(scheme=Scheme(scheme), user=user, password=password)


def _own_acl(settings: Settings) -> str:
    if settings.zk_acl == "open":
        return ""
    if settings.zk_acl != "creator":
        return settings.zk_acl
    shows_certificate = settings.zk_tls and settings.zk_cert is not None
    if settings.zk_auth is None and not shows_certificate:
        raise SettingsError(
            "zk-acl: 'creator' needs zk-auth, or zk-tls and zk-cert, which name the creator"
        )
    return CREATOR_ACL


def _optional(path: object) -> str | None:
    return None if path is None else str(path)
