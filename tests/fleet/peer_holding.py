"""An executor of the published engine whose one action waits; run by the peer's own Python.

Its code is untouched: one action is registered, as any plug-in of it does. The action reads a named
pipe to its end, so its thread stands in one place until somebody lets it go on.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from nuvla.job_engine.job.actions import action
from nuvla.job_engine.job.base import main
from nuvla.job_engine.job.executor.executor import Executor


@action("hold")
class Hold:
    """Waits for its pipe, where its job names one."""

    def __init__(self, job: Any) -> None:
        self.job = job

    def do_work(self) -> int:
        """Wait."""
        pipe = json.loads(self.job.get("payload") or "{}").get("pipe")
        if pipe:
            Path(pipe).read_bytes()
        return 0


if __name__ == "__main__":
    main(Executor)
