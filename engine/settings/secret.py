"""Secret: text that shows itself only to who asks for it."""

from __future__ import annotations

import re

MASK = "***"


def without_login(text: str) -> str:
    """Return a text in which the user and the password of every URL are masked."""
    return re.sub("//[^/]*@", f"//{MASK}@", text)


class Secret:
    """A password, a key or a header; its str and repr are masked."""

    __slots__ = ("_text",)

    def __init__(self, text: str) -> None:
        self._text = text

    def reveal(self) -> str:
        """Return the text itself."""
        return self._text

    def __str__(self) -> str:
        return MASK

    def __repr__(self) -> str:
        return f"Secret({MASK})"

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Secret) and self._text == other._text

    def __hash__(self) -> int:
        return hash((Secret, self._text))

    def __reduce__(self) -> str:
        raise TypeError("a Secret is not written to files or sent to other processes")
