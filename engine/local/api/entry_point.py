"""The cloud entry point: what there is, and where (contract, section 1)."""

from __future__ import annotations

from typing import Any

from starlette.responses import Response

from engine.local.api import answers, faults, instants
from engine.local.api.caller import ADMIN, ANONYMOUS_GROUP
from engine.local.api.request import Call

NAME = "cloud-entry-point"
TYPES = ("job", "session", "session-template", NAME)


class EntryPointHandlers:
    """What the API does with its entry point."""

    def __init__(self, *, opened: int) -> None:
        """Args: opened: epoch milliseconds: since when it is there."""
        self._opened = instants.to_text(opened)

    async def read(self, call: Call) -> Response:
        """Show it."""
        return answers.with_charset(answers.answer(self._shown(call)))

    async def edit(self, call: Call) -> Response:
        """Refuse, unless the caller is an administrator, who changes nothing of substance."""
        if not call.caller.is_admin:
            raise faults.forbidden(NAME)
        return await self.read(call)

    def _shown(self, call: Call) -> dict[str, Any]:
        shown: dict[str, Any] = {
            "id": NAME,
            "resource-type": NAME,
            "created": self._opened,
            "updated": self._opened,
            "acl": {
                "owners": [ADMIN],
                "view-acl": [ANONYMOUS_GROUP],
                "view-data": [ANONYMOUS_GROUP],
                "view-meta": [ANONYMOUS_GROUP],
            },
            "base-uri": call.base_uri,
            "collections": {name: {"href": name} for name in TYPES},
        }
        if call.caller.is_admin:
            shown["operations"] = [{"rel": "edit", "href": NAME}]
        return shown
