"""Keeps the size that is drawn at the size that the window has."""

from __future__ import annotations

import errno
import os
import shutil
import signal
import sys
import threading

from textual import events
from textual.screen import Screen, ScreenResultType


class WindowScreen(Screen[ScreenResultType]):
    """A screen that is always laid out for the size that the app has now.

    Textual's own takes the size of the message. Laid out anew, a screen sends itself the size it
    then has; so two messages of different sizes in its queue make each other without end, and no
    key is looked at any more.
    """

    def _on_resize(self, event: events.Resize) -> None:  # type: ignore[override]  # Textual's next
        event.size = event.virtual_size = event.container_size = self.app.size


def look_again(columns: int, lines: int) -> None:
    """Have the window's size read anew where it is another than what is drawn. Call it in the main
    thread, at each tick.

    Textual reads the size in a signal's handler, which the next signal can interrupt between the
    reading and the telling: then the older size is told last, and nothing would ever correct it.

    Args:
        columns, lines: the size that is drawn.
    """
    if threading.current_thread() is not threading.main_thread():
        return
    if shutil.get_terminal_size((columns, lines)) != (columns, lines):
        signal.raise_signal(signal.SIGWINCH)


def is_gone() -> bool:
    """Whether the terminal was taken away. That comes without a signal where the terminal is not
    the one that controls the process, as in a container that a broken line had entered."""
    try:
        os.get_terminal_size(sys.__stdout__.fileno() if sys.__stdout__ else 1)
    except OSError as error:
        return error.errno == errno.EIO
    return False
