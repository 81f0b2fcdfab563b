"""What a setting's value may be: one reader for text (flags, variables) and TOML values alike.

A reader raises ValueError with what the value ought to be ("is not ..."); it never repeats the
value itself, which may be a secret.
"""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from engine.settings.secret import Secret


@dataclass(frozen=True, slots=True)
class Kind:
    """A kind of value."""

    read: Callable[[Any], Any]
    metavar: str
    what: str
    """What the documentation says of the values."""
    is_many: bool = False
    """The flag takes several values, and may be repeated."""
    is_switch: bool = False
    """The flag takes no value."""


def _text(value: object) -> str:
    if not isinstance(value, str) or not value.strip():
        raise ValueError("is not a text with something in it")
    if any(not char.isprintable() for char in value):
        raise ValueError("holds control characters")
    return value.strip()


def _secret(value: object) -> Secret:
    # Not stripped: blanks may belong to it.
    if not isinstance(value, str) or not value:
        raise ValueError("is not a text with something in it")
    if "\n" in value or "\r" in value or "\0" in value:
        raise ValueError("holds a line break or a NUL")
    return Secret(value)


def _url(value: object) -> str:
    text = _text(value).rstrip("/")
    try:
        parts = urlsplit(text)
        usable = parts.scheme in ("http", "https") and parts.hostname and parts.port != 0
    except ValueError:
        usable = False
    if not usable or parts.query or parts.fragment or " " in text:
        raise ValueError("is not a URL such as https://nuvla.example.org")
    if parts.username is not None or parts.password is not None:
        raise ValueError("holds a user or a password; use the settings made for them")
    return text.removesuffix("/api")


def _path(value: object) -> Path:
    return Path(_text(value)).expanduser()


def _node(value: object) -> str:
    text = _text(value).rstrip("/")
    if not re.fullmatch(r"(/[A-Za-z0-9_.-]+)+", text) or "/." in text:
        raise ValueError("is not a ZooKeeper path such as /nuvla-engine")
    return text


def _switch(value: object) -> bool:
    known = {"1": True, "true": True, "yes": True, "on": True}
    known |= {"0": False, "false": False, "no": False, "off": False}
    if isinstance(value, bool):
        return value
    if isinstance(value, str) and value.strip().lower() in known:
        return known[value.strip().lower()]
    raise ValueError("is neither true nor false")


def _words(value: object) -> tuple[str, ...]:
    """Split on blanks and commas, as lists stand in variables and /etc/default files."""
    if isinstance(value, str):
        value = [value]
    if not isinstance(value, Sequence) or not all(isinstance(item, str) for item in value):
        raise ValueError("is not a list of texts")
    words = [word for item in value for word in re.split(r"[\s,]+", item) if word]
    if not words:
        raise ValueError("is an empty list")
    return tuple(_text(word) for word in words)


def _hosts(value: object) -> str:
    text = ",".join(_words(value))
    host = r"([A-Za-z0-9_.-]+|\[[0-9A-Fa-f:.]+\])(:\d{1,5})?"
    if not re.fullmatch(rf"{host}(,{host})*(/[^,\s]*)?", text):
        raise ValueError("is not a list such as zk1:2181,zk2:2181 or zk1:2181/chroot")
    return text


def _host_port(value: object) -> str:
    text = _text(value)
    found = re.fullmatch(r"([A-Za-z0-9_.-]+|\[[0-9A-Fa-f:.]+\])(:(\d{1,5}))?", text, re.ASCII)
    if not found or not 0 < int(found[3] or 1) < 65536:
        raise ValueError("is not a server such as statsd.example.org:8125")
    return text


def _paths(value: object) -> tuple[Path, ...]:
    if isinstance(value, str):
        value = [value]
    if not isinstance(value, Sequence):
        raise ValueError("is not a list of folders")
    items = [part for item in value for part in _text(item).split(os.pathsep) if part]
    return tuple(_path(item) for item in items)


def _seconds(value: object) -> float:
    if isinstance(value, str):
        try:
            value = float(value)
        except ValueError:
            value = None
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 < value < 1e7:
        raise ValueError("is not a number of seconds above 0")
    return float(value)


def _intervals(value: object) -> tuple[tuple[str, float], ...]:
    pairs: list[tuple[object, object]] = []
    if isinstance(value, Mapping):
        pairs.extend(value.items())
    else:
        for word in _words(value):
            # NAME=SECONDS is ours, NAME:SECONDS the published engine's.
            name, _, number = word.replace(":", "=", 1).partition("=")
            pairs.append((name, number))
    if not all(name for name, _ in pairs):
        raise ValueError("is not a list of NAME=SECONDS")
    return tuple((_text(name), _seconds(number)) for name, number in pairs)


def _acl(value: object) -> str:
    text = " ".join(_text(value).split())
    if text.lower() in ("open", "creator"):
        return text.lower()
    if not re.fullmatch(r"[a-z0-9]+:\S*:[cdrwa]+( [a-z0-9]+:\S*:[cdrwa]+)*", text):
        raise ValueError("is not open, creator, or an ACL such as sasl:engine:cdrwa sasl:ops:r")
    return text


def whole(low: int, high: int, metavar: str = "N") -> Kind:
    """Return the kind of whole numbers from low to high."""

    def read(value: object) -> int:
        if isinstance(value, str) and re.fullmatch(r"-?\d{1,9}", value.strip(), re.ASCII):
            value = int(value)
        if isinstance(value, bool) or not isinstance(value, int) or not low <= value <= high:
            raise ValueError(f"is not a whole number from {low} to {high}")
        return value

    return Kind(read, metavar, f"a whole number from {low} to {high}")


def one_of(*choices: str, upper: bool = False, metavar: str = "") -> Kind:
    """Return the kind of one word of several, whatever its case."""

    def read(value: object) -> str:
        word = _text(value)
        word = word.upper() if upper else word.lower()
        if word not in choices:
            raise ValueError(f"is not one of {', '.join(choices)}")
        return word

    listed = ", ".join(f"`{choice}`" for choice in choices)
    return Kind(read, metavar or "{" + ",".join(choices) + "}", f"one of {listed}")


TEXT = Kind(_text, "TEXT", "a text")
NAME = Kind(_text, "NAME", "a name")
SECRET = Kind(_secret, "SECRET", "a secret")
URL = Kind(_url, "URL", "a URL, without `/api`")
PATH = Kind(_path, "PATH", "a path")
NODE = Kind(_node, "PATH", "a ZooKeeper path")
SWITCH = Kind(_switch, "", "`true` or `false`", is_switch=True)
ACL = Kind(_acl, "ACL", "`open`, `creator`, or a list of `scheme:id:rights` (rights: `cdrwa`)")
WORDS = Kind(_words, "NAME", "a list of names", is_many=True)
HOSTS = Kind(_hosts, "HOST", "a list of `host:port`, by custom with a chroot", is_many=True)
HOST_PORT = Kind(_host_port, "HOST[:PORT]", "one server, by custom with its port")
HOST_LIST = Kind(_words, "HOST", "a list of hosts", is_many=True)
PATHS = Kind(_paths, "FOLDER", "a list of folders", is_many=True)
SECONDS = Kind(_seconds, "SECONDS", "seconds, above 0")
INTERVALS = Kind(_intervals, "NAME=SECONDS", "a table of seconds by name", is_many=True)
