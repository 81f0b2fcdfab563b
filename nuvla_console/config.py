"""What the operator likes: theme, pace, keys and protected profiles, in one TOML file."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from engine.errors import SettingsError
from engine.text import clean
from nuvla_console import theme
from nuvla_console.commands import COMMANDS

FILE_NAME = "console.toml"
_KEYS = ("theme", "protected", "keymap")


@dataclass(frozen=True, kw_only=True)
class Preferences:
    """What the operator likes."""

    theme: str = theme.DEFAULT
    protected: tuple[str, ...] | None = None
    """Profiles in which a mistake would be dear; None means those that begin with "prod"."""
    keymap: Mapping[str, str] = field(default_factory=dict)
    """Keys by the id of a command."""
    desktop: bool = False
    """Whether the console runs on a desktop of its own, and not in a remote login."""

    def protects(self, profile: str) -> bool:
        """Whether a profile is protected."""
        if self.protected is None:
            return profile.lower().startswith("prod")
        return profile in self.protected


def read(path: Path, *, desktop: bool = False) -> Preferences:
    """Read the preferences; defaults where there is no such file.

    Args:
        path: the file.
        desktop: whether the console runs on a desktop of its own.

    Raises:
        SettingsError: a value is wrong; the message names its key and the file.
    """
    try:
        table = tomllib.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return Preferences(desktop=desktop)
    except (OSError, ValueError) as error:
        raise SettingsError(f"{path} cannot be read: {error}") from error
    unknown = sorted(table.keys() - set(_KEYS))
    if unknown:
        raise SettingsError(
            f"{clean(unknown[0], limit=60)}: no such preference, in {path}; "
            f"there are {', '.join(_KEYS)}"
        )
    return Preferences(
        theme=_theme(table, path),
        protected=_protected(table, path),
        keymap=_keymap(table, path),
        desktop=desktop,
    )


def _theme(table: Mapping[str, Any], path: Path) -> str:
    name = table.get("theme", theme.DEFAULT)
    names = [known.name for known in theme.THEMES]
    if name not in names:
        raise SettingsError(f"theme: is not one of {', '.join(names)}; it comes from {path}")
    return str(name)


def _protected(table: Mapping[str, Any], path: Path) -> tuple[str, ...] | None:
    names = table.get("protected")
    if names is None:
        return None
    if not isinstance(names, list) or not all(isinstance(name, str) for name in names):
        raise SettingsError(f"protected: is not a list of profiles; it comes from {path}")
    return tuple(names)


def _keymap(table: Mapping[str, Any], path: Path) -> dict[str, str]:
    keymap = table.get("keymap", {})
    known = {command.id for command in COMMANDS}
    if not isinstance(keymap, dict) or not all(isinstance(key, str) for key in keymap.values()):
        raise SettingsError(f"keymap: is not a table of keys; it comes from {path}")
    unknown = sorted(keymap.keys() - known)
    if unknown:
        raise SettingsError(
            f"keymap: {clean(unknown[0], limit=60)} is no command; it comes from {path}"
        )
    return dict(keymap)
