"""What the operator likes, read from one file."""

from __future__ import annotations

from pathlib import Path

import pytest

from engine.errors import SettingsError
from nuvla_console import config


@pytest.fixture
def file(tmp_path: Path) -> Path:
    """Where the preferences are."""
    return tmp_path / "console.toml"


def test_without_a_file_there_are_defaults(file: Path) -> None:
    liked = config.read(file)
    assert liked.theme == "nuvla-dark"
    assert liked.protects("prod-eu")
    assert not liked.protects("staging")


def test_theme_keys_and_protected_profiles_are_read(file: Path) -> None:
    file.write_text(
        'theme = "nuvla-light"\nprotected = ["live"]\n[keymap]\n"area.queue" = "f2"\n', "utf-8"
    )
    liked = config.read(file)
    assert liked.theme == "nuvla-light"
    assert liked.keymap == {"area.queue": "f2"}
    assert liked.protects("live")
    assert not liked.protects("prod")


@pytest.mark.parametrize(
    ("text", "named"),
    [
        ('theme = "pink"', "theme"),
        ("protected = 3", "protected"),
        ('[keymap]\nnothing = "x"', "nothing is no command"),
        ("[keymap]\nquit = 3", "keymap"),
        ("colour = 1", "colour"),
        ("theme =", "cannot be read"),
    ],
)
def test_what_is_wrong_is_named_with_its_file(file: Path, text: str, named: str) -> None:
    file.write_text(text, "utf-8")
    with pytest.raises(SettingsError, match=named) as caught:
        config.read(file)
    assert str(file) in str(caught.value)
