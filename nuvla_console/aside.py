"""Runs what waits for servers in a thread that does not keep the console from leaving."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable
from contextlib import suppress
from typing import TypeVar

T = TypeVar("T")


async def aside(work: Callable[[], T]) -> T:
    """Return what the work returns, or raise what it raises."""
    loop = asyncio.get_running_loop()
    done: asyncio.Future[T] = loop.create_future()

    def settle(result: T | None, error: BaseException | None) -> None:
        if done.done():
            return
        if error is not None:
            done.set_exception(error)
        else:
            done.set_result(result)  # type: ignore[arg-type]  # T may be None itself

    def run() -> None:
        result, trouble = None, None
        try:
            result = work()
        except Exception as error:
            trouble = error
        with suppress(RuntimeError):  # the console has left meanwhile
            loop.call_soon_threadsafe(settle, result, trouble)

    threading.Thread(target=run, name="aside", daemon=True).start()
    return await done
