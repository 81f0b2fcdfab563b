"""The rows of a table: which of the records are shown, and in which order."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, Generic, TypeVar

from nuvla_console.render.table import Column

R = TypeVar("R")


class Rows(Generic[R]):
    """Records by key, filtered and sorted. Holds no more than references to the records."""

    def __init__(
        self,
        columns: Sequence[Column[R]],
        *,
        key: Callable[[R], str],
        text: Callable[[R], str],
        groups: bool = False,
    ) -> None:
        """Args:
        columns: what the table shows.
        key: what a row is known by while it moves.
        text: what a filter looks at.
        groups: the records come in an order that must stay (a tree).
        """
        self.columns = tuple(columns)
        self._key = key
        self._text = text
        self._groups = groups
        self._records: Sequence[R] = ()
        self._shown: Sequence[R] = ()
        self._keys: list[str] | None = None
        self._words: tuple[str, ...] = ()
        self.filter = ""
        self.inverse = False
        self.sorted_by: int | None = None
        """The index of a column, or None for the order in which the records come."""
        self.reverse = False

    def __len__(self) -> int:
        return len(self._shown)

    def __getitem__(self, index: int) -> R:
        return self._shown[index]

    @property
    def total(self) -> int:
        """Records before the filter."""
        return len(self._records)

    def key_at(self, index: int) -> str:
        """Return the key of the row at a place."""
        return self._key(self._shown[index])

    def keys(self) -> list[str]:
        """Return the keys of all rows, in their order."""
        if self._keys is None:
            key = self._key
            self._keys = [key(record) for record in self._shown]
        return self._keys

    def place_of(self, key: str, hint: int = 0) -> int | None:
        """Return the place of a row.

        Args:
            key: the row's key.
            hint: where it was last; rows rarely move far.
        """
        shown = self._shown
        for index in range(max(0, hint - 64), min(len(shown), hint + 64)):
            if self._key(shown[index]) == key:
                return index
        try:
            return self.keys().index(key)
        except ValueError:
            return None

    def update(self, records: Sequence[R]) -> None:
        """Take new records."""
        if records is not self._records:
            self._records = records
            self._arrange()

    def set_filter(self, text: str, *, inverse: bool = False) -> None:
        """Show the records that hold all words of a text, or with inverse those that do not."""
        self.filter, self.inverse = text, inverse
        self._words = tuple(text.lower().split())
        self._arrange()

    def sort(self, column: int | None, *, reverse: bool = False) -> None:
        """Sort by a column, or by none: the order in which the records come."""
        self.sorted_by, self.reverse = column, reverse
        self._arrange()

    def next_sort(self, step: int) -> None:
        """Sort by the next column that can be sorted by, left (-1) or right (1)."""
        able = [i for i, column in enumerate(self.columns) if column.sort is not None]
        choices: list[int | None] = [None, *able]
        place = choices.index(self.sorted_by)
        self.sort(choices[(place + step) % len(choices)], reverse=False)

    def _arrange(self) -> None:
        shown: Sequence[R] = self._records
        if self._words:
            shown = [record for record in shown if self._matches(record)]
        rank = None if self.sorted_by is None else self.columns[self.sorted_by].sort
        if rank is not None and not self._groups:
            shown = _sorted(shown, rank, reverse=self.reverse)
        elif self.reverse and not self._groups:
            shown = list(reversed(shown))
        self._shown = shown
        self._keys = None

    def _matches(self, record: R) -> bool:
        text = self._text(record).lower()
        return all(word in text for word in self._words) is not self.inverse


def _sorted(records: Sequence[R], rank: Callable[[R], Any], *, reverse: bool) -> list[R]:
    """Sort the records; those whose rank is not known stand last in both directions."""
    known: list[R] = []
    unknown: list[R] = []
    for record in records:
        (unknown if rank(record) is None else known).append(record)
    known.sort(key=rank, reverse=reverse)
    return known + unknown
