"""How long an act on many jobs takes, and how much memory.

Run: python -m benchmarks.bulk [--jobs N]. ZooKeeper and the local API are processes of their own;
`nuvla-engine cancel --filter` is another, as an operator starts it.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path

from engine.cli.local import open_platform
from engine.local.platform import Platform
from engine.models import JobRequest

ACTION = "bench_bulk"
PROGRAM = (sys.executable, "-P", "-m", "engine.cli.main")


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.bulk", description=__doc__)
    parser.add_argument("--jobs", type=int, default=10_000)
    given = parser.parse_args()
    with (
        tempfile.TemporaryDirectory(prefix="nuvla-bench-") as folder,
        _platform(Path(folder) / "data") as platform,
    ):
        _queue(platform, given.jobs)
        record = Path(folder) / "record" / "audit.jsonl"
        flags = [*platform.flags(), "--audit-file", str(record), "--json", "--yes"]
        started = time.monotonic()
        answer, rss, processor = _run("cancel", "--filter", f"action={ACTION}", *flags)
        seconds = time.monotonic() - started
        done = json.loads(answer)["done"]
        print(
            f"{done:,} of {given.jobs:,} jobs cancelled in {seconds:.0f} s, "
            f"{done / seconds:.0f}/s; {processor:.1f} s of a core and {rss / 1e6:.0f} MB in the "
            f"verb, {record.stat().st_size / max(1, done):,.0f} bytes of record each"
        )


def _queue(platform: Platform, jobs: int) -> None:
    with open_platform(platform) as client, ThreadPoolExecutor(8) as threads:
        for _ in threads.map(lambda _: client.add_job(JobRequest(action=ACTION)), range(jobs)):
            pass


def _run(*arguments: str) -> tuple[str, int, float]:
    """Run a verb; return its output, its largest memory in bytes and its seconds of a core."""
    with subprocess.Popen([*PROGRAM, *arguments], stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        answer = process.stdout.read()
        _, status, usage = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
    return answer, usage.ru_maxrss * 1024, usage.ru_utime + usage.ru_stime


@contextmanager
def _platform(data: Path) -> Iterator[Platform]:
    command = [*PROGRAM, "local", "--data", str(data)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        try:
            yield Platform(**json.loads(process.stdout.readline()))
        finally:
            process.terminate()


if __name__ == "__main__":
    main()
