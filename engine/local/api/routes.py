"""Which handler serves which path and method (contract, section 0, "Routing table")."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

from starlette.responses import Response

from engine.local.api import entry_point
from engine.local.api.entry_point import EntryPointHandlers
from engine.local.api.faults import Fault
from engine.local.api.job_handlers import JobHandlers
from engine.local.api.request import Call
from engine.local.api.session_handlers import SessionHandlers

OnCollection = Callable[[Call], Awaitable[Response]]
OnResource = Callable[[Call, str], Awaitable[Response]]

_PREFIX = "/api/"


class Routes:
    """The routing table."""

    def __init__(
        self, *, jobs: JobHandlers, sessions: SessionHandlers, entry: EntryPointHandlers
    ) -> None:
        """Args: the handlers of each type."""
        self._collections: dict[tuple[str, str], OnCollection] = {
            (entry_point.NAME, "get"): entry.read,
            (entry_point.NAME, "put"): entry.edit,
            ("job", "get"): jobs.query,
            ("job", "put"): jobs.query,
            ("job", "post"): jobs.add,
            ("job", "delete"): jobs.delete_bulk,
            ("session", "get"): sessions.query,
            ("session", "put"): sessions.query,
            ("session", "post"): sessions.log_in,
            ("session-template", "get"): sessions.query_templates,
            ("session-template", "put"): sessions.query_templates,
        }
        self._resources: dict[tuple[str, str], OnResource] = {
            ("job", "get"): jobs.read,
            ("job", "put"): jobs.edit,
            ("job", "delete"): jobs.delete,
            ("session", "get"): sessions.read,
            ("session", "delete"): sessions.log_out,
            ("session-template", "get"): sessions.read_template,
        }
        self._actions: dict[tuple[str, str], OnResource] = {
            ("job", "cancel"): jobs.cancel,
            ("job", "timeout"): jobs.time_out,
            ("job", "get-context"): jobs.get_context,
            ("session", "switch-group"): sessions.switch_group,
            ("session", "get-groups"): sessions.get_groups,
            ("session", "get-peers"): sessions.get_peers,
        }

    async def serve(self, call: Call) -> Response:
        """Answer a call.

        Raises:
            Fault: whatever the contract answers instead.
        """
        parts = call.path.removeprefix(_PREFIX).split("/")
        method = "get" if call.method == "head" else call.method
        match parts:
            case [kind] if on_collection := self._collections.get((kind, method)):
                return await on_collection(call)
            case [kind]:
                raise _invalid_method(call)
            case [kind, action] if method == "patch":
                # A PATCH of a resource reads as a bulk action of its type.
                raise _undefined_action(call, kind, action)
            case [kind, uuid] if uuid:
                if on_resource := self._resources.get((kind, method)):
                    return await on_resource(call, f"{kind}/{uuid}")
                raise _invalid_method(call)
            case [kind, uuid, action] if uuid and action:
                # Any method runs the action.
                if on_resource := self._actions.get((kind, action)):
                    return await on_resource(call, f"{kind}/{uuid}")
                raise _undefined_action(call, kind, action)
        raise Fault(404, "unknown resource", call.path)


def is_api(path: str) -> bool:
    """Whether a path names something of the API; all others lead to its entry point."""
    return path.startswith(_PREFIX) and len(path) > len(_PREFIX)


def _invalid_method(call: Call) -> Fault:
    return Fault(405, f"invalid method ({call.method}) for {call.path}", call.path)


def _undefined_action(call: Call, kind: str, action: str) -> Fault:
    message = f'undefined action ({call.method}, ["{kind}" "{action}"]) for {call.path}'
    return Fault(404, message, call.path)
