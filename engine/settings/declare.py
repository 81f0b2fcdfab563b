"""How a setting is declared: one field of a dataclass that carries its own flags and help."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, TypeVar

from engine.settings.kinds import Kind

D = TypeVar("D")

EXECUTOR, DISTRIBUTOR, LOCAL, CONSOLE, VERB = "executor", "distributor", "local", "console", "verb"
SERVICES = (EXECUTOR, DISTRIBUTOR)
EVERY_COMMAND = "config"
"""Takes the settings of all others."""
CLIENTS = (*SERVICES, CONSOLE, VERB)
"""All that speak to ZooKeeper or to the API; VERB stands for every verb that is not named."""
ALL = (*CLIENTS, LOCAL)


@dataclass(frozen=True, slots=True, kw_only=True)
class Key:
    """A setting: its name, where it may be set, and what it is for."""

    name: str
    """The field of Settings."""
    group: str
    """The title under which help and documentation show it."""
    default: Any
    kind: Kind
    help: str
    flags: tuple[str, ...]
    """Every flag of both dialects; the first is the one that we write."""
    variables: tuple[str, ...]
    """Environment variables, ours first."""
    commands: tuple[str, ...]
    is_secret: bool
    has_file: bool
    """Whether a second setting, named with `-file`, names the file that holds the value."""
    is_guarded: bool
    """Whether others must not see it: on a command line it warns, and files are checked."""
    constants: Mapping[str, str]
    """The value that further flags stand for, by these flags."""

    @property
    def label(self) -> str:
        """The key as settings files have it."""
        return self.name.replace("_", "-")

    @property
    def file_label(self) -> str:
        """The key that names the file with its value."""
        return f"{self.label}-file"


def setting(
    default: D,
    kind: Kind,
    help: str,
    *,
    flags: str | None = None,
    variables: str = "",
    commands: tuple[str, ...] = CLIENTS,
    secret: bool = False,
    file: bool = False,
    guarded: bool = True,
    constants: Mapping[str, str] | None = None,
) -> D:
    """Declare a setting as a field of a dataclass.

    Args:
        default: what holds where nothing sets it.
        kind: what its value may be.
        help: one sentence without a full stop.
        flags: further flags beside ``--the-name``, by blanks; "" for no flag at all.
        variables: further environment variables beside NUVLA_THE_NAME, by blanks.
        commands: which commands take it.
        secret: mask it everywhere.
        file: it may also be named by a file that holds it.
        guarded: warn of a secret on the command line, refuse it in a file that others can read.
        constants: the value that further flags stand for, by these flags (by blanks).
    """
    facts = {
        "kind": kind,
        "help": help,
        "flags": None if flags == "" else tuple((flags or "").split()),
        "variables": tuple(variables.split()),
        "commands": commands,
        "is_secret": secret,
        "has_file": file,
        "is_guarded": secret and guarded,
        "constants": constants or {},
    }
    return field(default=default, metadata=facts)


def keys_of(*groups: type) -> tuple[Key, ...]:
    """Return what the fields of these dataclasses declare, in order."""
    return tuple(
        _key(group, declared)
        for group in groups
        for declared in dataclasses.fields(group)
        if "kind" in declared.metadata
    )


def _key(group: type, declared: dataclasses.Field[Any]) -> Key:
    facts = dict(declared.metadata)
    own = "--" + declared.name.replace("_", "-")
    further = facts.pop("flags")
    return Key(
        name=declared.name,
        group=(group.__doc__ or "").rstrip("."),
        default=declared.default,
        flags=() if further is None else (own, *further),
        variables=(f"NUVLA_{declared.name.upper()}", *facts.pop("variables")),
        **facts,
    )
