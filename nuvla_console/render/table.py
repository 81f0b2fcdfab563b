"""The columns of a table: what each shows, and how they share a width."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Generic, NamedTuple, TypeVar

from nuvla_console.render.cells import Cell
from nuvla_console.render.scene import Scene

R = TypeVar("R")

GAP = 2
"""Columns between two columns."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Column(Generic[R]):
    """One column of a table of records."""

    title: str
    width: int
    """The fewest columns that make sense."""
    cell: Callable[[R, Scene], Cell]
    sort: Callable[[R], Any] | None = None
    """What to sort by; None where the fact is only known for the rows in sight."""
    right: bool = False
    """For numbers and ages."""
    grow: int = 0
    """Its share of the width that is left over."""
    most: int = 1000
    """The width beyond which growing gains nothing."""
    rank: int = 0
    """In a narrow window the columns of the highest rank go first; 0 always stays."""
    middle: bool = False
    """Cut in the middle: for ids, whose end tells them apart."""


class Place(NamedTuple):
    """Where a column stands in the table."""

    column: int
    start: int
    width: int


def arrange(columns: Sequence[Column[Any]], width: int) -> tuple[Place, ...]:
    """Return the columns that fit the width, with their places, in their order."""
    kept = list(range(len(columns)))
    while len(kept) > 1 and _least(columns, kept) > width:
        last = max(kept, key=lambda i: (columns[i].rank, i))
        if columns[last].rank == 0:
            break
        kept.remove(last)
    widths = _widths(columns, kept, width)
    places, start = [], 0
    for index in kept:
        room = min(widths[index], max(0, width - start))
        if room:
            places.append(Place(index, start, room))
        start += room + GAP
    return tuple(places)


def _least(columns: Sequence[Column[Any]], kept: Sequence[int]) -> int:
    return sum(columns[i].width for i in kept) + GAP * (len(kept) - 1)


def _widths(columns: Sequence[Column[Any]], kept: Sequence[int], width: int) -> dict[int, int]:
    widths = {i: columns[i].width for i in kept}
    spare = width - _least(columns, kept)
    growing = [i for i in kept if columns[i].grow]
    while spare > 0 and growing:
        shares = sum(columns[i].grow for i in growing)
        given = 0
        for i in list(growing):
            room = columns[i].most - widths[i]
            part = min(room, max(1, spare * columns[i].grow // shares), spare - given)
            widths[i] += part
            given += part
            if widths[i] >= columns[i].most:
                growing.remove(i)
        if not given:
            break
        spare -= given
    return widths
