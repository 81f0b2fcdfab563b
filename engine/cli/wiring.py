"""From settings to parts: how each verb opens its ZooKeeper session and its API client."""

from __future__ import annotations

import sys
from argparse import ArgumentParser, Namespace
from collections.abc import Iterator
from contextlib import contextmanager

from engine.errors import EngineError, ZooKeeperUnavailable
from engine.settings import Settings, add_arguments, load
from engine.text import clean
from engine.zookeeper.connection import ZooKeeper
from engine.zookeeper.opening import make_zookeeper, own_paths

__all__ = [
    "CONNECT_SECONDS",
    "add_settings",
    "make_zookeeper",
    "open_zookeeper",
    "own_paths",
    "read_settings",
    "refuse_if_read_only",
]

CONNECT_SECONDS = 5.0
"""Who asks for a view waits for an answer; the services wait for ever."""


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
