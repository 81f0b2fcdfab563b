"""Ages, counts, ids and widths as every table and screen shows them: pure functions."""

from __future__ import annotations

import unicodedata

MINUTE, HOUR, DAY = 60, 3600, 86_400


def age(seconds: float | None) -> str:
    """Return a duration as ``12s``, ``4m10``, ``3h05`` or ``2d``; ``-`` where it is not known."""
    if seconds is None:
        return "-"
    whole = max(0, int(seconds))
    if whole < MINUTE:
        return f"{whole}s"
    if whole < HOUR:
        return f"{whole // MINUTE}m{whole % MINUTE:02d}"
    if whole < DAY:
        return f"{whole // HOUR}h{whole % HOUR // MINUTE:02d}"
    return f"{whole // DAY}d"


def count(number: int) -> str:
    """Return a number with its thousands apart: ``12,408``."""
    return f"{number:,}"


def counted(number: int, noun: str, plural: str | None = None) -> str:
    """Return a number with its noun: ``1 entry``, ``12,408 entries``."""
    return f"{number:,} {noun if number == 1 else plural or noun + 's'}"


def short_id(text: str, width: int) -> str:
    """Return an id that fits the width, cut in its middle: ``job/3d2f…9e0f``."""
    if len(text) <= width:
        return text
    if width < 3:
        return text[:width]
    # A resource's type stays whole: "job/" says more than four hex digits.
    lead = text.find("/") + 1
    tail = max(1, (width - 1 - lead) // 2)
    return f"{text[: width - 1 - tail]}…{text[-tail:]}"


def cells(text: str) -> int:
    """Return the columns that a terminal gives the text."""
    if text.isascii():
        return len(text)
    return sum(_char_cells(char) for char in text)


def fit(text: str, width: int) -> str:
    """Return the text cut at its end to the width in columns, with ``…`` where it was cut."""
    if cells(text) <= width:
        return text
    kept, used = [], 0
    for char in text:
        used += _char_cells(char)
        if used > width - 1:
            break
        kept.append(char)
    return "".join(kept) + "…"


def _char_cells(char: str) -> int:
    if unicodedata.combining(char) or char == "\u200d":
        return 0
    return 2 if unicodedata.east_asian_width(char) in "WF" else 1
