"""One HTTP request, decoded: caller, parameters, body (contract, sections 0 and 2.1)."""

from __future__ import annotations

import asyncio
import json
import zlib
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any
from urllib.parse import parse_qsl

from starlette.requests import Request

from engine.local.api import params
from engine.local.api.caller import ANONYMOUS, Caller, caller_from_header
from engine.local.api.faults import Fault, MalformedBody
from engine.local.api.params import Params

COOKIE = "com.com.sixsq.nuvla.cookie"
AUTHN_HEADER = "nuvla-authn-info"
MAX_BODY = 64 * 2**20
"""Bytes, after decompression."""

_FORM = "application/x-www-form-urlencoded"
_LONG_QUERY = 4096
_GZIP = 16 + zlib.MAX_WBITS


@dataclass(frozen=True, slots=True, kw_only=True)
class Call:
    """What a handler gets of a request."""

    method: str
    """In lower case, as messages quote it."""
    path: str
    caller: Caller
    params: Params
    body: Any
    """The JSON body, or None."""
    form: dict[str, str]
    base_uri: str
    """Where the relative ids of answers start; ends with a slash."""
    is_secure: bool
    is_bulk: bool
    """Whether the `bulk` header is there."""

    def document(self, subject: str) -> dict[str, Any]:
        """Return the body as a JSON object; an absent one is empty.

        Raises:
            Fault: 400, it is something else.
        """
        if self.body is None:
            return {}
        if not isinstance(self.body, dict):
            raise Fault(
                400, f"resource {subject} does not satisfy defined schema:\nit is no JSON object"
            )
        return self.body


async def decode(request: Request, *, read_cookie: Callable[[str], Caller | None]) -> Call:
    """Return a request's call.

    Args:
        request: as it came.
        read_cookie: from the value of the session cookie to the caller; None: not, or no longer,
            valid.

    Raises:
        MalformedBody: the body is not what its headers say.
        Fault: 400 a filter is no filter, 413 the body is too large.
    """
    headers = request.headers
    pairs = parse_qsl(request.scope["query_string"].decode("latin-1"), keep_blank_values=True)
    raw = await _read(request)
    kind = headers.get("content-type", "application/json").partition(";")[0].strip().lower()
    form = _form(raw) if kind == _FORM else []
    is_json = kind == "application/json" or kind.endswith("+json")
    scheme = headers.get("x-forwarded-proto", request.scope["scheme"])
    host = headers.get("x-forwarded-host", headers.get("host", "localhost"))
    return Call(
        method=request.method.lower(),
        path=request.scope["path"],
        caller=_caller(request, read_cookie),
        params=await _params([*pairs, *form]),
        body=_json(raw) if is_json and raw.strip() else None,
        form=dict(form),
        base_uri=f"{scheme}://{host}/api/",
        is_secure=scheme == "https",
        is_bulk="bulk" in headers,
    )


async def _params(pairs: list[tuple[str, str]]) -> Params:
    size = sum(len(value) for _, value in pairs)
    if size < _LONG_QUERY:
        return params.decode(pairs)
    # Thousands of comparisons take a tenth of a second to parse: not on the event loop.
    return await asyncio.to_thread(params.decode, pairs)


def _caller(request: Request, read_cookie: Callable[[str], Caller | None]) -> Caller:
    named = caller_from_header(request.headers.get(AUTHN_HEADER, ""))
    if named:
        return named
    token = request.cookies.get(COOKIE)
    return (read_cookie(token) if token else None) or ANONYMOUS


async def _read(request: Request) -> bytes:
    chunks: list[bytes] = []
    size = 0
    async for chunk in request.stream():
        size += len(chunk)
        if size > MAX_BODY:
            raise _too_large()
        chunks.append(chunk)
    raw = b"".join(chunks)
    is_gzip = request.headers.get("content-encoding", "").lower() == "gzip"
    return _unzip(raw) if is_gzip and raw else raw


def _unzip(raw: bytes) -> bytes:
    stream = zlib.decompressobj(_GZIP)
    try:
        plain = stream.decompress(raw, MAX_BODY)
    except zlib.error as error:
        raise MalformedBody(f"the body is no gzip stream: {error}") from error
    if stream.unconsumed_tail:
        raise _too_large()
    if not stream.eof:
        raise MalformedBody("the gzip stream of the body ends too soon")
    return plain


def _too_large() -> Fault:
    return Fault(413, f"request body larger than {MAX_BODY} bytes")


def _form(raw: bytes) -> list[tuple[str, str]]:
    return parse_qsl(raw.decode("utf-8", "replace"), keep_blank_values=True)


def _json(raw: bytes) -> Any:
    try:
        return json.loads(raw, parse_constant=_refuse)
    except (ValueError, RecursionError) as error:
        raise MalformedBody(f"the body is no JSON: {error}") from error


def _refuse(constant: str) -> Any:
    raise ValueError(f"{constant} is no JSON")
