"""The value of the session cookie: a caller and an expiry, signed (contract, section 2.1)."""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import json

from engine.local.api.caller import Caller


class TokenSigner:
    """Makes and reads cookie values with one secret key."""

    def __init__(self, key: bytes) -> None:
        """Args: key: secret; kept with the sessions, so that a restart logs nobody out."""
        self._key = key

    def sign(self, caller: Caller, *, expiry: int) -> str:
        """Return the cookie value of a caller; the expiry is in epoch milliseconds."""
        content = {
            "user-id": caller.user_id,
            "active-claim": caller.active_claim,
            "claims": sorted(caller.claims),
            "session": caller.session,
            "exp": expiry,
        }
        text = base64.urlsafe_b64encode(json.dumps(content).encode()).decode().rstrip("=")
        return f"{text}.{self._signature(text)}"

    def read(self, token: str, *, now: int) -> Caller | None:
        """Return the caller of a cookie value; None where it is not ours or has expired."""
        text, _, signature = token.partition(".")
        if not hmac.compare_digest(signature.encode(), self._signature(text).encode()):
            return None
        try:
            content = json.loads(base64.urlsafe_b64decode(text + "=" * (-len(text) % 4)))
        except (ValueError, binascii.Error):
            return None
        if content["exp"] <= now:
            return None
        return Caller(
            user_id=content["user-id"],
            active_claim=content["active-claim"],
            claims=frozenset(content["claims"]),
            session=content["session"],
        )

    def _signature(self, text: str) -> str:
        return hmac.new(self._key, text.encode("utf-8", "replace"), hashlib.sha256).hexdigest()
