"""What an answer means: its status as an error, its body as a JSON object."""

from __future__ import annotations

import json
from typing import Any, NoReturn

from engine.errors import (
    ApiError,
    ApiRefused,
    ApiUnavailable,
    EditConflict,
    MalformedAnswer,
    NotFound,
)
from engine.nuvla.connection import Answer
from engine.nuvla.transport import Request
from engine.text import clean

MAX_RETRY_AFTER = 3600.0
"""Seconds; a server that asks for more is asked again after this."""


def check(request: Request, answer: Answer) -> None:
    """Raise the error that a status stands for; nothing for a success.

    Raises:
        ApiUnavailable: 5xx, 408 or 429; retry_after says how long the server asked to wait.
        NotFound: 404.
        EditConflict: 409.
        MalformedAnswer: a redirect: the endpoint is not that of an API.
        ApiRefused: any other refusal.
    """
    status = answer.status
    if status < 300:
        return
    what = f"{request.method} {clean(request.path.partition('?')[0], limit=200)}: {status}"
    if status < 400:
        target = clean(answer.headers.get("Location") or "", limit=200)
        raise MalformedAnswer(
            f"{what} redirects to {target!r}, which is not followed: is --api-url right?",
            status=status,
        )
    message = f"{what} {_message(answer)}".rstrip()
    if status >= 500 or status in (408, 429):
        # A proxy answers 502 or 504 for a server that may have done the work; 429 and 503 say
        # that nobody has begun.
        done = not request.is_safe and status not in (429, 503)
        error = ApiUnavailable(message, status=status, maybe_applied=done)
        error.retry_after = retry_after(answer)
        raise error
    kinds: dict[int, type[ApiError]] = {404: NotFound, 409: EditConflict}
    raise kinds.get(status, ApiRefused)(message, status=status)


def retry_after(answer: Answer) -> float | None:
    """Return the seconds that the server asks to wait; its other form, a date, is not used."""
    text = (answer.headers.get("Retry-After") or "").strip()
    if not text.isascii() or not text.isdecimal():
        return None
    return min(float(text[:9]), MAX_RETRY_AFTER)


def json_object(request: Request, answer: Answer) -> dict[str, Any]:
    """Return the JSON object in an answer.

    Raises:
        MalformedAnswer: it is not JSON, or not an object.
    """
    try:
        content = _DECODER.decode(answer.body.decode("utf-8"))
    except (ValueError, RecursionError) as error:
        malformed(request, f"is not JSON: {clean(str(error), limit=120)}", error)
    if not isinstance(content, dict):
        malformed(request, f"is a JSON {type(content).__name__}, not an object")
    return content


def malformed(request: Request, what: str, cause: BaseException | None = None) -> NoReturn:
    """Raise MalformedAnswer for a request."""
    path = clean(request.path.partition("?")[0], limit=200)
    raise MalformedAnswer(
        f"{request.method} {path}: the answer {what}", maybe_applied=not request.is_safe
    ) from cause


def _message(answer: Answer) -> str:
    """Return what the server said; a page of a proxy says nothing worth repeating."""
    try:
        content = json.loads(answer.body)
        text = content.get("message") if isinstance(content, dict) else None
    except (ValueError, RecursionError):
        text = None
    return clean(text, limit=500) if isinstance(text, str) else ""


def _no_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is no JSON number")


_DECODER = json.JSONDecoder(parse_constant=_no_constant)
