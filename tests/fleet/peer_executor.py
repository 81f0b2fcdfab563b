"""An executor of the published engine, with the tests' action; run by the peer's own Python.

Its code is untouched: one action is registered, as any plug-in of it does.
"""

from __future__ import annotations

import json
import os
import time
from pathlib import Path
from typing import Any

from nuvla.job_engine.job.actions import action
from nuvla.job_engine.job.base import main
from nuvla.job_engine.job.executor.executor import Executor


def note(job: str, event: str) -> None:
    """Append one journal line, synced."""
    line = {"at": time.monotonic(), "pid": os.getpid(), "job": job, "event": event}
    file = os.open(os.environ["FAULTS_JOURNAL"], os.O_WRONLY | os.O_APPEND)
    try:
        os.write(file, (json.dumps({**line, "detail": "peer"}) + "\n").encode())
        os.fsync(file)
    finally:
        os.close(file)


@action("count")
class Count:
    """Leaves its lines."""

    def __init__(self, job: Any) -> None:
        self.job = job

    def do_work(self) -> int:
        """Note the start and the end."""
        note(self.job.id, "start")
        note(self.job.id, "end")
        return 0


@action("hold")
class Hold(Count):
    """Waits for the file ``until``."""

    def do_work(self) -> int:
        """Note the start, wait, note the end."""
        note(self.job.id, "start")
        gate = Path(json.loads(self.job["payload"])["until"])
        while not gate.exists():
            time.sleep(0.05)
        note(self.job.id, "end")
        return 0


if __name__ == "__main__":
    main(Executor)
