"""Values as the job schema takes them, whatever an action hands over: pure functions."""

from __future__ import annotations

import traceback

from engine.states import JobState
from engine.text import storable, truncate_middle

STATUS_LIMIT = 100_000
"""Characters of a status message that the server keeps."""

_ESCAPES = {code: f"\\x{code:02x}" for code in (*range(32), *range(127, 160))}
for _kept in "\t\n\r":
    del _ESCAPES[ord(_kept)]
_LARGEST_CODE = 2**31 - 1


def status_text(message: object) -> str:
    """Return a status message that the store takes, cut as the server would cut it.

    Controls are written out: what an action's children print must not drive a terminal later.
    """
    text = message if isinstance(message, str) else "" if message is None else str(message)
    # Cut before escaping (a huge text is escaped in part only) and after (escapes are longer).
    escaped = storable(truncate_middle(text, STATUS_LIMIT)).translate(_ESCAPES)
    return truncate_middle(escaped, STATUS_LIMIT)


def return_code(code: object) -> int:
    """Return a return code within 0 to 2**31 - 1, the only ones that the schema takes.

    A negative one is that of a child process that signal N ended: it becomes 128 + N, as in a
    shell.

    Raises:
        TypeError: it is no integer.
    """
    if not isinstance(code, int):
        raise TypeError(f"a return code is an integer, not a {type(code).__name__}")
    if code < 0:
        return min(128 - code, 255)
    return min(int(code), _LARGEST_CODE)


def progress(percent: float) -> int:
    """Return a progress within 0 to 100."""
    return max(0, min(100, int(percent)))


def state(name: str) -> str:
    """Return the name of a state.

    Raises:
        ValueError: there is no such state.
    """
    try:
        return JobState(name).value
    except ValueError:
        known = ", ".join(JobState)
        raise ValueError(f"{name!r} is no state of a job; there are {known}") from None


def traceback_text(error: BaseException) -> str:
    """Return the traceback of an exception as a status message; its name comes first."""
    try:
        lines = traceback.format_exception(error)
    except Exception as second:  # a hostile __str__ or source line must not hide the failure
        lines = [f"(no traceback: {type(second).__name__})"]
    return status_text(f"{type(error).__name__}: {''.join(lines)}")
