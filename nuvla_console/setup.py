"""The first start: what was typed into the form becomes a profile of the settings file."""

from __future__ import annotations

import json
import os
import re
import tempfile
import tomllib
from argparse import Namespace
from dataclasses import dataclass
from pathlib import Path

from engine.errors import ApiError, SettingsError
from engine.nuvla.client import NuvlaClient
from engine.settings import Settings, keyrings, load
from engine.settings.flags import PROFILE
from engine.settings.load import FILE_NAME, config_folders
from engine.text import clean
from engine.zookeeper.opening import make_zookeeper

CONNECT_SECONDS = 5.0
_NAME = re.compile(r"[A-Za-z0-9_-]{1,40}", re.ASCII)

IN_FILE, IN_VARIABLE, IN_KEYRING, IN_SETTINGS = "file", "variable", "keyring", "settings"


@dataclass(frozen=True, slots=True, kw_only=True)
class Draft:
    """What was typed into the form."""

    name: str = "default"
    zk_hosts: str = ""
    api_url: str = ""
    who: str = ""
    """A user's name, or the id of an API key (credential/...)."""
    keeps: str = IN_FILE
    """Where the secret is kept: in a file of its own, in a variable, in the keyring, or in the
    settings file."""
    secret: str = ""
    """The secret, the path of its file, or SERVICE/USER in the keyring; empty for a variable."""

    @property
    def is_key(self) -> bool:
        """Whether `who` is an API key."""
        return self.who.startswith("credential/")

    @property
    def variable(self) -> str:
        """The variable that a secret can be kept in."""
        return "NUVLA_API_SECRET" if self.is_key else "NUVLA_API_PASS"

    def to_toml(self) -> str:
        """Return the profile's table.

        Raises:
            SettingsError: the profile's name cannot be used.
        """
        if not _NAME.fullmatch(self.name):
            raise SettingsError("profile: its name takes letters, digits, - and _ only")
        secret = "api-secret" if self.is_key else "api-pass"
        values = {
            "zk-hosts": self.zk_hosts,
            "api-url": self.api_url,
            "api-key" if self.is_key else "api-user": self.who,
            f"{secret}-file": self._reference(),
            secret: self.secret if self.keeps == IN_SETTINGS else "",
        }
        # A JSON string is a TOML string, too.
        lines = [f"{k} = {json.dumps(v, ensure_ascii=False)}" for k, v in values.items() if v]
        return "\n".join([f"[profile.{self.name}]", *lines, ""])

    def _reference(self) -> str:
        if self.keeps == IN_KEYRING:
            return f"{keyrings.PREFIX}{self.secret}"
        return self.secret if self.keeps == IN_FILE else ""


def settings_of(draft: Draft) -> Settings:
    """Return the settings that the draft would make, read as they would be at the next start.

    Raises:
        SettingsError: a value is wrong.
    """
    with tempfile.TemporaryDirectory(prefix="nuvla-console-") as folder:
        _write_private(Path(folder) / FILE_NAME, draft.to_toml())
        return load(Namespace(**{PROFILE: draft.name}), folders=[Path(folder)])


def try_zookeeper(draft: Draft) -> str | None:
    """Connect to ZooKeeper; return what is wrong, or None where it answers."""
    try:
        zk = make_zookeeper(settings_of(draft))
    except SettingsError as error:
        return str(error)
    zk.start()
    try:
        if zk.wait_connected(CONNECT_SECONDS):
            return None
        return clean(f"not reached within {CONNECT_SECONDS:g} s: {zk.trouble}", limit=300)
    finally:
        zk.close(timeout=1.0)


def try_api(draft: Draft) -> str | None:
    """Log in and ask for jobs; return what is wrong, or None where the API answers."""
    try:
        with NuvlaClient.from_settings(settings_of(draft)) as client:
            client.probe()
    except (SettingsError, ApiError) as error:
        return clean(str(error), limit=300)
    return None


def save(draft: Draft, folder: Path | None = None) -> Path:
    """Add the profile to the settings file, readable by its owner alone; return the file.

    Raises:
        SettingsError: the file cannot be written, or has a profile of that name.
    """
    path = (folder or config_folders()[-1]) / FILE_NAME
    try:
        before = path.read_text(encoding="utf-8") if path.exists() else ""
        table = tomllib.loads(before)
        if draft.name in table.get("profile", {}):
            raise SettingsError(f"profile: {path} has a profile {draft.name} already")
        head = "" if "default-profile" in table else f"default-profile = {json.dumps(draft.name)}\n"
        body = f"{before.rstrip()}\n\n" if before.strip() else "\n"
        path.parent.mkdir(parents=True, exist_ok=True)
        _write_private(path, f"{head}{body}{draft.to_toml()}")
    except (OSError, tomllib.TOMLDecodeError) as error:
        raise SettingsError(f"settings file {path} cannot be written: {error}") from error
    return path


def _write_private(path: Path, text: str) -> None:
    """Write a file that nobody else can ever read, not even for a moment; whole or not at all."""
    handle, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
    with os.fdopen(handle, "w", encoding="utf-8") as file:
        file.write(text)
    os.replace(name, path)
