"""Sequences for the terminal, without what is set already."""

from __future__ import annotations

import pyte
from hypothesis import given
from hypothesis import strategies as st

from nuvla_console.narrow import saving

RED, BLUE, OFF = "\x1b[31m", "\x1b[1;34m", "\x1b[0m"


def test_a_style_that_is_set_already_is_not_set_again() -> None:
    before = f"\x1b[1;1H{RED}a{OFF}\x1b[2;1H{RED}b{OFF}\x1b[3;1H{BLUE}c{OFF}"
    assert saving(before) == f"\x1b[1;1H{RED}a\x1b[2;1Hb\x1b[3;1H{OFF}{BLUE}c{OFF}"


def test_plain_text_after_a_style_is_plain() -> None:
    assert saving(f"{RED}a{OFF}b{RED}c{OFF}") == f"{RED}a{OFF}b{RED}c{OFF}"


@given(
    st.lists(
        st.tuples(
            st.integers(1, 5), st.integers(1, 20), st.sampled_from(["", RED, BLUE]), st.text("abc ")
        )
    )
)
def test_the_screen_looks_the_same(pieces: list[tuple[int, int, str, str]]) -> None:
    whole = "".join(
        f"\x1b[{y};{x}H{style}{text}{OFF if style else ''}" for y, x, style, text in pieces
    )
    screens = []
    for sequences in (whole, saving(whole)):
        screen = pyte.Screen(20, 5)
        pyte.Stream(screen).feed(sequences)
        screens.append([[screen.buffer[y][x] for x in range(20)] for y in range(5)])
    assert screens[0] == screens[1]
