"""Profiles: what holds for the one that is started with, and what for those gone to later."""

from __future__ import annotations

from argparse import ArgumentParser, Namespace
from pathlib import Path

import pytest

from engine.settings import add_arguments, load
from nuvla_console.config import Preferences
from nuvla_console.profiles import is_new_here, read_profiles

FILE = """
default-profile = "test"
[profile.test]
zk-hosts = "zk-test:2181"
api-url = "https://test.example.org"
api-user = "me"
api-pass = "secret"
[profile.prod]
zk-hosts = "zk-prod:2181"
api-url = "https://prod.example.org"
api-user = "me"
api-pass = "secret"
"""


def given(*arguments: str) -> Namespace:
    """Return the arguments as the command reads them."""
    parser = ArgumentParser()
    add_arguments(parser, "console")
    return parser.parse_args(arguments)


@pytest.fixture
def settings_file(tmp_path: Path) -> Path:
    """A settings file with two profiles."""
    path = tmp_path / "settings.toml"
    path.write_text(FILE, "utf-8")
    path.chmod(0o600)
    return path


def test_all_profiles_of_the_files_can_be_gone_to(settings_file: Path) -> None:
    profiles, start, _ = read_profiles(given("--config", str(settings_file)), Preferences())
    assert start == "test"
    assert {name: p.protected for name, p in profiles.items()} == {"test": False, "prod": True}


def test_flags_and_variables_hold_for_the_first_profile_alone(
    settings_file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("NUVLA_API_URL", "https://elsewhere.example.org")
    arguments = given("--config", str(settings_file), "--zk-hosts", "zk-flag:2181")
    profiles, start, _ = read_profiles(arguments, Preferences())
    first, other = profiles[start].connect().store, profiles["prod"].connect().store
    assert first.picture.zookeeper.where == "zk-flag:2181"
    assert first.picture.api.where == "https://elsewhere.example.org"
    assert other.picture.zookeeper.where == "zk-prod:2181"
    assert other.picture.api.where == "https://prod.example.org"


def test_it_is_new_here_only_where_nothing_was_ever_set(
    settings_file: Path, tmp_path: Path
) -> None:
    nothing = given()
    assert is_new_here(nothing, load(nothing, environ={}, folders=[tmp_path / "none"]))
    told = given("--zk-hosts", "127.0.0.1:2181")
    assert not is_new_here(told, load(told, environ={}, folders=[tmp_path / "none"]))
    filed = given("--config", str(settings_file))
    assert not is_new_here(filed, load(filed, environ={}))
