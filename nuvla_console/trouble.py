"""What goes wrong inside the console goes to the log area or a file, never over the screen."""

from __future__ import annotations

import logging
import os
import sys
import traceback
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import platformdirs

from engine.text import clean

_LEVELS = ((logging.ERROR, "bad"), (logging.WARNING, "doubt"))


class NotesHandler(logging.Handler):
    """Hands warnings and errors of the parts below to the console's own log."""

    def __init__(self, note: Callable[[str, str], None]) -> None:
        """Args: note: takes a level of the log area and a text."""
        super().__init__(logging.WARNING)
        self._note = note

    def emit(self, record: logging.LogRecord) -> None:
        """Note a record, without its traceback."""
        level = next(name for least, name in _LEVELS if record.levelno >= least)
        try:
            text = record.getMessage()
        except (TypeError, ValueError):
            text = str(record.msg)
        self._note(level, clean(text))


def drop_unwritable_output() -> None:
    """Give up what a terminal that was closed cannot take any more.

    Python tries again when it ends, and would turn an orderly end into exit code 120.
    """
    for stream in (sys.stdout, sys.stderr):
        if stream is None:
            continue
        try:
            stream.flush()
        except OSError:
            nowhere = os.open(os.devnull, os.O_WRONLY)
            os.dup2(nowhere, stream.fileno())
            os.close(nowhere)


def write_crash(error: BaseException, folder: Path | None = None) -> Path | None:
    """Write an error's traceback into a private file; return it, or None where none can be made.

    Args:
        error: what ended the console.
        folder: the platform's folder for logs otherwise.
    """
    folder = folder or platformdirs.user_log_path("nuvla-console")
    path = folder / f"crash-{datetime.now(UTC):%Y%m%d-%H%M%S}-{os.getpid()}.txt"
    # No local variables: they can hold credentials.
    text = "".join(traceback.format_exception(error))
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
            file.write(text)
    except OSError:
        return None
    return path
