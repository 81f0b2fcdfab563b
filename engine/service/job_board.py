"""Which worker thread has which job, in memory that a process's guard shares.

The guard has to read it while no code of the process can run, so it cannot ask.
"""

from __future__ import annotations

import mmap
import struct
import threading
from typing import NamedTuple

_SLOT = struct.Struct("<Q256s")
"""A thread's ident and the id of its job, padded with zeros; no job id is longer."""


class Slot(NamedTuple):
    """What one worker wrote last."""

    worker: int
    ident: int
    job_id: str | None


class JobBoard:
    """A slot for each worker, numbered from 1. Make it before the guard is forked."""

    def __init__(self, workers: int) -> None:
        """Args: workers: how many there are."""
        self._workers = workers
        self._memory = mmap.mmap(-1, _SLOT.size * workers)

    def note(self, worker: int, job_id: str | None) -> None:
        """Note the job of the calling thread; None when it has none any more.

        One call of C writes the whole slot, so that nobody sees a half.
        """
        text = (job_id or "").encode("ascii", "replace")
        _SLOT.pack_into(self._memory, _SLOT.size * (worker - 1), threading.get_ident(), text)

    def slots(self) -> tuple[Slot, ...]:
        """Return the workers that have run."""
        slots = []
        for place, (ident, text) in enumerate(_SLOT.iter_unpack(self._memory[:])):
            if ident:
                job_id = text.rstrip(b"\0").decode("ascii", "replace")
                slots.append(Slot(place + 1, ident, job_id or None))
        return tuple(slots)
