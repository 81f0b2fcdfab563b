"""Takes a terminal's input apart: text, control bytes, and control sequences.

The grammar is that of ECMA-48 (sections 5.3 to 5.6) over UTF-8, read as a terminal would: a
sequence that a stranger planted is found as such, wherever it stands.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import NamedTuple

_STRINGS = {"P": "DCS", "X": "SOS", "]": "OSC", "^": "PM", "_": "APC"}
_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f]")
_CSI = re.compile(r"([0-?]*)([ -/]*)([@-~])")
_STRING = re.compile(r"(.*?)(\x07|\x1b\\|\x9c)", re.DOTALL)
_ESCAPE = re.compile(r"([ -/]*)([0-~])")


class Piece(NamedTuple):
    """A part of the stream."""

    kind: str
    """"text", "control", "CSI", "ESC", "OSC", "DCS", "APC", "SOS", "PM" or "broken"."""
    body: str
    """Text, the control, or what stands between the introducer and the final."""
    final: str = ""


def pieces(stream: bytes) -> Iterator[Piece]:
    """Yield the parts of a stream in their order."""
    text = stream.decode("utf-8", "surrogateescape")
    at = 0
    while at < len(text):
        found = _CONTROL.search(text, at)
        if found is None:
            yield Piece("text", text[at:])
            return
        if found.start() > at:
            yield Piece("text", text[at : found.start()])
        piece, at = _control(text, found.start())
        yield piece


def _control(text: str, at: int) -> tuple[Piece, int]:
    """Return the control that begins here, and where it ends."""
    if text[at] != "\x1b":
        return Piece("control", text[at]), at + 1
    kind = text[at + 1 : at + 2]
    if kind == "[":
        found = _CSI.match(text, at + 2)
        if found:
            return Piece("CSI", found[1] + found[2], found[3]), found.end()
    elif kind in _STRINGS:
        found = _STRING.match(text, at + 2)
        if found:
            return Piece(_STRINGS[kind], found[1], found[2]), found.end()
    else:
        found = _ESCAPE.match(text, at + 1)
        if found:
            return Piece("ESC", found[1], found[2]), found.end()
    return Piece("broken", text[at : at + 20]), at + 1


_COLOUR = r"(?:38|48);(?:2;\d{1,3};\d{1,3};\d{1,3}|5;\d{1,3})"
_STYLE = re.compile(rf"(?:(?:0|1|2|3|4|7|9|39|49|{_COLOUR})(?:;|$))*")
"""Textual's own styles: no blinking, no hiding, colours in full."""
_PLACE = re.compile(r"(\d+)(?:;(\d+))?")
_QUESTIONS = {("?2026$", "p"), ("?2048$", "p"), (">25", "u"), ("<", "u")}
"""Asks for synchronised output and sizes in band; takes the keyboard protocol, gives it back."""
_MODES = re.compile(r"\?(?:7|25|1000|1002|1003|1004|1006|1015|1016|1047|1048|1049|2004|2026|2048)")
"""What Textual switches: alternate screen, mouse, focus, paste, wrap, sync, cursor, sizes."""


def is_ours(piece: Piece, columns: int, lines: int) -> bool:
    """Whether a console of that size may send a piece: text, or a sequence of a kind and within
    bounds that Textual itself keeps."""
    if piece.kind == "text":
        return all(char.isprintable() for char in piece.body)
    if piece.kind == "control":
        return piece.body in "\r\n"
    if piece.kind == "ESC":
        return piece.body + piece.final in ("7", "8", "=", ">")
    if piece.kind == "OSC":
        return piece.body == "22;default"  # the shape of the mouse pointer
    return piece.kind == "CSI" and _is_our_csi(piece, columns, lines)


def _is_our_csi(piece: Piece, columns: int, lines: int) -> bool:
    body, final = piece.body, piece.final
    if final == "m":
        return bool(_STYLE.fullmatch(body))
    if final == "H":
        place = _PLACE.fullmatch(body)
        if place is None:
            return body == ""
        return 1 <= int(place[1]) <= lines and 1 <= int(place[2] or 1) <= columns
    if final in "hl":
        return bool(_MODES.fullmatch(body))
    return (body, final) in _QUESTIONS
