"""Textual's driver for terminals, whose output outlives the terminal."""

from __future__ import annotations

from contextlib import suppress
from typing import IO, Any

from textual.drivers.linux_driver import LinuxDriver


class Output:
    """A file that takes what its terminal cannot take any more.

    Textual 8.2.8 writes in a thread that ends with the first error. Thirty writes later the console
    would wait for it, for ever and deaf to every signal.
    """

    def __init__(self, file: IO[str]) -> None:
        """Args: file: the terminal's."""
        self._file = file

    def write(self, text: str) -> None:
        """Write, if that can be done."""
        with suppress(OSError):
            self._file.write(text)

    def flush(self) -> None:
        """Flush, if that can be done."""
        with suppress(OSError):
            self._file.flush()

    def fileno(self) -> int:
        """Return the file's number."""
        return self._file.fileno()


class TerminalDriver(LinuxDriver):
    """Drives a terminal that can be taken away."""

    def __init__(self, *args: Any, **options: Any) -> None:
        """Args: as Textual's."""
        super().__init__(*args, **options)
        assert self._file is not None  # Textual's writer presumes the same
        self._file = Output(self._file)  # type: ignore[assignment]  # all that its writer uses
