"""Keeps the size that is drawn at the size that the window has."""

from __future__ import annotations

import shutil
import signal
import threading


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
