"""Merges what files, environment and flags give into Settings; the only reader of os.environ."""

from __future__ import annotations

import os
import re
from argparse import Namespace
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import platformdirs

from engine.errors import SettingsError
from engine.settings import flags
from engine.settings.secret import MASK
from engine.settings.sources import Given, SettingsFile, from_variables, read_secret
from engine.settings.table import KEYS, Settings
from engine.text import clean

APP = "nuvla-console"
FILE_NAME = "settings.toml"
IDENTITIES = (
    frozenset({"api_user", "api_pass"}),
    frozenset({"api_key", "api_secret"}),
    frozenset({"api_authn_header"}),
    frozenset({"api_cookies"}),
)
"""The ways to say who we are."""
_LOOPBACK = ("localhost", "127.0.0.1", "::1")


def load(
    arguments: Namespace | None = None,
    *,
    environ: Mapping[str, str] | None = None,
    folders: Sequence[Path] | None = None,
) -> Settings:
    """Return the settings: default < settings file < its profile < environment < flags.

    Args:
        arguments: what a parser with `add_arguments` found.
        environ: the environment; the process's own where none is given.
        folders: where settings files may be, the more specific last; the platform's if none.

    Raises:
        SettingsError: a value is wrong; the message names its key and its source.
    """
    environ = os.environ if environ is None else environ
    arguments = arguments or Namespace()
    files = _settings_files(arguments, environ, folders)
    profile = _profile(arguments, environ, files)
    layers = [file.top(KEYS) for file in files]
    if profile is not None:
        layers += [file.profile(profile, KEYS) for file in files]
    layers += [list(from_variables(environ, KEYS)), flags.given_by(arguments)]
    chosen = _merge(layers)
    values: dict[str, Any] = {given.key.name: _value(given) for given in chosen}
    settings = Settings(**values, profile=profile)
    return replace(settings, warnings=tuple(_warnings(settings, chosen)))


def profile_names(
    arguments: Namespace | None = None,
    *,
    environ: Mapping[str, str] | None = None,
    folders: Sequence[Path] | None = None,
) -> tuple[str, ...]:
    """Return the names of all profiles in the settings files. Arguments and errors as `load`."""
    environ = os.environ if environ is None else environ
    files = _settings_files(arguments or Namespace(), environ, folders)
    return tuple(sorted({name for file in files for name in file.profiles}))


def config_folders() -> tuple[Path, ...]:
    """Return the folders of settings files on this platform, the more specific last."""
    return (platformdirs.site_config_path(APP), platformdirs.user_config_path(APP))


def _settings_files(
    arguments: Namespace, environ: Mapping[str, str], folders: Sequence[Path] | None
) -> list[SettingsFile]:
    named = flags.file_flag(arguments)
    if named is None and environ.get("NUVLA_CONFIG"):
        named = Path(environ["NUVLA_CONFIG"]).expanduser()
    if named is not None:
        return [SettingsFile.read(named)]
    candidates = [folder / FILE_NAME for folder in (folders or config_folders())]
    return [SettingsFile.read(path) for path in candidates if path.exists()]


def _profile(
    arguments: Namespace, environ: Mapping[str, str], files: Sequence[SettingsFile]
) -> str | None:
    defaults = [file.default_profile for file in files if file.default_profile]
    named = getattr(arguments, flags.PROFILE, None) or environ.get("NUVLA_PROFILE")
    name: str | None = named or (defaults[-1] if defaults else None)
    known = sorted({profile for file in files for profile in file.profiles})
    if name is None or name in known:
        return name
    places = ", ".join(str(file.path) for file in files) or "any settings file (there is none)"
    raise SettingsError(
        f"profile: there is no profile {clean(name, limit=60)!r} in {places}; "
        f"known: {', '.join(clean(one, limit=60) for one in known) or 'none'}"
    )


def _merge(layers: Iterable[list[Given]]) -> list[Given]:
    merged: dict[str, Given] = {}
    for layer in layers:
        names = {given.key.name for given in layer}
        ways = [way for way in IDENTITIES if way & names]
        if ways:
            # Who names a key on the command line does not mean the user in the settings file.
            for name in frozenset().union(*IDENTITIES) - frozenset().union(*ways):
                merged.pop(name, None)
        own: dict[str, Given] = {}
        for given in layer:
            other = own.get(given.key.name)
            if other is not None and other.names_file != given.names_file:
                raise SettingsError(
                    f"{given.key.label}: both the secret and its file are set, "
                    f"by {other.source} and {given.source}; keep one"
                )
            own[given.key.name] = given
        merged |= own
    return list(merged.values())


def _value(given: Given) -> object:
    value = read_secret(given) if given.names_file else given.value
    try:
        return given.key.kind.read(value)
    except ValueError as error:
        text = re.sub("//[^/]*@", f"//{MASK}@", clean(str(value), limit=80))
        shown = "" if given.key.is_secret else f"{text!r} "
        raise SettingsError(
            f"{given.key.label}: {shown}{error}; it comes from {given.source}"
        ) from None


def _warnings(settings: Settings, chosen: Iterable[Given]) -> Iterable[str]:
    for given in chosen:
        key = given.key
        if key.is_guarded and given.is_flag and not given.names_file:
            yield (
                f"{given.source}: everyone who can list processes can read it; use "
                f"--{key.file_label} or the variable {key.variables[0]} instead"
            )
    if settings.api_insecure:
        yield "api-insecure: the API's certificate is not verified"
    if settings.zk_insecure:
        yield "zk-insecure: ZooKeeper's certificate is not verified"
    url = urlsplit(settings.api_url)
    logs_in = settings.api_pass is not None or settings.api_secret is not None
    if logs_in and url.scheme == "http" and url.hostname not in _LOOPBACK:
        yield f"api-url: credentials travel unencrypted to {settings.api_url}"
