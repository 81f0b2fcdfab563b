"""The action of the interleavings: it is busy for a while, and leaves a line at each end.

Its return code is the number of the run, so that the document tells which run completed the job.
"""

from __future__ import annotations

import json
import os
import secrets
import time

from engine import Job, JobInterrupted, action

JOURNAL = os.environ["FAULTS_JOURNAL"]
STEP = 0.005
"""Seconds between two looks around."""


@action("busy")
class Busy:
    """Is busy for ``seconds``; one that ``heeds`` ends early when it is told to."""

    def __init__(self, job: Job) -> None:
        """Args: job: its payload has the wishes."""
        self.job = job
        self.wants = job.payload or {}
        self.run = secrets.randbelow(2**30) + 1

    def do_work(self) -> int:
        """Note the start, be busy, note the end."""
        self.note("start")
        how = "torn"
        try:
            how = self.be_busy()
        finally:
            try:
                self.note("end", how)
            except JobInterrupted:
                self.note("end", how)
        return self.run

    def be_busy(self) -> str:
        """Wait in short steps, as Python code works."""
        until = time.monotonic() + self.wants["seconds"]
        while time.monotonic() < until:
            if self.wants["heeds"] and self.job.cancelled:
                return "stopped"
            time.sleep(STEP)
        return "done"

    def note(self, event: str, detail: str = "") -> None:
        """Append one line in one write, which outlives a kill."""
        facts = {"at": time.monotonic(), "pid": os.getpid(), "job": self.job.id, "event": event}
        # Which session the claim belongs to is no business of actions, but of this test's.
        epoch = self.job._writer.claim.epoch  # type: ignore[attr-defined]  # only the queue's have it
        line = json.dumps({**facts, "detail": [self.run, epoch, detail]}) + "\n"
        file = os.open(JOURNAL, os.O_WRONLY | os.O_APPEND)
        try:
            os.write(file, line.encode())
        finally:
            os.close(file)
