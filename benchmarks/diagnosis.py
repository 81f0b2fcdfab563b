"""How soon `why` and `doctor` answer over a long queue, from the start of the process.

Run: python -m benchmarks.diagnosis [--entries N] [--running N] [--json FILE]. ZooKeeper, the local
API and the owners of the running jobs are processes or sessions of their own.
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

from benchmarks.diagnosis_stage import Stage, open_stage

REPEATS = 7
WHY_SECONDS, DOCTOR_SECONDS = 0.5, 10.0


class Row(NamedTuple):
    """One line of the result."""

    what: str
    median: float
    """Seconds."""
    most: float
    """Seconds of the slowest repeat."""
    processor: float
    """Seconds of processor time of the verb, on average."""
    target: float | None
    answer: str
    """The verdict, or the number of findings."""


def main() -> None:
    """Measure and print. Ends with 0, targets met or not."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.diagnosis", description=__doc__)
    parser.add_argument("--entries", type=int, default=100_000)
    parser.add_argument("--running", type=int, default=10_000)
    parser.add_argument("--repeats", type=int, default=REPEATS)
    parser.add_argument("--wait", action="store_true", help="serve until a line is read, no more")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write all figures there")
    given = parser.parse_args()
    with (
        tempfile.TemporaryDirectory(prefix="nuvla-bench-") as folder,
        open_stage(Path(folder), entries=given.entries, running=given.running) as stage,
    ):
        if given.wait:
            print(json.dumps({"environ": stage.environ, "jobs": stage.jobs}), flush=True)
            sys.stdin.readline()
            return
        rows = measure(stage, given.repeats)
    for row in rows:
        target = "" if row.target is None else f"target {row.target:g}"
        times = f"{row.median:>7.2f} s{row.most:>7.2f} s at most{row.processor:>7.2f} s of a core"
        print(f"{row.what:<40}{times}  {target:<12}{row.answer}")
    if given.json:
        given.json.write_text(json.dumps([row._asdict() for row in rows], indent=1) + "\n")


def measure(stage: Stage, repeats: int) -> list[Row]:
    """Return the rows."""
    rows = [
        _row(stage, f"why: {what}", ["why", job, "--json"], WHY_SECONDS, repeats)
        for what, job in stage.jobs.items()
    ]
    rows.append(_row(stage, "doctor", ["doctor", "--json"], DOCTOR_SECONDS, max(1, repeats // 2)))
    rows.append(_row(stage, "all entries, read one by one", ["--naive"], None, 1))
    rows.append(_row(stage, "nothing but the program's start", ["version"], None, repeats))
    return rows


def _row(stage: Stage, what: str, words: Sequence[str], target: float | None, repeats: int) -> Row:
    module = "benchmarks.naive_search" if words == ["--naive"] else "engine.cli.main"
    command = [sys.executable, "-m", module, *(() if words == ["--naive"] else words)]
    environ = {"PATH": os.environ["PATH"], "HOME": stage.environ["HOME"], **stage.environ}
    times, answer, before = [], "", _processor()
    for _ in range(repeats):
        began = time.monotonic()
        ended = subprocess.run(command, env=environ, capture_output=True, text=True, check=False)
        times.append(time.monotonic() - began)
        answer = _answer(ended.stdout) or ended.stderr.strip()[:60]
    cpu = (_processor() - before) / repeats
    return Row(what, statistics.median(times), max(times), cpu, target, answer)


def _answer(text: str) -> str:
    try:
        found = json.loads(text)
    except ValueError:
        return text.strip().splitlines()[0] if text.strip() else ""
    return str(found.get("verdict") or [each["verdict"] for each in found["findings"]])


def _processor() -> float:
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


if __name__ == "__main__":
    main()
