"""Copying: to the desktop's own clipboard, else through the terminal, else into a file."""

from __future__ import annotations

import shutil
import subprocess
import tempfile
from collections.abc import Callable, Sequence
from pathlib import Path

_NATIVE: tuple[tuple[str, ...], ...] = (
    ("wl-copy",),
    ("xclip", "-selection", "clipboard"),
    ("xsel", "--clipboard", "--input"),
    ("pbcopy",),
)
_TERMINAL_LIMIT = 70_000
"""Characters that terminals take in one OSC 52 sequence."""


def copy(text: str, *, desktop: bool, terminal: Callable[[str], None]) -> str:
    """Copy a text and return where it went, in words.

    Args:
        text: what to copy.
        desktop: whether this process belongs to a desktop, and not to a remote login.
        terminal: hands a text to the terminal's clipboard (OSC 52).
    """
    if desktop and _copy_native(text):
        return "to the clipboard"
    if len(text) <= _TERMINAL_LIMIT:
        terminal(text)
        return "to the terminal's clipboard"
    return f"to {_write(text)}: it is too long for a terminal's clipboard"


def _copy_native(text: str) -> bool:
    command = _native()
    if command is None:
        return False
    try:
        done = subprocess.run(
            command,
            input=text.encode(),
            timeout=2,
            check=False,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
    except (OSError, subprocess.TimeoutExpired):
        return False
    return done.returncode == 0


def _native() -> Sequence[str] | None:
    return next((command for command in _NATIVE if shutil.which(command[0])), None)


def _write(text: str) -> Path:
    # mkstemp: readable by its owner alone, under a name that nobody can have prepared.
    with tempfile.NamedTemporaryFile(
        "w", encoding="utf-8", prefix="nuvla-console-", suffix=".txt", delete=False
    ) as file:
        file.write(text)
    return Path(file.name)
