"""The ASGI application: decode, route, answer, and turn faults into answers."""

from __future__ import annotations

import logging
from collections.abc import Callable

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import Route
from starlette.types import Receive, Scope, Send

from engine.errors import ZooKeeperError
from engine.local.api import answers, request
from engine.local.api.caller import Caller
from engine.local.api.entry_point import NAME as ENTRY_POINT
from engine.local.api.faults import Fault, MalformedBody
from engine.local.api.routes import Routes, is_api

logger = logging.getLogger(__name__)

ReadCookie = Callable[[str], Caller | None]


class _Endpoint:
    """Serves every path and every method: the contract's table is not a framework's."""

    def __init__(self, routes: Routes, read_cookie: ReadCookie) -> None:
        self._routes = routes
        self._read_cookie = read_cookie

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        response = await self._answer(Request(scope, receive))
        await response(scope, receive, send)

    async def _answer(self, received: Request) -> Response:
        if received.method == "OPTIONS":
            return Response(status_code=204)
        if not is_api(received.scope["path"]):
            return RedirectResponse(f"/api/{ENTRY_POINT}", 302)
        try:
            call = await request.decode(received, read_cookie=self._read_cookie)
            return await self._routes.serve(call)
        except Fault as fault:
            return answers.failed(fault)
        except MalformedBody:
            return answers.malformed()
        except ZooKeeperError as error:
            logger.warning("%s %s: %s", received.method, received.scope["path"], error)
            return answers.failed(Fault(500, f"Unexpected exception thrown: {error}"))
        except Exception as error:
            # One broken request must not show as anything but the contract's 500.
            logger.exception("%s %s failed", received.method, received.scope["path"])
            return answers.failed(Fault(500, f"Unexpected exception thrown: {error!r}"))


def build(routes: Routes, *, read_cookie: ReadCookie) -> Starlette:
    """Return the application."""
    return Starlette(routes=[Route("/{path:path}", _Endpoint(routes, read_cookie))])
