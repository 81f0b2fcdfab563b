"""When to distribute: pure functions. Wall clock times are used once, when a leader takes over."""

from __future__ import annotations

from datetime import datetime


def first_wait(last: datetime | None, every: float, now: datetime) -> float:
    """Return the seconds until a new leader distributes, so that it neither repeats nor skips.

    Never over one interval: a clock that was set back delays a distribution, but not for long.

    Args:
        last: the last distribution, by whichever leader; None where there was none.
        every: seconds between two.
        now: aware, as last is.
    """
    if last is None:
        return 0.0
    return min(every, max(0.0, every - (now - last).total_seconds()))


def next_due(due: float, every: float, now: float) -> float:
    """Return when the next distribution is due: in step with the last, and never in a burst.

    Args:
        due: when the last one was due, monotonic.
        every: seconds between two.
        now: monotonic; those that were missed until now are skipped.
    """
    return due + every if due + every > now else now + every
