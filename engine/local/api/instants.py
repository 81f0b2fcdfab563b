"""Timestamps of documents: UTC text with three fraction digits, and epoch milliseconds
(contract, section 0)."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MILLISECOND = timedelta(milliseconds=1)
_MAX_OFFSET = timedelta(hours=18)
_ACCEPTED = re.compile(
    r"\d{4}-\d{2}-\d{2}T(?!24)\d{2}(:\d{2}(:\d{2}(\.\d{1,3})?)?)?(Z|[+-]\d{2}:\d{2})", re.ASCII
)


def now_ms() -> int:
    """Return the wall clock in epoch milliseconds."""
    return to_ms(datetime.now(UTC))


def to_ms(moment: datetime) -> int:
    """Return an aware datetime as epoch milliseconds, rounded down."""
    return (moment - EPOCH) // _MILLISECOND


def from_ms(milliseconds: int) -> datetime:
    """Return epoch milliseconds as an aware datetime.

    Raises:
        OverflowError: beyond the years 1 to 9999.
    """
    return EPOCH + timedelta(milliseconds=milliseconds)


def to_text(milliseconds: int) -> str:
    """Return epoch milliseconds as the server writes timestamps."""
    text = from_ms(milliseconds).isoformat(timespec="milliseconds")
    return text.removesuffix("+00:00") + "Z"


def parse(text: str) -> int:
    """Return the epoch milliseconds of a document's timestamp.

    Raises:
        ValueError: the server would refuse it: no zone, too many digits, an impossible day.
    """
    if not _ACCEPTED.fullmatch(text):
        raise ValueError(f"{text!r} is no timestamp")
    moment = datetime.fromisoformat(text)
    offset = moment.utcoffset()
    if offset is not None and abs(offset) > _MAX_OFFSET:
        raise ValueError(f"{text!r} has an impossible zone")
    return (moment - EPOCH) // _MILLISECOND
