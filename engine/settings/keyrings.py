"""Secrets in the keyring of the desktop or the system, where the library `keyring` is installed."""

from __future__ import annotations

import importlib
import importlib.util

from engine.errors import SettingsError
from engine.text import clean

PREFIX = "keyring:"
"""What a reference begins with where a secret's file is named: keyring:SERVICE/USER."""
_MOST = 200


def is_installed() -> bool:
    """Whether the library is there."""
    return importlib.util.find_spec("keyring") is not None


def read(reference: str, what: str) -> str:
    """Return the secret that a reference names.

    Args:
        reference: keyring:SERVICE/USER.
        what: names the setting and where it comes from, for errors.

    Raises:
        SettingsError: there is no such secret, no keyring, or no library for it.
    """
    service, _, user = reference.removeprefix(PREFIX).partition("/")
    if not service or not user:
        raise SettingsError(f"{what}: is not of the form {PREFIX}SERVICE/USER")
    if not is_installed():
        raise SettingsError(
            f"{what}: keyrings need the library keyring: pip install 'nuvla-console[keyring]'"
        )
    keyring = importlib.import_module("keyring")
    try:
        secret = keyring.get_password(service, user)
    except Exception as error:  # each keyring has its own, and a locked one is no bug of ours
        reason = clean(str(error) or type(error).__name__, limit=_MOST)
        raise SettingsError(f"{what}: the keyring does not answer: {reason}") from None
    if not isinstance(secret, str) or not secret:
        raise SettingsError(
            f"{what}: the keyring holds nothing for {clean(user, limit=60)} of "
            f"{clean(service, limit=60)}: put it there with 'keyring set SERVICE USER'"
        )
    return secret
