"""The first start: a form, a try of both, and a profile that only its owner can read."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from textual.widgets import Input, RadioButton

from engine.errors import SettingsError
from engine.settings import keyrings, load
from nuvla_console import setup
from nuvla_console.screens.setup import SetupApp
from nuvla_console.setup import IN_FILE, IN_SETTINGS, IN_VARIABLE, Draft
from tests.engine.test_keyrings import put_keyring
from tests.faults.ports import steady_port
from tests.local_api import LocalApi


@pytest.fixture
def draft(zk_hosts: str, local_api: LocalApi, tmp_path: Path) -> Draft:
    """A draft that is right, with its secret in a file."""
    secret = tmp_path / "secret"
    secret.write_text(local_api.password, "utf-8")
    secret.chmod(0o600)
    return Draft(
        name="here",
        zk_hosts=zk_hosts,
        api_url=local_api.url,
        who=local_api.user,
        keeps=IN_FILE,
        secret=str(secret),
    )


def test_both_answer_where_all_is_right(draft: Draft) -> None:
    assert setup.try_zookeeper(draft) is None
    assert setup.try_api(draft) is None


def test_what_is_wrong_is_said_of_the_one_that_is_wrong(draft: Draft, tmp_path: Path) -> None:
    other = tmp_path / "other"
    other.write_text("not-the-password", "utf-8")
    other.chmod(0o600)
    assert setup.try_api(replace(draft, secret=str(other)))
    wrong = replace(draft, zk_hosts="not a host list!")
    assert "zk-hosts" in (setup.try_zookeeper(wrong) or "")
    assert "not-the-password" not in (setup.try_api(replace(draft, secret=str(other))) or "")


def test_an_api_that_is_not_there_is_said_to_be_unreachable(draft: Draft) -> None:
    gone = replace(draft, api_url=f"http://127.0.0.1:{steady_port()}")
    assert setup.try_api(gone)


@pytest.mark.parametrize("keeps", [IN_FILE, IN_VARIABLE, IN_SETTINGS])
def test_a_saved_profile_is_private_and_reads_back(
    draft: Draft, tmp_path: Path, keeps: str, local_api: LocalApi
) -> None:
    secret = {IN_FILE: draft.secret, IN_VARIABLE: "", IN_SETTINGS: local_api.password}[keeps]
    path = setup.save(replace(draft, keeps=keeps, secret=secret), tmp_path / "config")
    assert path.stat().st_mode & 0o077 == 0
    environ = {draft.variable: local_api.password} if keeps == IN_VARIABLE else {}
    settings = load(environ=environ, folders=[path.parent])
    assert settings.profile == "here"
    assert settings.api_pass is not None
    assert settings.api_pass.reveal() == local_api.password
    if keeps != IN_SETTINGS:
        assert local_api.password not in path.read_text("utf-8")


def test_a_second_profile_joins_the_first_and_a_name_is_used_once(
    draft: Draft, tmp_path: Path
) -> None:
    setup.save(draft, tmp_path)
    path = setup.save(replace(draft, name="there"), tmp_path)
    assert load(environ={}, folders=[tmp_path]).profile == "here"
    assert "[profile.there]" in path.read_text("utf-8")
    with pytest.raises(SettingsError, match="already"):
        setup.save(draft, tmp_path)
    with pytest.raises(SettingsError, match="letters"):
        setup.save(replace(draft, name="no.dots"), tmp_path)


async def test_the_form_tries_both_and_saves(draft: Draft, tmp_path: Path) -> None:
    app = SetupApp(folder=tmp_path / "config")
    async with app.run_test(size=(80, 24)) as pilot:
        for key in ("name", "zk_hosts", "api_url", "who", "secret"):
            app.query_one(f"#{key}", Input).value = getattr(draft, key)
        await pilot.press("ctrl+t")
        await app.workers.wait_for_complete()
        await pilot.pause()
        said = str(app.query_one("#said").render())
        assert "ZooKeeper answers" in said
        assert "the API answers" in said
        await pilot.press("ctrl+s")
        await pilot.pause()
    assert app.return_value == "here"
    assert load(environ={}, folders=[tmp_path / "config"]).zk_hosts == draft.zk_hosts


async def test_a_secret_in_the_settings_file_takes_a_second_word(
    draft: Draft, tmp_path: Path
) -> None:
    app = SetupApp(folder=tmp_path / "config")
    async with app.run_test(size=(80, 24)) as pilot:
        for key in ("name", "zk_hosts", "api_url", "who"):
            app.query_one(f"#{key}", Input).value = getattr(draft, key)
        app.query_one("#in-settings", RadioButton).value = True
        await pilot.pause()
        box = app.query_one("#secret", Input)
        assert box.password
        box.value = "hush"
        await pilot.press("ctrl+s")
        await pilot.pause()
        assert "0600" in str(app.query_one("#said").render())
        assert not (tmp_path / "config").exists()
        await pilot.press("ctrl+s")
        await pilot.pause()
    assert app.return_value == "here"


async def test_the_keyring_is_offered_where_its_library_is_there(
    draft: Draft, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(keyrings, "is_installed", lambda: False)
    app = SetupApp(folder=tmp_path / "config")
    async with app.run_test(size=(80, 24)):
        assert not app.query("#in-keyring")
    monkeypatch.setattr(keyrings, "is_installed", lambda: True)
    put_keyring(monkeypatch, {("nuvla", "prod"): draft.secret})
    app = SetupApp(folder=tmp_path / "config")
    async with app.run_test(size=(80, 24)) as pilot:
        for key in ("name", "zk_hosts", "api_url", "who"):
            app.query_one(f"#{key}", Input).value = getattr(draft, key)
        app.query_one("#in-keyring", RadioButton).value = True
        await pilot.pause()
        assert "keyring set" in app.query_one("#secret", Input).placeholder
        app.query_one("#secret", Input).value = "nuvla/prod"
        await pilot.press("ctrl+s")
        await pilot.pause()
    assert app.return_value == "here"
    kept = load(environ={}, folders=[tmp_path / "config"])
    assert kept.api_pass is not None
    assert kept.api_pass.reveal() == draft.secret
    assert draft.secret not in (tmp_path / "config" / "settings.toml").read_text("utf-8")
