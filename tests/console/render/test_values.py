"""Ages, rates, times and small charts."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone

import pytest

from engine.states import JobState
from nuvla_console.render import values

NOW = datetime(2026, 11, 24, 14, 2, 31, tzinfo=UTC)


@pytest.mark.parametrize(
    ("seconds", "fine", "coarse"),
    [
        (None, "-", "-"),
        (0, "0s", "0s"),
        (59, "59s", "59s"),
        (250, "4m10", "4m"),
        (3599, "59m59", "59m"),
        (11_100, "3h05", "3h05"),
        (200_000, "2d", "2d"),
    ],
)
def test_ages_take_five_columns_at_most(seconds: float | None, fine: str, coarse: str) -> None:
    assert values.age(seconds) == fine
    assert values.age(seconds, coarse=True) == coarse
    assert len(fine) <= 5


def test_times_are_local_and_name_the_day_where_it_is_another() -> None:
    zone = timezone(timedelta(hours=2))
    assert values.clock(NOW, zone, NOW) == "16:02:31"
    assert values.clock(NOW - timedelta(days=1), zone, NOW) == "11-23 16:02"
    assert values.clock(NOW - timedelta(days=400), zone, NOW) == "2025-10-20"
    assert values.clock(None, zone, NOW) == "-"


def test_a_chart_scales_from_zero_and_shows_the_smallest_value_as_something() -> None:
    assert values.sparkline([0, 1, 50, 100], 10) == "▁▂▅█"
    assert values.sparkline([5, 100, 0], 2) == "█▁"
    assert values.sparkline([], 5) == ""
    assert values.sparkline([0, 0], 5) == "▁▁"


def test_a_bar_is_exact_to_an_eighth() -> None:
    assert values.bar(1, 8) == "█" * 8
    assert values.bar(0.5, 8) == "█" * 4
    assert values.bar(0.001, 8) == "▏"
    assert values.bar(0, 8) == ""


def test_every_state_is_a_word_and_a_shape_of_its_own() -> None:
    cells = [values.STATES[state] for state in JobState]
    assert [cell.text[2:] for cell in cells] == [str(state) for state in JobState]
    assert len({cell.text[0] for cell in cells}) == len(cells)


def test_a_session_is_written_as_the_servers_write_it() -> None:
    assert values.session(0x1000_0370_C4E0_0001) == "0x10000370c4e00001"
    assert values.session(-1) == "0xffffffffffffffff"
