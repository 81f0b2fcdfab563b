"""Keeps secrets out of logs and records, whoever writes them and in whatever form."""

from __future__ import annotations

import base64
import json
import re
from collections.abc import Iterable
from urllib.parse import quote, quote_plus

from engine.settings.secret import MASK, Secret

SHORTEST = 4
"""Characters; a shorter secret would blot out common words, and is none."""

# What no setting holds: the cookies that a log-in gives, and the password of a ZooKeeper session,
# with which anyone could take it over. kazoo writes the latter at level DEBUG.
_BY_NAME = (
    re.compile(r"(sixsq\.nuvla\.cookie=)[^;\s'\"]+"),
    re.compile(r"(nuvla-authn-info['\"]?\s*[:=]\s*['\"]?)[^\r\n'\"]+", re.IGNORECASE),
    re.compile(r"(passwd=b?)(?:'(?:[^'\\]|\\.)*'|\"(?:[^\"\\]|\\.)*\")"),
    re.compile(r"(://)[^/@\s:]+:[^/@\s]+(?=@)"),
)


class Redactor:
    """Replaces the secrets in a text."""

    def __init__(self, secrets: Iterable[Secret]) -> None:
        forms = {form for secret in secrets for form in _forms(secret.reveal())}
        # The longest first: a secret may hold another.
        listed = sorted((form for form in forms if len(form) >= SHORTEST), key=len, reverse=True)
        self._known = re.compile("|".join(map(re.escape, listed))) if listed else None

    def __call__(self, text: str) -> str:
        """Return the text without secrets."""
        if self._known is not None:
            text = self._known.sub(MASK, text)
        if "=" in text or ":" in text:
            for pattern in _BY_NAME:
                text = pattern.sub(rf"\g<1>{MASK}", text)
        return text


def _forms(secret: str) -> set[str]:
    """Return a secret as it may stand in a log: itself, its parts, quoted, encoded."""
    parts = {secret}
    if secret.count(":") >= 2:
        # SCHEME:USER:PASSWORD of ZooKeeper; its library logs the last two together.
        parts |= {secret.split(":", 1)[1], secret.split(":", 2)[2]}
    forms = set(parts)
    for part in parts:
        forms |= {quote(part), quote_plus(part), json.dumps(part)[1:-1], repr(part)[1:-1]}
        forms.add(base64.b64encode(part.encode("utf-8", "surrogateescape")).decode())
    return forms
