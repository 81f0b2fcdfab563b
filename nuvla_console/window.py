"""Follows the window: its size, however quickly that changes, and its end."""

from __future__ import annotations

import errno
import os
import shutil
import signal
import sys
import threading

from textual import events
from textual.app import App, ReturnType
from textual.driver import Driver
from textual.drivers.linux_driver import LinuxDriver
from textual.screen import Screen, ScreenResultType

from nuvla_console.driver import TerminalDriver

LOOK_EVERY = 0.25
"""Seconds between two looks at the window."""


class WindowScreen(Screen[ScreenResultType]):
    """A screen that is always laid out for the size that the app has now.

    Textual's own takes the size of the message. Laid out anew, a screen sends itself the size it
    then has; so two messages of different sizes in its queue make each other without end, and no
    key is looked at any more.
    """

    def _on_resize(self, event: events.Resize) -> None:  # type: ignore[override]  # Textual's next
        event.size = event.virtual_size = event.container_size = self.app.size


class WindowApp(App[ReturnType]):
    """An app that looks at its window again and again."""

    def get_driver_class(self) -> type[Driver]:
        """Return the driver for terminals, or the one that Textual's environment asks for."""
        found = super().get_driver_class()
        return TerminalDriver if found is LinuxDriver else found

    def get_default_screen(self) -> Screen[None]:
        """Return the screen that is behind all others."""
        return WindowScreen(id="_default")

    def look_at_window(self) -> None:
        """Have the window's size read anew where it is another than what is drawn, and leave where
        the window has gone. Call it every LOOK_EVERY seconds.

        Textual reads the size in a signal's handler, which the next signal can interrupt between
        the reading and the telling: then the older size is told last, and nothing would ever
        correct it.
        """
        if self.is_headless or threading.current_thread() is not threading.main_thread():
            return
        if _is_gone():
            self.exit()
        elif tuple(shutil.get_terminal_size(self.size)) != tuple(self.size):
            signal.raise_signal(signal.SIGWINCH)


def _is_gone() -> bool:
    """Whether the terminal was taken away. That comes without a signal where the terminal is not
    the one that controls the process, as in a container that a broken line had entered."""
    try:
        os.get_terminal_size(sys.__stdout__.fileno() if sys.__stdout__ else 1)
    except OSError as error:
        return error.errno == errno.EIO
    return False
