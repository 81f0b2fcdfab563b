"""Tests of engine.wording."""

from __future__ import annotations

import pytest

from engine.wording import age, cells, count, counted, fit, short_id


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (None, "-"),
        (-3, "0s"),
        (12.9, "12s"),
        (60, "1m00"),
        (250, "4m10"),
        (3 * 3600 + 5 * 60, "3h05"),
        (86_399, "23h59"),
        (2 * 86_400 + 5, "2d"),
    ],
)
def test_an_age_takes_its_largest_units(seconds: float | None, text: str) -> None:
    assert age(seconds) == text


def test_numbers_have_their_thousands_apart() -> None:
    assert count(12408) == "12,408"
    assert counted(1, "entry", "entries") == "1 entry"
    assert counted(12408, "entry", "entries") == "12,408 entries"
    assert counted(0, "lock") == "0 locks"


def test_an_id_is_cut_in_its_middle_and_keeps_its_type_and_its_end() -> None:
    job = "job/3d2f5b0e-5f5e-4a6c-9d5e-0a6b7c8d9e0f"
    assert short_id(job, 13) == "job/3d2f…9e0f"
    assert short_id(job, 40) == job
    assert short_id(job, 2) == "jo"


@pytest.mark.parametrize("width", range(3, 45))
def test_a_cut_id_fills_the_width(width: int) -> None:
    assert len(short_id("deployment/3d2f5b0e-5f5e-4a6c-9d5e-0a6b7c8d9e0f", width)) == width


def test_wide_and_combining_characters_count_as_the_terminal_draws_them() -> None:
    assert cells("ab") == 2
    assert cells("日本") == 4
    assert cells("e\u0301") == 1
    assert fit("日本語", 5) == "日本…"
    assert fit("abc", 3) == "abc"
