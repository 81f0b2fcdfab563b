"""What can go wrong with one request."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping

from tests.faults.job_api import Exchange, Fault
from tests.faults.job_store import Answer, Document


def status(code: int, headers: Mapping[str, str] | None = None) -> Fault:
    """Answer with this status and do nothing."""

    def fault(exchange: Exchange) -> None:
        answer = Answer.error(code, "scripted")
        exchange.send(Answer(code, answer.body, headers or {}))

    return fault


def body(content: bytes, code: int = 200) -> Fault:
    """Answer with this content and do nothing."""
    return lambda exchange: exchange.send(Answer(code, content))


def changed(change: Callable[[Document], object]) -> Fault:
    """Do it, but answer with what this makes of the true document."""

    def fault(exchange: Exchange) -> None:
        answer = exchange.apply()
        exchange.send(Answer.of(answer.status, change(json.loads(answer.body)), answer.headers))

    return fault


def late(seconds: float, *, applied: bool) -> Fault:
    """Answer so late that nobody waits; the request is done first, or never."""

    def fault(exchange: Exchange) -> None:
        if applied:
            exchange.apply()
        exchange.pause(seconds)
        exchange.reset()

    return fault


def reset(*, applied: bool) -> Fault:
    """Break the connection instead of an answer; the request is done first, or never."""

    def fault(exchange: Exchange) -> None:
        if applied:
            exchange.apply()
        exchange.reset()

    return fault


def cut_short(exchange: Exchange) -> None:
    """Promise the true answer and break off in its middle."""
    answer = exchange.apply()
    half = answer.body[: len(answer.body) // 2]
    exchange.send_head(answer, length=len(answer.body), body=half)
    exchange.hang_up()


def not_http(exchange: Exchange) -> None:
    """Send what is no HTTP, and close."""
    exchange.send_bytes(b"\x16\x03\x01 what?")
    exchange.hang_up()


def then(action: Callable[[], object]) -> Fault:
    """Answer truly, after this was done (and the request before it)."""

    def fault(exchange: Exchange) -> None:
        answer = exchange.apply()
        action()
        exchange.send(answer)

    return fault
