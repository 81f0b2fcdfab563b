"""A piece of text with its meaning, and how it is made to fit its columns."""

from __future__ import annotations

import unicodedata
from collections.abc import Sequence
from enum import StrEnum
from typing import NamedTuple

from rich.cells import cell_len, set_cell_size

MARK = "…"
_FLAGS = "".join(map(chr, range(0x1F1E6, 0x1F200)))
"""Letters that make flags, two by two."""
_DROPPED = frozenset(
    {"\u200d", *map(chr, range(0xFE00, 0xFE10)), *map(chr, range(0x1F3FB, 0x1F400))}
)
"""What joins, varies and tints emoji."""
_VOWEL = "·"


class Tone(StrEnum):
    """What a text means. Colour is chosen from it by the theme, and by nothing else."""

    PLAIN = "plain"
    DIM = "dim"
    STRONG = "strong"
    ACCENT = "accent"
    """Where the focus is."""
    GOOD = "good"
    DOUBT = "doubt"
    BAD = "bad"


class Cell(NamedTuple):
    """A piece of text with its meaning. The text is cleaned already, where records are made."""

    text: str
    tone: Tone = Tone.PLAIN


Line = tuple[Cell, ...]
"""A line of pieces, drawn one after the other."""

EMPTY = Cell("")


def steady(text: str) -> str:
    """Return text whose width every terminal agrees on, at most two accents a letter.

    Terminals differ on emoji that are joined, tinted or varied, on flags, and on vowels that take
    a column only behind some letters; and a letter can carry any number of combining marks: all
    that would shift or smear the columns beside them.
    """
    if text.isascii():
        return text
    kept: list[str] = []
    marks = 0
    for char in unicodedata.normalize("NFC", text):
        if char in _DROPPED:
            continue
        is_mark = unicodedata.category(char) in ("Mn", "Me")
        marks = marks + 1 if is_mark else 0
        if marks <= 2:
            kept.append(char if char.isascii() or is_mark else _steady(char))
    return "".join(kept)


def _steady(char: str) -> str:
    """Return what stands for a character that is no accent."""
    if char in _FLAGS:
        return chr(ord(char) - ord(_FLAGS[0]) + ord("A"))
    # Vowels behind their letter and lone parts of a syllable: one column, always.
    return _VOWEL if unicodedata.category(char) == "Mc" or cell_len(char) == 0 else char


def fit(text: str, width: int, *, right: bool = False, middle: bool = False) -> str:
    """Return the text in exactly width columns, cut with "…" at its end or in its middle."""
    text = steady(text)
    size = len(text) if text.isascii() else cell_len(text)
    if size > width:
        text = cut_middle(text, width) if middle else cut_end(text, width)
        size = cell_len(text)
    blank = " " * (width - size)
    return blank + text if right else text + blank


def cut_end(text: str, width: int) -> str:
    """Return the text in at most width columns, with "…" where it was cut."""
    if cell_len(text) <= width:
        return text
    return set_cell_size(text, width - 1).rstrip() + MARK if width > 0 else ""


def cut_middle(text: str, width: int) -> str:
    """Return the text in at most width columns, cut in its middle: ``job/3d2f…9e0f``."""
    if cell_len(text) <= width:
        return text
    if width < 5 or cell_len(text) != len(text):
        return cut_end(text, width)
    # The type of a resource stays whole: "job/" says more than four digits would.
    lead = text.find("/") + 1
    tail = max(1, (width - 1 - (lead if lead < width // 2 else 0)) // 2)
    return f"{text[: width - 1 - tail]}{MARK}{text[-tail:]}"


def width_of(line: Sequence[Cell]) -> int:
    """Return the columns that a line takes."""
    return sum(cell_len(cell.text) for cell in line)
