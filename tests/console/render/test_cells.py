"""Text in columns: exact widths, whatever a stranger wrote."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.cells import cell_len

from engine.text import clean
from nuvla_console.render.cells import cut_middle, fit, steady

ID = "job/3d2f5b0e-5f5e-4a6c-9d5e-0a6b7c8d9e0f"


@given(st.text(), st.integers(0, 60), st.booleans(), st.booleans())
def test_every_text_fits_its_columns_exactly(
    text: str, width: int, right: bool, middle: bool
) -> None:
    assert cell_len(fit(clean(text), width, right=right, middle=middle)) == width


@pytest.mark.parametrize("width", [5, 9, 13, 17, 39, 40, 60])
def test_an_id_is_cut_in_its_middle(width: int) -> None:
    cut = cut_middle(ID, width)
    assert len(cut) == min(width, len(ID))
    assert cut.startswith("job/"[: width // 2])
    assert cut.endswith("0f" if width > 5 else "f")
    assert ("…" in cut) is (width < len(ID))


def test_numbers_stand_at_the_right() -> None:
    assert fit("12,408", 8, right=True) == "  12,408"


def test_wide_characters_count_twice_and_are_never_halved() -> None:
    assert fit("配置サービス", 5) == "配置…"
    assert cell_len(fit("配置サービス", 6)) == 6


def test_joined_emoji_and_heaped_accents_are_taken_apart() -> None:
    assert "\u200d" not in steady("👩\u200d🚒")
    assert len(steady("a" + "\u0301" * 50)) == 3
