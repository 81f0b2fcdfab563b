"""Dates in filters: shortened ISO dates and date math such as now-7d/d (contract, section 4.3).

Source of the rounding rules: Elasticsearch 8, "Date math" and "Range query, missing date
components".
"""

from __future__ import annotations

import calendar
import re
from datetime import UTC, datetime, timedelta, timezone

from engine.local.api.instants import from_ms, to_ms

_ISO = re.compile(
    r"(\d{4})(?:-(\d\d)(?:-(\d\d)(?:T(\d\d)(?::(\d\d)(?::(\d\d)(?:[.,](\d{1,9}))?)?)?"
    r"(Z|[+-]\d\d:?\d\d)?)?)?)?",
    re.ASCII,
)
_STEP = re.compile(r"([+-])(\d{0,9})([yMwdhHms])|/([yMwdhHms])", re.ASCII)
_SPANS = {
    "w": timedelta(weeks=1),
    "d": timedelta(days=1),
    "h": timedelta(hours=1),
    "m": timedelta(minutes=1),
    "s": timedelta(seconds=1),
}
_GIVEN_UNITS = ("y", "M", "d", "h", "m", "s")
_LAST = timedelta(milliseconds=1)


def resolve(text: str, *, now: int, upwards: bool) -> int:
    """Return the epoch milliseconds of a date in a filter.

    Args:
        text: a full or shortened ISO date, or date math on `now` or on a date before `||`.
        now: epoch milliseconds.
        upwards: what is missing or rounded away goes to the end of its span, else to the start.

    Raises:
        ValueError: the text is no date, or is beyond the years 1 to 9999.
    """
    try:
        if text.startswith("now"):
            return to_ms(_calculate(from_ms(now), text.removeprefix("now"), upwards))
        base, bars, steps = text.partition("||")
        if bars:
            return to_ms(_calculate(_parse(base, upwards=False), steps, upwards))
        return to_ms(_parse(text, upwards=upwards))
    except OverflowError as error:
        raise ValueError(f"{text!r} is beyond the calendar") from error


def _parse(text: str, *, upwards: bool) -> datetime:
    match = _ISO.fullmatch(text)
    if match is None:
        raise ValueError(f"{text!r} is no date")
    fields = [int(field) for field in match.groups()[:6] if field is not None]
    given = len(fields)
    year, month, day, hour, minute, second = (*fields, *(0, 1, 1, 0, 0, 0)[given:])
    moment = datetime(year, month, day, hour, minute, second, tzinfo=_zone(match[8]))
    if match[7] is not None:
        return moment + timedelta(milliseconds=int(match[7][:3].ljust(3, "0")))
    return _add(moment, 1, _GIVEN_UNITS[given - 1]) - _LAST if upwards else moment


def _zone(text: str | None) -> timezone:
    if text in (None, "Z"):
        return UTC
    digits = str(text).replace(":", "")
    span = timedelta(hours=int(digits[1:3]), minutes=int(digits[3:5]))
    return timezone(-span if digits[0] == "-" else span)


def _calculate(moment: datetime, steps: str, upwards: bool) -> datetime:
    position = 0
    while position < len(steps):
        step = _STEP.match(steps, position)
        if step is None:
            raise ValueError(f"{steps!r} is no date math")
        position = step.end()
        if unit := step[4]:
            moment = _floor(moment, unit)
            moment = _add(moment, 1, unit) - _LAST if upwards else moment
        else:
            count = int(step[2] or 1)
            moment = _add(moment, -count if step[1] == "-" else count, step[3])
    return moment


def _add(moment: datetime, count: int, unit: str) -> datetime:
    if unit in ("y", "M"):
        months = moment.year * 12 + moment.month - 1 + count * (12 if unit == "y" else 1)
        year, month = months // 12, months % 12 + 1
        if not 1 <= year <= 9999:
            raise OverflowError(f"year {year}")
        day = min(moment.day, calendar.monthrange(year, month)[1])
        return moment.replace(year=year, month=month, day=day)
    return moment + count * _SPANS[unit.lower()]


def _floor(moment: datetime, unit: str) -> datetime:
    midnight = moment.replace(hour=0, minute=0, second=0, microsecond=0)
    match unit:
        case "y":
            return midnight.replace(month=1, day=1)
        case "M":
            return midnight.replace(day=1)
        case "w":
            return midnight - timedelta(days=midnight.weekday())
        case "d":
            return midnight
        case "h" | "H":
            return moment.replace(minute=0, second=0, microsecond=0)
        case "m":
            return moment.replace(second=0, microsecond=0)
    return moment.replace(microsecond=0)
