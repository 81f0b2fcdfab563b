"""Merges what files, environment and flags give into Settings; the only reader of os.environ."""

from __future__ import annotations

import os
from argparse import Namespace
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import platformdirs

from engine.errors import SettingsError
from engine.settings import flags
from engine.settings.declare import Key
from engine.settings.secret import without_login
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


@dataclass(frozen=True, slots=True, kw_only=True)
class Origin:
    """One setting: what it is, and where that came from."""

    key: Key
    value: Any
    """What holds; the default where nothing sets it, or where what sets it is wrong."""
    given: Given | None = None
    """What sets it; None for the default."""
    problem: str | None = None
    """What is wrong with it; no secret is in it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Examined:
    """All settings, right and wrong ones."""

    origins: tuple[Origin, ...]
    files: tuple[Path, ...]
    """The settings files that were read."""
    profile: str | None

    def settings(self) -> Settings:
        """Return the settings, with defaults instead of what is wrong."""
        values: dict[str, Any] = {each.key.name: each.value for each in self.origins}
        settings = Settings(**values, profile=self.profile)
        chosen = [each.given for each in self.origins if each.given is not None]
        return replace(settings, warnings=tuple(_warnings(settings, chosen)))


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
    examined = examine(arguments, environ=environ, folders=folders)
    for each in examined.origins:
        if each.problem is not None:
            raise SettingsError(each.problem)
    return examined.settings()


def examine(
    arguments: Namespace | None = None,
    *,
    environ: Mapping[str, str] | None = None,
    folders: Sequence[Path] | None = None,
) -> Examined:
    """Return every setting with its origin, and with what is wrong with it. Arguments as `load`.

    Raises:
        SettingsError: a settings file cannot be read, or places contradict each other.
    """
    environ = os.environ if environ is None else environ
    arguments = arguments or Namespace()
    files = _settings_files(arguments, environ, folders)
    profile = _profile(arguments, environ, files)
    layers = [file.top(KEYS) for file in files]
    if profile is not None:
        layers += [file.profile(profile, KEYS) for file in files]
    layers += [list(from_variables(environ, KEYS)), flags.given_by(arguments)]
    chosen = {given.key.name: given for given in _merge(layers)}
    return Examined(
        origins=tuple(_origin(key, chosen.get(key.name)) for key in KEYS),
        files=tuple(file.path for file in files),
        profile=profile,
    )


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


def _origin(key: Key, given: Given | None) -> Origin:
    if given is None:
        return Origin(key=key, value=key.default)
    try:
        return Origin(key=key, value=_value(given), given=given)
    except SettingsError as error:
        return Origin(key=key, value=key.default, given=given, problem=str(error))


def _value(given: Given) -> object:
    value = read_secret(given) if given.names_file else given.value
    try:
        return given.key.kind.read(value)
    except ValueError as error:
        text = without_login(clean(str(value), limit=80))
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
