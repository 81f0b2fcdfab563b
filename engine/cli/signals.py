"""SIGTERM and Ctrl-C ask a service to stop; they do not break off what it does."""

from __future__ import annotations

import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager


@contextmanager
def on_stop(*callbacks: Callable[[], None]) -> Iterator[None]:
    """Call back at each SIGTERM and SIGINT. Enter it in the main thread.

    The callbacks run between two steps of the main thread: they set a flag and return.
    """

    def stop(*_: object) -> None:
        for callback in callbacks:
            callback()

    numbers = (signal.SIGTERM, signal.SIGINT)
    former = {number: signal.signal(number, stop) for number in numbers}
    try:
        yield
    finally:
        for number, handler in former.items():
            signal.signal(number, handler)
