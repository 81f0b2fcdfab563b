"""What a stranger's text may contain when it reaches a screen, a log or a table."""

from __future__ import annotations

import unicodedata

MARK = "…"

# Categories that can drive a terminal or hide text: controls, format characters (bidi overrides,
# zero width), surrogates, private use, unassigned, line and paragraph separators.
_UNSAFE = frozenset({"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"})
_ZERO_WIDTH_JOINER = "\u200d"


def clean(text: str, *, limit: int = 4096, keep_lines: bool = False) -> str:
    """Return text that is safe to draw: controls become visible, length is capped.

    C0 controls and DEL become their Unicode control pictures, other invisible characters their
    code point as ``<U+XXXX>``. The result never holds a terminal sequence and never a bidi
    override.

    Args:
        text: anything that came from a document, a node or a peer.
        limit: characters of the input that are looked at; the rest becomes "…".
        keep_lines: leave newlines and tabs as they are (for multi-line views).
    """
    if len(text) > limit:
        text = text[:limit] + MARK
    if text.isascii() and text.isprintable():
        return text
    return "".join(_visible(char, keep_lines) for char in text)


def clean_bytes(data: bytes, *, limit: int = 256) -> str:
    """Return bytes that ought to be UTF-8 as safe text; what is not UTF-8 shows as ``\\xNN``."""
    return clean(data[: limit + 1].decode("utf-8", "backslashreplace"), limit=limit)


def truncate_middle(text: str, limit: int, *, mark: str = "\n...\n") -> str:
    """Return the first and last ``limit // 2`` characters of a text that is longer than limit.

    Source: the server cuts ``status-message`` at 100,000 characters in this way.
    """
    if len(text) <= limit:
        return text
    half = limit // 2
    return text[:half] + mark + text[-half:]


def storable(text: str) -> str:
    """Return text that JSON, UTF-8 and the API's store accept: no surrogates, no NUL."""
    return text.encode("utf-8", "backslashreplace").decode("utf-8").replace("\x00", "\\x00")


def _visible(char: str, keep_lines: bool) -> str:
    if keep_lines and char in "\n\t":
        return char
    code = ord(char)
    if code < 0x20:
        return chr(0x2400 + code)
    if code == 0x7F:
        return "\u2421"
    if char == _ZERO_WIDTH_JOINER or unicodedata.category(char) not in _UNSAFE:
        return char
    return f"<U+{code:04X}>"
