"""Columns share a width; rows are filtered and sorted."""

from __future__ import annotations

from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from nuvla_console.render import jobs, queue, taken
from nuvla_console.render.cells import Cell
from nuvla_console.render.members import COLUMNS as MEMBER_COLUMNS
from nuvla_console.render.rows import Rows
from nuvla_console.render.table import GAP, Column, arrange

Pair = tuple[str, int | None]

COLUMNS: tuple[Column[Pair], ...] = (
    Column(title="name", width=8, cell=lambda p, _: Cell(p[0]), sort=lambda p: p[0]),
    Column(title="note", width=4, grow=1, most=9, rank=2, cell=lambda p, _: Cell("-")),
    Column(title="size", width=4, rank=1, cell=lambda p, _: Cell("-"), sort=lambda p: p[1]),
)


def rows(*pairs: Pair) -> Rows[Pair]:
    """Return rows of pairs."""
    made = Rows(COLUMNS, key=lambda p: p[0], text=lambda p: f"{p[0]} {p[1]}")
    made.update(pairs)
    return made


@given(st.integers(1, 320))
def test_no_column_overlaps_another_or_passes_the_edge(width: int) -> None:
    for columns in (queue.COLUMNS, taken.COLUMNS, jobs.COLUMNS, MEMBER_COLUMNS):
        places = arrange(columns, width)
        for place, after in pairwise(places):
            assert place.start + place.width + GAP <= after.start
        assert all(place.start + place.width <= max(width, 1) for place in places)


def test_every_table_keeps_what_matters_at_80_columns() -> None:
    room = 80 - 3
    shown = {title(columns, room) for columns in (queue.COLUMNS, taken.COLUMNS, jobs.COLUMNS)}
    for titles in shown:
        assert {"job", "action", "state"} <= set(titles)


def title(columns: tuple[Column[object], ...] | object, width: int) -> tuple[str, ...]:
    """Return the titles that a width has room for."""
    assert isinstance(columns, tuple)
    return tuple(columns[place.column].title for place in arrange(columns, width))


def test_the_columns_of_the_highest_rank_go_first() -> None:
    assert [p.column for p in arrange(COLUMNS, 20)] == [0, 1, 2]
    assert [p.column for p in arrange(COLUMNS, 19)] == [0, 2]
    assert [p.column for p in arrange(COLUMNS, 13)] == [0]


def test_spare_width_goes_to_columns_that_grow_up_to_their_most() -> None:
    assert [p.width for p in arrange(COLUMNS, 22)] == [8, 6, 4]
    assert [p.width for p in arrange(COLUMNS, 99)] == [8, 9, 4]


def test_rows_sort_both_ways_with_what_is_not_known_last() -> None:
    table = rows(("b", 1), ("a", None), ("c", 2))
    table.sort(2)
    assert table.keys() == ["b", "c", "a"]
    table.sort(2, reverse=True)
    assert table.keys() == ["c", "b", "a"]
    table.sort(None)
    assert table.keys() == ["b", "a", "c"]
    table.sort(None, reverse=True)
    assert table.keys() == ["c", "a", "b"]


def test_sorting_steps_over_columns_that_cannot_be_sorted_by() -> None:
    table = rows(("b", 1))
    steps = []
    for _ in range(3):
        table.next_sort(1)
        steps.append(table.sorted_by)
    assert steps == [0, 2, None]


def test_a_filter_wants_all_words_in_any_case_or_none_of_them() -> None:
    table = rows(("Alpha", 1), ("alphabet", 2), ("beta", 1))
    table.set_filter("ALPHA 1")
    assert table.keys() == ["Alpha"]
    table.set_filter("alpha", inverse=True)
    assert table.keys() == ["beta"]
    assert table.total == 3
    table.set_filter("")
    assert len(table) == 3


def test_a_row_is_found_near_its_place_and_far_from_it() -> None:
    table = rows(*((str(n), n) for n in range(1000)))
    assert table.place_of("500", 490) == 500
    assert table.place_of("999", 0) == 999
    assert table.place_of("gone", 5) is None
