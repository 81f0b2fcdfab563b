"""The profiles that can be gone to, and how each is connected to."""

from __future__ import annotations

from argparse import Namespace
from collections.abc import Callable
from dataclasses import dataclass, replace

from engine.act.audit import Audit
from engine.act.bulk_file import place_of
from engine.act.sources import Sources
from engine.nuvla.client import NuvlaClient
from engine.settings import Settings, load
from engine.settings.flags import CONFIG, PROFILE, given_by
from engine.settings.load import profile_names
from engine.view.store import Store
from engine.view.zookeeper_feed import PULSE_SECONDS
from engine.zookeeper.opening import make_zookeeper, own_paths, tls_context
from nuvla_console.acting import Acting
from nuvla_console.config import Preferences

SESSION_SECONDS = 40.0
"""The console holds nothing in ZooKeeper: a long session only means fewer heartbeats."""
CALL_SECONDS = 10.0
"""A view that takes longer is stale anyway."""
NO_PROFILE = "default"


@dataclass(frozen=True, kw_only=True)
class Connection:
    """What a profile is worked with."""

    store: Store
    acting: Acting | None = None
    """None where nothing can be done but look."""


@dataclass(frozen=True, kw_only=True)
class Profile:
    """A Nuvla that can be gone to."""

    name: str
    connect: Callable[[], Connection]
    """Its store is not started; raises SettingsError where the settings are wrong."""
    protected: bool = False


def open_connection(settings: Settings) -> Connection:
    """Return a connection to the servers that settings name; its store is not started.

    Raises:
        SettingsError: credentials or TLS files cannot be used.
    """
    settings = replace(
        settings,
        zk_session_timeout=max(settings.zk_session_timeout, SESSION_SECONDS),
        zk_timeout=min(settings.zk_timeout, CALL_SECONDS),
        api_timeout=min(settings.api_timeout, CALL_SECONDS),
    )
    own, tls = own_paths(settings), tls_context(settings)
    zk = make_zookeeper(settings, pulse=PULSE_SECONDS)
    client = NuvlaClient.from_settings(settings)
    store = Store(
        zk,
        client,
        own=own,
        hosts=settings.zk_hosts,
        url=settings.api_url,
        diagnoses=True,
        tls=tls,
    )
    acting = Acting(
        sources=Sources(zk=zk, client=client, own=own, tls=tls),
        audit=Audit.from_settings(settings, zk),
        place=place_of(settings),
        is_forbidden=settings.read_only,
    )
    return Connection(store=store, acting=acting)


def read_profiles(
    arguments: Namespace, preferences: Preferences
) -> tuple[dict[str, Profile], str, Settings]:
    """Return the profiles by name, the one to start with, and its settings.

    Flags and variables hold for the profile that is started with. One that is gone to later is
    read from the settings files alone: a flag that names production's hosts must not come along
    into a profile of another name.

    Raises:
        SettingsError: a value is wrong; the message names its key and its source.
    """
    settings = load(arguments)
    start = settings.profile or NO_PROFILE
    found = {start: _profile(start, lambda: open_connection(load(arguments)), preferences)}
    for name in profile_names(arguments):
        if name != start:
            found[name] = _profile(name, _from_files(arguments, name), preferences)
    return found, start, settings


def is_new_here(arguments: Namespace, settings: Settings) -> bool:
    """Whether nothing has ever been set: neither in files nor by flags and variables."""
    untouched = Settings()
    given = {given.key.name for given in given_by(arguments)}
    return (
        settings.profile is None
        and not given & {"zk_hosts", "api_url"}
        and (settings.zk_hosts, settings.api_url) == (untouched.zk_hosts, untouched.api_url)
        and not settings.secrets()
    )


def _profile(name: str, connect: Callable[[], Connection], preferences: Preferences) -> Profile:
    return Profile(name=name, connect=connect, protected=preferences.protects(name))


def _from_files(arguments: Namespace, name: str) -> Callable[[], Connection]:
    alone = Namespace(**{CONFIG: getattr(arguments, CONFIG, None), PROFILE: name})
    return lambda: open_connection(load(alone, environ={}))
