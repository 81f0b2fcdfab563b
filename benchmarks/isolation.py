"""`python -m benchmarks.isolation`: what `--isolate` costs a job, in time and in memory."""

from __future__ import annotations

import argparse
import json
import time
from pathlib import Path
from statistics import median
from typing import Any

import psutil

from benchmarks.measure import NOOP
from benchmarks.sides import running
from benchmarks.stage import Stage, open_stage

THREADS = 8
MEGABYTE = 1_000_000
POLL_SECONDS = 0.02
MOST_SECONDS = 120.0


def cpu_seconds(executor: psutil.Process) -> float:
    """Return the processor time of an executor, of its nursery, and of all children that ended."""
    total = sum(executor.cpu_times()[:2])
    return float(total + sum(sum(child.cpu_times()[:4]) for child in executor.children()))


def wait_for(stage: Stage, jobs: int) -> None:
    """Wait until so many jobs are final."""
    deadline = time.monotonic() + MOST_SECONDS
    while stage.endpoint.figures()["finals"] < jobs:
        if time.monotonic() > deadline:
            raise TimeoutError(f"{jobs} jobs are not done")
        time.sleep(POLL_SECONDS)


def measure_jobs(jobs: int, options: list[str], threads: int) -> dict[str, float]:
    """Return the rate of no-op jobs and the processor time of one."""
    with open_stage(jobs, durable=False) as stage:
        stage.endpoint.reset(NOOP, jobs)
        with running("ours", stage, threads=threads, options=options) as fleet:
            wait_for(stage, jobs // 10)
            began, cpu = time.monotonic(), cpu_seconds(fleet.processes[0])
            done = stage.endpoint.figures()["finals"]
            wait_for(stage, jobs)
            seconds, counted = time.monotonic() - began, jobs - done
            cpu = cpu_seconds(fleet.processes[0]) - cpu
    return {"jobs_per_s": counted / seconds, "cpu_ms_per_job": 1000 * cpu / counted}


def measure_memory(children: int) -> dict[str, float]:
    """Return what a child and its nursery have in memory for themselves."""
    with open_stage(children, durable=False) as stage:
        stage.endpoint.reset("bench_stay", children)
        with running("ours", stage, threads=children, options=["--isolate"]) as fleet:
            deadline = time.monotonic() + MOST_SECONDS
            born: list[psutil.Process] = []
            while len(born) < children and time.monotonic() < deadline:
                time.sleep(0.2)
                nurseries = [
                    each for each in fleet.processes[0].children() if each.name() == "nuvla-nursery"
                ]
                born = nurseries[0].children() if nurseries else []
            own = [child.memory_full_info().uss / MEGABYTE for child in born]
            (nursery,) = nurseries
            return {
                "child_own_mb": median(own),
                "nursery_own_mb": nursery.memory_full_info().uss / MEGABYTE,
            }


def main() -> None:
    """Measure, and print figures."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--jobs", type=int, default=1_000)
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--json", type=Path)
    options = parser.parse_args()
    figures: dict[str, Any] = {}
    for name, words in (("threads", []), ("isolate", ["--isolate"])):
        for threads in (1, THREADS):
            runs = [measure_jobs(options.jobs, words, threads) for _ in range(options.repeats)]
            figures[f"{name}, {threads} at a time"] = {
                key: median(run[key] for run in runs) for key in runs[0]
            }
    figures["memory"] = measure_memory(16)
    print(json.dumps(figures, indent=2))
    if options.json:
        options.json.write_text(json.dumps(figures, indent=2) + "\n", "utf-8")


if __name__ == "__main__":
    main()
