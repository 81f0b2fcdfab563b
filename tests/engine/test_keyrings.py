"""Secrets by reference to a keyring."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from types import ModuleType

import pytest

from engine.errors import SettingsError
from engine.settings import keyrings, load


def put_keyring(monkeypatch: pytest.MonkeyPatch, held: Mapping[tuple[str, str], str]) -> None:
    """Let the library be there, with these secrets by service and user."""

    def get_password(service: str, user: str) -> str | None:
        if service == "locked":
            raise RuntimeError("the collection\x1b[2J is locked")
        return held.get((service, user))

    module = ModuleType("keyring")
    module.get_password = get_password  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "keyring", module)
    monkeypatch.setattr(keyrings, "is_installed", lambda: True)


def test_a_secret_is_read_from_the_keyring_that_a_reference_names(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    put_keyring(monkeypatch, {("nuvla", "credential/ab-1"): "hush"})
    environ = {"NUVLA_API_SECRET_FILE": "keyring:nuvla/credential/ab-1"}
    settings = load(environ=environ, folders=[])
    assert settings.api_secret is not None
    assert settings.api_secret.reveal() == "hush"


@pytest.mark.parametrize(
    ("reference", "said"),
    [
        ("keyring:nuvla", "is not of the form keyring:SERVICE/USER"),
        ("keyring:/x", "is not of the form"),
        ("keyring:nuvla/nobody", "holds nothing for nobody of nuvla"),
        ("keyring:locked/x", "does not answer: the collection"),
    ],
)
def test_what_cannot_be_read_is_explained_with_its_source(
    monkeypatch: pytest.MonkeyPatch, reference: str, said: str
) -> None:
    put_keyring(monkeypatch, {})
    with pytest.raises(SettingsError, match=said) as raised:
        load(environ={"NUVLA_API_PASS_FILE": reference}, folders=[])
    assert "NUVLA_API_PASS_FILE" in str(raised.value)
    assert "\x1b" not in str(raised.value)


def test_without_the_library_it_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(keyrings, "is_installed", lambda: False)
    with pytest.raises(SettingsError, match=r"nuvla-console\[keyring\]"):
        load(environ={"NUVLA_API_PASS_FILE": "keyring:nuvla/x"}, folders=[])
