"""The terminal's output, when the terminal is gone."""

from __future__ import annotations

import os
import pty

from textual.drivers._writer_thread import WriterThread

from nuvla_console.driver import Output, TerminalDriver
from nuvla_console.screens.setup import SetupApp
from tests.console.planted import console


def test_the_writer_outlives_its_terminal() -> None:
    controller, worker = pty.openpty()
    file = os.fdopen(worker, "w", closefd=False)
    writer = WriterThread(Output(file))  # type: ignore[arg-type]
    writer.start()
    writer.write("seen")
    assert os.read(controller, 4) == b"seen"
    os.close(controller)
    for _ in range(100):  # more than it keeps
        writer.write("unseen")
    writer.stop()
    assert not writer.is_alive()
    assert writer.fileno() == worker
    null = os.open(os.devnull, os.O_WRONLY)
    os.dup2(null, worker)
    file.close()
    os.close(null)
    os.close(worker)


def test_the_console_and_its_first_form_use_it() -> None:
    for app in (console(), SetupApp()):
        assert app.get_driver_class() is TerminalDriver
