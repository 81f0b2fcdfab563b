"""Sessions and their templates over HTTP (contract, section 2)."""

from __future__ import annotations

from email.utils import formatdate
from typing import Any

from starlette.responses import Response

from engine.local.api import accounts, acl, answers, faults, instants, sessions
from engine.local.api.caller import ADMIN, ANONYMOUS_GROUP, Caller
from engine.local.api.jobs import Document
from engine.local.api.offload import Offload
from engine.local.api.request import COOKIE, Call
from engine.local.api.tokens import TokenSigner

_PUBLIC = {
    "owners": [ADMIN],
    "view-acl": [ANONYMOUS_GROUP],
    "view-data": [ANONYMOUS_GROUP],
    "view-meta": [ANONYMOUS_GROUP],
}
_TEMPLATE_ATTRIBUTES = {
    sessions.PASSWORD: {"username": "username", "password": "password"},
    sessions.API_KEY: {"key": "key", "secret": "secret"},
}


class SessionHandlers:
    """What the API does with sessions."""

    def __init__(self, offload: Offload, signer: TokenSigner, *, opened: int) -> None:
        """Args:
        offload: reads and writes users and sessions, and checks passwords.
        signer: makes the cookies.
        opened: epoch milliseconds: the age of what is built in.
        """
        self._offload = offload
        self._signer = signer
        self._opened = instants.to_text(opened)

    def read_cookie(self, token: str) -> Caller | None:
        """Return the caller of a cookie; None where it is not ours, or its session has ended."""
        caller = self._signer.read(token, now=instants.now_ms())
        return caller if caller and self._current(caller) else None

    async def query(self, call: Call) -> Response:
        """List the caller's current session, and no other."""
        session = self._current(call.caller)
        found = [sessions.shown(session, call.caller)] if session else []
        return answers.answer(
            _collection("session", found, call, operations=[{"rel": "add", "href": "session"}])
        )

    def _current(self, caller: Caller) -> Document | None:
        if caller.session is None:
            return None
        session = self._stored(caller.session)
        visible = session and acl.may_view(acl.rights(session["acl"], caller))
        return session if visible else None

    async def log_in(self, call: Call) -> Response:
        """Check credentials, make a session and hand out its cookie."""
        body = {"template": call.form} if call.form else call.document("session")
        now = instants.now_ms()
        identity = await self._offload.read(
            lambda connection: sessions.authenticate(connection, body, now=now)
        )
        caller = await self._offload.write(
            lambda connection: sessions.begin(connection, identity, body, now=now)
        )
        response = answers.created(str(caller.session))
        self._hand_out(response, caller, call, now)
        return response

    async def read(self, call: Call, session_id: str) -> Response:
        """Show one session."""
        session = self._find(session_id)
        if not acl.may_view(acl.rights(session["acl"], call.caller)):
            raise faults.forbidden(session_id)
        return answers.answer(_selected(sessions.shown(session, call.caller), call))

    async def log_out(self, call: Call, session_id: str) -> Response:
        """End a session and take the cookie back."""
        session = self._find(session_id)
        if "delete" not in acl.rights(session["acl"], call.caller):
            raise faults.forbidden(session_id)
        await self._offload.write(lambda connection: sessions.delete(connection, session_id))
        response = answers.deleted(session_id)
        expires = formatdate(instants.now_ms() / 1000, usegmt=True)
        response.headers.append(
            "set-cookie", f"{COOKIE}=INVALID; Path=/; Max-Age=0; Expires={expires}"
        )
        return response

    async def switch_group(self, call: Call, session_id: str) -> Response:
        """Take another of the user's claims."""
        session = self._managed(call, session_id)
        claim = call.document(session_id).get("claim")
        now = instants.now_ms()
        switched, caller = await self._offload.write(
            lambda connection: sessions.switch_group(connection, session, claim, now=now)
        )
        response = answers.answer(sessions.shown(switched, caller))
        self._hand_out(response, caller, call, now)
        return response

    async def get_groups(self, call: Call, session_id: str) -> Response:
        """List the groups that the session may switch to."""
        session = self._managed(call, session_id)
        user = self._offload.read_here(
            lambda connection: accounts.user_by_id(connection, session["user"])
        )
        groups = user.groups if user else ()
        return answers.answer([{"id": group} for group in groups])

    async def get_peers(self, call: Call, session_id: str) -> Response:
        """List the users that the session's user shares a group with: none, in this server."""
        self._managed(call, session_id)
        return answers.answer({})

    async def query_templates(self, call: Call) -> Response:
        """List the ways to log in."""
        templates = [self._template(name) for name in _TEMPLATE_ATTRIBUTES]
        return answers.answer(_collection("session-template", templates, call))

    async def read_template(self, call: Call, template_id: str) -> Response:
        """Show one way to log in."""
        if template_id not in _TEMPLATE_ATTRIBUTES:
            raise faults.not_found(template_id)
        return answers.answer(_selected(self._template(template_id), call))

    def _template(self, template_id: str) -> Document:
        method = template_id.partition("/")[2]
        return {
            "id": template_id,
            "resource-type": "session-template",
            "name": method,
            "description": f"log in with {method}",
            "method": method,
            "instance": method,
            **_TEMPLATE_ATTRIBUTES[template_id],
            "created": self._opened,
            "updated": self._opened,
            "acl": _PUBLIC,
        }

    def _find(self, session_id: str) -> Document:
        session = self._stored(session_id)
        if session is None:
            raise faults.not_found(session_id)
        return session

    def _stored(self, session_id: str) -> Document | None:
        return self._offload.read_here(lambda connection: sessions.find(connection, session_id))

    def _managed(self, call: Call, session_id: str) -> Document:
        session = self._find(session_id)
        if "manage" not in acl.rights(session["acl"], call.caller):
            raise faults.forbidden(session_id)
        return session

    def _hand_out(self, response: Response, caller: Caller, call: Call, now: int) -> None:
        expiry = now + sessions.LIFETIME_MS
        # Over plain HTTP a client would not send a Secure cookie back.
        secure = " Secure;" if call.is_secure else ""
        response.headers.append(
            "set-cookie",
            f"{COOKIE}={self._signer.sign(caller, expiry=expiry)}; Path=/;{secure} HttpOnly; "
            f"Expires={formatdate(expiry / 1000, usegmt=True)}",
        )


def _collection(
    name: str,
    found: list[Document],
    call: Call,
    *,
    operations: list[dict[str, str]] | None = None,
) -> dict[str, Any]:
    page = found[call.params.first - 1 : call.params.last]
    collection = {
        "count": len(found),
        "acl": {"query": [ANONYMOUS_GROUP], "add": [ANONYMOUS_GROUP]},
        "resource-type": f"{name}-collection",
        "id": name,
        "resources": [_selected(document, call) for document in page],
    }
    return collection | ({"operations": operations} if operations else {})


def _selected(document: Document, call: Call) -> Document:
    wanted = call.params.select
    if not wanted:
        return document
    return {key: value for key, value in document.items() if key == "id" or key in wanted}
