"""Reads what `faulthandler` writes: pure functions."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import NamedTuple

from engine.models.stacks import Frame, ThreadStack, busy_first, capped
from engine.text import clean

# Source: CPython's Python/traceback.c. The name in brackets came with Python 3.14.
_THREAD = re.compile(r"(?:Current thread|Thread) 0x([0-9a-f]+)(?: \[(.*)\])?.*:$")
_FRAME = re.compile(r'  File "(.*)", line (\d+|\?\?\?) in (.*)$')


class Known(NamedTuple):
    """What is known of a thread from elsewhere."""

    name: str
    job_id: str | None


def parse(text: str, known: Callable[[int], Known | None]) -> tuple[ThreadStack, ...]:
    """Return the threads of a dump, those that run a job first.

    Args:
        text: what `faulthandler` wrote; a cut-off end is left out.
        known: returns a thread's name and job by its ident.
    """
    found: list[tuple[int, str, list[Frame]]] = []
    for line in text.splitlines():
        header = _THREAD.match(line)
        if header:
            ident = int(header[1], 16)
            found.append((ident, header[2] or f"thread {ident:#x}", []))
            continue
        frame = _FRAME.match(line)
        if frame and found:
            number = int(frame[2]) if frame[2].isdigit() else 0
            found[-1][2].append(Frame.of(frame[3], frame[1], number))
    return busy_first([_thread(*each, known) for each in found])


def _thread(
    ident: int, name: str, frames: list[Frame], known: Callable[[int], Known | None]
) -> ThreadStack:
    fact = known(ident) or Known(clean(name, limit=240), None)
    return ThreadStack(ident=ident, name=fact.name, job_id=fact.job_id, frames=capped(frames))
