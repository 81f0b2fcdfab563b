"""The journal that test actions write: who ran which job when, kept even through a crash."""

from __future__ import annotations

import json
from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from typing import Any


@dataclass(frozen=True, slots=True)
class Line:
    """One event of one run."""

    at: float
    """CLOCK_MONOTONIC seconds, the same clock in every process."""
    pid: int
    job: str
    event: str
    """``start``, ``end``, or what the action has to say."""
    detail: Any = None


class Journal:
    """Reads the file that all test actions append to."""

    def __init__(self, path: Path) -> None:
        self.path = path
        path.touch()

    def lines(self, event: str | None = None, job: str | None = None) -> list[Line]:
        """Return the lines so far, of one event or one job where named."""
        text = self.path.read_text("utf-8")
        whole = text[: text.rfind("\n") + 1].splitlines()
        lines = [Line(**json.loads(line)) for line in whole]
        return [
            line
            for line in lines
            if event in (None, line.event) and (job is None or line.job == job)
        ]

    def starts(self) -> Counter[str]:
        """Return how often each job was started."""
        return Counter(line.job for line in self.lines("start"))

    def ends(self) -> Counter[str]:
        """Return how often each job came to its end."""
        return Counter(line.job for line in self.lines("end"))

    def running(self) -> dict[str, set[int]]:
        """Return the jobs that have started and not ended, with the processes that run them."""
        open_runs: Counter[tuple[str, int]] = Counter()
        for line in self.lines():
            if line.event in ("start", "end"):
                open_runs[line.job, line.pid] += 1 if line.event == "start" else -1
        running: dict[str, set[int]] = {}
        for (job, pid), count in open_runs.items():
            if count > 0:
                running.setdefault(job, set()).add(pid)
        return running
