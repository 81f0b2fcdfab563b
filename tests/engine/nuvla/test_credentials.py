"""Credentials: which are chosen, what is missing, and what they show."""

from __future__ import annotations

import base64

import pytest

from engine.errors import SettingsError
from engine.nuvla.credentials import (
    ApiKey,
    Cookies,
    Header,
    Password,
    credentials_from,
    read_cookies,
)
from engine.settings import Secret, Settings

COOKIE_FILE = """#LWP-Cookies-2.0
Set-Cookie3: com.com.sixsq.nuvla.cookie=abc.def-1; path="/"; domain="n.example"; version=0
Set-Cookie3: quoted="a \\"b\\""; path="/"
"""


def encoded(text: str) -> Secret:
    """Return text as JOB_COOKIES has it."""
    return Secret(base64.b64encode(text.encode()).decode())


def test_header_goes_before_cookies_before_key_before_user() -> None:
    everything = {
        "api_authn_header": Secret("h"),
        "api_cookies": encoded(COOKIE_FILE),
        "api_key": "credential/1",
        "api_secret": Secret("s"),
        "api_user": "u",
        "api_pass": Secret("p"),
    }
    chosen = []
    for dropped in (("api_authn_header",), ("api_cookies",), ("api_key", "api_secret"), ()):
        chosen.append(credentials_from(Settings(**everything)))  # type: ignore[arg-type]  # by name
        for name in dropped:
            del everything[name]
    assert [type(one) for one in chosen] == [Header, Cookies, ApiKey, Password]


@pytest.mark.parametrize(
    ("settings", "missing"),
    [
        (Settings(api_key="credential/1"), "api-secret"),
        (Settings(api_secret=Secret("s")), "api-key"),
        (Settings(api_user="u"), "api-pass"),
        (Settings(api_pass=Secret("p")), "api-user"),
        (Settings(), "no credentials"),
    ],
)
def test_a_half_is_missed_by_its_name(settings: Settings, missing: str) -> None:
    with pytest.raises(SettingsError, match=f"^{missing}"):
        credentials_from(settings)


def test_cookies_come_from_the_published_engine_s_variable() -> None:
    cookies = read_cookies(encoded(COOKIE_FILE))
    assert [(name, value.reveal()) for name, value in cookies.values] == [
        ("com.com.sixsq.nuvla.cookie", "abc.def-1"),
        ("quoted", 'a "b"'),
    ]


@pytest.mark.parametrize("value", [Secret("%%%"), encoded("nothing"), Secret("/w==")])
def test_cookies_that_are_none_are_refused(value: Secret) -> None:
    with pytest.raises(SettingsError, match=r"^api-cookies"):
        read_cookies(value)


def test_what_credentials_show_tells_them_apart_and_gives_nothing_away() -> None:
    key = ApiKey("credential/3f1c0e52-6f2c-4f0e-9a0b-2f2f6f1f4b11", Secret("canary"))
    shown = [key, Password("super", Secret("canary")), Header(Secret("canary"))]
    assert "canary" not in "".join(f"{one} {one!r}" for one in shown)
    assert str(key) == "API key 3f1c0e52…"
