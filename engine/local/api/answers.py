"""HTTP answers: JSON bodies, errors, cookies (contract, sections 0, 2.2 and 6)."""

from __future__ import annotations

from typing import Any

from starlette.responses import Response

from engine.local.api import pretty
from engine.local.api.faults import Fault

_JSON = "application/json"
_JSON_UTF8 = "application/json; charset=utf-8"


def answer(body: Any, status: int = 200, *, headers: dict[str, str] | None = None) -> Response:
    """Return a JSON answer."""
    return Response(pretty.encode(body), status, headers, _JSON)


def with_charset(response: Response) -> Response:
    """Name the charset, as the real server does on some answers."""
    response.headers["content-type"] = _JSON_UTF8
    return response


def created(resource_id: str) -> Response:
    """Answer that a resource has been made."""
    body = {"status": 201, "message": f"{resource_id} created", "resource-id": resource_id}
    return with_charset(answer(body, 201, headers={"location": resource_id}))


def deleted(resource_id: str) -> Response:
    """Answer that a resource has been removed."""
    return answer({"status": 200, "message": f"{resource_id} deleted", "resource-id": resource_id})


def failed(fault: Fault) -> Response:
    """Return the answer that a fault becomes."""
    body: dict[str, Any] = {"status": fault.status, "message": fault.message}
    if fault.resource_id is not None:
        body["resource-id"] = fault.resource_id
    return answer(body, fault.status)


def malformed() -> Response:
    """Answer a body that cannot be read: the one error that is no JSON."""
    return Response("Malformed JSON in request body.", 400, media_type="text/plain")
