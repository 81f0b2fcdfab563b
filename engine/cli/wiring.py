"""From settings to parts: how each verb opens its ZooKeeper session and its API client."""

from __future__ import annotations

import sys
from argparse import ArgumentParser, Namespace
from collections.abc import Iterator
from contextlib import contextmanager

from engine.errors import EngineError, SettingsError, ZooKeeperUnavailable
from engine.settings import Settings, add_arguments, load
from engine.text import clean
from engine.zookeeper.connection import Login, Scheme, Tls, ZooKeeper, parse_acl
from engine.zookeeper.paths import OwnPaths

CONNECT_SECONDS = 5.0
"""Who asks for a view waits for an answer; the services wait for ever."""
CREATOR_ACL = "auth::cdrwa"
"""All rights for whoever is authenticated as the maker of the node, and for nobody else."""


def add_settings(parser: ArgumentParser, command: str) -> None:
    """Add the flags of the settings that a verb takes."""
    add_arguments(parser, command)


def read_settings(arguments: Namespace) -> Settings:
    """Return the settings; say on stderr what the operator should know about them.

    Raises:
        SettingsError: a value is wrong.
    """
    settings = load(arguments)
    for warning in settings.warnings:
        print(f"nuvla-engine: warning: {warning}", file=sys.stderr)
    return settings


def refuse_if_read_only(settings: Settings) -> None:
    """Keep an act from changing anything where the settings say so.

    Raises:
        EngineError: they do.
    """
    if settings.read_only:
        raise EngineError("nothing is changed: the setting read-only is on")


def own_paths(settings: Settings) -> OwnPaths:
    """Return the nodes of our own."""
    return OwnPaths(settings.zk_root)


def make_zookeeper(settings: Settings) -> ZooKeeper:
    """Return a session that has not been started.

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


@contextmanager
def open_zookeeper(settings: Settings) -> Iterator[ZooKeeper]:
    """Hold a connected session.

    Raises:
        ZooKeeperUnavailable: no server was reached in time; says why.
    """
    zk = make_zookeeper(settings)
    zk.start()
    try:
        if not zk.wait_connected(CONNECT_SECONDS):
            raise ZooKeeperUnavailable(
                f"ZooKeeper at {clean(settings.zk_hosts)} was not reached within "
                f"{CONNECT_SECONDS:g} s ({clean(zk.trouble) or 'no answer'}): "
                "is it up, and is --zk-hosts right?"
            )
        yield zk
    finally:
        zk.close()


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
