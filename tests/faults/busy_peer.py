"""An executor of the published engine with the interleavings' action; run by its own Python."""

from __future__ import annotations

import json
import os
import secrets
import time
from typing import Any

from nuvla.job_engine.job.actions import action
from nuvla.job_engine.job.base import main
from nuvla.job_engine.job.executor.executor import Executor


@action("busy")
class Busy:
    """Is busy for ``seconds``; it cannot be told to stop."""

    def __init__(self, job: Any) -> None:
        self.job = job
        self.run = secrets.randbelow(2**30) + 1

    def do_work(self) -> int:
        """Note the start, be busy, note the end."""
        self.note("start")
        time.sleep(json.loads(self.job["payload"])["seconds"])
        self.note("end", "done")
        return self.run

    def note(self, event: str, detail: str = "") -> None:
        """Append one line in one write; it never loses a session, so the second number is 0."""
        facts = {"at": time.monotonic(), "pid": os.getpid(), "job": self.job.id, "event": event}
        line = json.dumps({**facts, "detail": [self.run, 0, detail]}) + "\n"
        file = os.open(os.environ["FAULTS_JOURNAL"], os.O_WRONLY | os.O_APPEND)
        try:
            os.write(file, line.encode())
        finally:
            os.close(file)


if __name__ == "__main__":
    main(Executor)
