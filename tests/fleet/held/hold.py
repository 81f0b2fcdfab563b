"""The action `hold`: its thread stands at a named pipe until somebody lets it go on."""

from __future__ import annotations

from pathlib import Path

from engine import Job, action


@action("hold")
class Hold:
    """Waits for its pipe, where its job names one."""

    def __init__(self, job: Job) -> None:
        self.job = job

    def do_work(self) -> int:
        """Wait."""
        pipe = (self.job.payload or {}).get("pipe")
        if pipe:
            Path(pipe).read_bytes()
        return 0
