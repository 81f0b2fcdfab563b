"""Ages, numbers, rates, states and small charts as every screen shows them."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, tzinfo

from engine import wording
from engine.states import JobState
from nuvla_console.render.cells import Cell, Tone

UNKNOWN = Cell("-", Tone.DIM)
"""A fact that is not known."""

STATES: dict[JobState, Cell] = {
    JobState.QUEUED: Cell("· QUEUED", Tone.DIM),
    JobState.RUNNING: Cell("▸ RUNNING", Tone.STRONG),
    JobState.SUCCESS: Cell("✓ SUCCESS", Tone.GOOD),
    JobState.FAILED: Cell("✗ FAILED", Tone.BAD),
    JobState.CANCELED: Cell("▪ CANCELED", Tone.DOUBT),
}
"""A word and a shape for each state, then a colour."""

_BARS = "▁▂▃▄▅▆▇█"
_EIGHTHS = " ▏▎▍▌▋▊▉█"


def age(seconds: float | None, *, coarse: bool = False) -> str:
    """Return an age of at most five columns.

    Args:
        seconds: the age, or None where it is not known.
        coarse: leave seconds out once a minute is full, so that a screen at rest stays still.
    """
    if seconds is None or not coarse or seconds < wording.MINUTE:
        return wording.age(seconds)
    if seconds < wording.HOUR:
        return f"{int(seconds) // wording.MINUTE}m"
    return wording.age(seconds)


def number(value: int | None) -> Cell:
    """Return a number with its thousands apart."""
    return UNKNOWN if value is None else Cell(wording.count(value))


def clock(when: datetime | None, zone: tzinfo, now: datetime) -> str:
    """Return a local time: of today as ``14:02:31``, of another day as ``11-23 14:02``."""
    if when is None:
        return "-"
    local, today = when.astimezone(zone), now.astimezone(zone)
    if local.date() == today.date():
        return f"{local:%H:%M:%S}"
    if local.year == today.year:
        return f"{local:%m-%d %H:%M}"
    return f"{local:%Y-%m-%d}"


def sparkline(values: Sequence[float], width: int) -> str:
    """Return the newest values as a row of bars, scaled from zero to the highest."""
    shown = values[-width:] if width > 0 else ()
    top = max(shown, default=0)
    if top <= 0:
        return _BARS[0] * len(shown)
    # A value above nothing never looks like nothing.
    return "".join(
        _BARS[min(len(_BARS) - 1, max(1 if v > 0 else 0, round(v / top * (len(_BARS) - 1))))]
        for v in shown
    )


def bar(share: float, width: int) -> str:
    """Return a horizontal bar for a share of 0 to 1, exact to an eighth of a column."""
    eighths = round(max(0.0, min(1.0, share)) * width * 8)
    if share > 0:
        eighths = max(1, eighths)
    return "█" * (eighths // 8) + (_EIGHTHS[eighths % 8] if eighths % 8 else "")


def session(identifier: int) -> str:
    """Return a ZooKeeper session as its servers write it."""
    return f"0x{identifier & 0xFFFF_FFFF_FFFF_FFFF:x}"
