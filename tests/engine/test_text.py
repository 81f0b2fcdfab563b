"""No text of a stranger may drive a terminal once it has been cleaned."""

from __future__ import annotations

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.text import clean, clean_bytes, storable, truncate_middle


@given(st.text(alphabet=st.characters()))
def test_cleaned_text_holds_no_control_and_no_format_character(text: str) -> None:
    shown = clean(text)

    categories = {unicodedata.category(char) for char in shown if char != "\u200d"}
    assert not categories & {"Cc", "Cf", "Cs", "Zl", "Zp"}


@given(st.text(), st.integers(1, 50))
def test_cleaning_twice_changes_nothing(text: str, limit: int) -> None:
    once = clean(text)

    assert clean(once, limit=len(once) + limit) == once


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("plain", "plain"),
        ("\x1b]0;title\x07", "␛]0;title␇"),
        ("a\r\nb", "a␍␊b"),
        ("\x9b31m", "<U+009B>31m"),
        ("abc\u202edef", "abc<U+202E>def"),
        ("\x7f", "␡"),
        ("日本語 é", "日本語 é"),
        ("\ud800", "<U+D800>"),
    ],
)
def test_what_would_drive_a_terminal_becomes_visible(text: str, shown: str) -> None:
    assert clean(text) == shown


def test_lines_stay_where_the_view_has_lines() -> None:
    assert clean("a\tb\nc\r", keep_lines=True) == "a\tb\nc␍"


def test_length_is_capped_and_the_cut_is_marked() -> None:
    assert clean("x" * 10, limit=4) == "xxxx…"


def test_bytes_that_are_not_utf8_are_shown_as_escapes() -> None:
    assert clean_bytes(b"job/\xff\x00") == "job/\\xff␀"


@given(st.text(), st.integers(2, 40))
def test_a_long_text_keeps_its_first_and_last_characters(text: str, limit: int) -> None:
    cut = truncate_middle(text, limit)

    assert cut.startswith(text[: limit // 2])
    assert cut.endswith(text[-(limit // 2) :])
    assert len(cut) <= limit + len("\n...\n")


@given(st.text(alphabet=st.characters()))
def test_storable_text_is_utf8_without_nul(text: str) -> None:
    assert b"\x00" not in storable(text).encode("utf-8")
