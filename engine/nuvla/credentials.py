"""Who we are to the API, and how that is proved."""

from __future__ import annotations

import base64
import binascii
import re
from dataclasses import dataclass

from engine.errors import SettingsError
from engine.settings import Secret, Settings


@dataclass(frozen=True, slots=True)
class Password:
    """A user's name and password."""

    user: str
    password: Secret

    def __str__(self) -> str:
        return f"user {self.user!r}"

    def template(self) -> dict[str, str]:
        """Return what is posted to log in."""
        return {
            "href": "session-template/password",
            "username": self.user,
            "password": self.password.reveal(),
        }


@dataclass(frozen=True, slots=True)
class ApiKey:
    """An API key and its secret."""

    key: str
    secret: Secret

    def __str__(self) -> str:
        # Enough to tell it from others.
        return f"API key {self.key.removeprefix('credential/')[:8]}…"

    def template(self) -> dict[str, str]:
        """Return what is posted to log in."""
        return {
            "href": "session-template/api-key",
            "key": self.key,
            "secret": self.secret.reveal(),
        }


@dataclass(frozen=True, slots=True)
class Header:
    """An identity that the API believes unproved, inside a cluster."""

    value: Secret

    def __str__(self) -> str:
        return "the identity of api-authn-header"


@dataclass(frozen=True, slots=True)
class Cookies:
    """The cookies of a session that somebody else opened."""

    values: tuple[tuple[str, Secret], ...]

    def __str__(self) -> str:
        return "the session of JOB_COOKIES"


Credentials = Password | ApiKey | Header | Cookies


def credentials_from(settings: Settings) -> Credentials:
    """Return the credentials that settings give; header before cookies, key before user.

    Raises:
        SettingsError: there are none, or a half is missing.
    """
    if settings.api_authn_header is not None:
        return Header(settings.api_authn_header)
    if settings.api_cookies is not None:
        return read_cookies(settings.api_cookies)
    if settings.api_key is not None or settings.api_secret is not None:
        if settings.api_key is None or settings.api_secret is None:
            missing = "api-key" if settings.api_key is None else "api-secret"
            raise SettingsError(f"{missing}: is missing; an API key has an id and a secret")
        return ApiKey(settings.api_key, settings.api_secret)
    if settings.api_user is not None and settings.api_pass is not None:
        return Password(settings.api_user, settings.api_pass)
    if settings.api_user is not None or settings.api_pass is not None:
        missing = "api-user" if settings.api_user is None else "api-pass"
        raise SettingsError(f"{missing}: is missing; a log-in needs a user and a password")
    raise SettingsError(
        "no credentials for the API: set api-key and api-secret, api-user and api-pass, "
        "or api-authn-header"
    )


def read_cookies(encoded: Secret) -> Cookies:
    """Return the cookies in JOB_COOKIES: libwww-perl's cookie file, in base64.

    Raises:
        SettingsError: it is not that, or holds no cookie.
    """
    try:
        text = base64.b64decode(encoded.reveal(), validate=True).decode("utf-8")
    except (binascii.Error, UnicodeDecodeError):
        raise SettingsError("api-cookies: is not base64 of a cookie file") from None
    found = re.findall(
        r'^Set-Cookie3:\s*([^=;\s"]+)=("(?:[^"\\\r\n]|\\.)*"|[^;\s]*)', text, re.MULTILINE
    )
    if not found:
        raise SettingsError("api-cookies: holds no cookie")
    return Cookies(tuple((name, Secret(_unquoted(value))) for name, value in found))


def _unquoted(value: str) -> str:
    return re.sub(r"\\(.)", r"\1", value[1:-1]) if value.startswith('"') else value
