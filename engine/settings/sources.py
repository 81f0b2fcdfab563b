"""Where values come from: settings files, files with one secret, variables, flags."""

from __future__ import annotations

import difflib
import os
import stat
import tomllib
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from engine.errors import SettingsError
from engine.settings import keyrings
from engine.settings.declare import Key
from engine.text import clean

MAX_FILE = 1_000_000
"""Bytes of a settings file; a secret is shorter by far."""
DEFAULT_PROFILE = "default-profile"
PROFILES = "profile"


@dataclass(frozen=True, slots=True, kw_only=True)
class Given:
    """One value as it was given, not yet read."""

    key: Key
    value: Any
    source: str
    """Where it stands, as the operator would name it."""
    names_file: bool = False
    """Whether the value is the path of a file that holds the secret."""
    is_flag: bool = False


@dataclass(frozen=True, slots=True)
class SettingsFile:
    """A settings file: TOML, with a table for each profile."""

    path: Path
    table: Mapping[str, Any]
    is_private: bool
    """Whether only its owner can read it."""

    @classmethod
    def read(cls, path: Path) -> SettingsFile:
        """Read a settings file.

        Raises:
            SettingsError: it cannot be read, is too long, or is no TOML.
        """
        content, is_private = _read(path, "settings file")
        try:
            return cls(path, tomllib.loads(content), is_private)
        except tomllib.TOMLDecodeError as error:
            raise SettingsError(f"settings file {path} is not TOML: {error}") from error

    @property
    def default_profile(self) -> str | None:
        """The profile to use where the operator names none."""
        name = self.table.get(DEFAULT_PROFILE)
        if name is not None and not isinstance(name, str):
            raise SettingsError(f"{DEFAULT_PROFILE}: is not a name; it comes from {self.path}")
        return name

    @property
    def profiles(self) -> Mapping[str, Any]:
        """The tables of the profiles, by name."""
        tables = self.table.get(PROFILES, {})
        if not isinstance(tables, dict) or not all(isinstance(t, dict) for t in tables.values()):
            raise SettingsError(f"{PROFILES}: is not a table of tables; it comes from {self.path}")
        return tables

    def top(self, keys: Iterable[Key]) -> list[Given]:
        """Return what stands outside the profiles."""
        own = {k: v for k, v in self.table.items() if k not in (DEFAULT_PROFILE, PROFILES)}
        return list(self._given(own, f"{self.path}", keys))

    def profile(self, name: str, keys: Iterable[Key]) -> list[Given]:
        """Return what a profile sets; nothing where the file has no such profile."""
        where = f"[{PROFILES}.{clean(name, limit=60)}] in {self.path}"
        return list(self._given(self.profiles.get(name, {}), where, keys))

    def _given(self, table: Mapping[str, Any], where: str, keys: Iterable[Key]) -> Iterator[Given]:
        known = {key.label: (key, False) for key in keys}
        known |= {key.file_label: (key, True) for key in keys if key.has_file}
        for label, value in table.items():
            if label not in known:
                near = difflib.get_close_matches(label, known, n=1)
                guess = f"; did you mean {near[0]!r}?" if near else ""
                raise SettingsError(f"{clean(label, limit=60)}: no such setting, in {where}{guess}")
            key, names_file = known[label]
            if key.is_guarded and not names_file and not self.is_private:
                raise SettingsError(
                    f"{label}: {self.path} can be read or written by others than its owner; "
                    f"make it private (chmod 600), or use {key.file_label}"
                )
            yield Given(key=key, value=value, source=where, names_file=names_file)


def read_secret(given: Given) -> str:
    """Return the secret in the file that a value names, without the line break at its end; or that
    in the keyring, where it names one.

    Raises:
        SettingsError: it cannot be read, or others than its owner can.
    """
    label = given.key.file_label
    if not isinstance(given.value, str) or not given.value.strip():
        raise SettingsError(f"{label}: is not a path; it comes from {given.source}")
    if given.value.startswith(keyrings.PREFIX):
        return keyrings.read(given.value, f"{label} (from {given.source})")
    path = Path(given.value).expanduser()
    content, is_private = _read(path, f"{label} (from {given.source}): file")
    if not is_private:
        raise SettingsError(
            f"{label}: {path} can be read or written by others than its owner; "
            f"make it private (chmod 600); it comes from {given.source}"
        )
    return content.removesuffix("\n").removesuffix("\r")


def from_variables(environ: Mapping[str, str], keys: Iterable[Key]) -> Iterator[Given]:
    """Yield what the environment sets; an empty variable counts as not set."""
    for key in keys:
        name = next((name for name in key.variables if environ.get(name)), None)
        if name is not None:
            yield Given(key=key, value=environ[name], source=f"the variable {name}")
        file_name = f"{key.variables[0]}_FILE"
        if key.has_file and environ.get(file_name):
            source = f"the variable {file_name}"
            yield Given(key=key, value=environ[file_name], source=source, names_file=True)


def _read(path: Path, what: str) -> tuple[str, bool]:
    """Return a file's text, and whether nobody but its owner can read or write it."""
    try:
        with path.open("rb") as file:
            mode = os.fstat(file.fileno()).st_mode
            content = file.read(MAX_FILE + 1)
        if len(content) > MAX_FILE:
            raise SettingsError(f"{what} {path} is longer than {MAX_FILE} bytes")
        return content.decode("utf-8"), not stat.S_IMODE(mode) & 0o077
    except OSError as error:
        raise SettingsError(f"{what} {path} cannot be read: {error.strerror or error}") from error
    except UnicodeDecodeError as error:
        raise SettingsError(f"{what} {path} is not UTF-8") from error
