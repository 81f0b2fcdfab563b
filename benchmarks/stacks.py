"""`python -m benchmarks.stacks`: what thread stacks cost, and how soon they are there.

One executor with 64 threads, each with a job, and its guard; asked over ZooKeeper from here.
"""

from __future__ import annotations

import argparse
import json
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from statistics import median, quantiles
from typing import Any

import psutil

from benchmarks.fill import fill
from benchmarks.sides import running
from benchmarks.stage import Stage, open_stage
from engine.models import StackReport
from engine.view.stacks import read_known, read_stacks
from engine.zookeeper.connection import ZooKeeper
from engine.zookeeper.paths import OwnPaths
from engine.zookeeper.stalls import read_stall

THREADS = 64
OWN = OwnPaths()
START_SECONDS = 60.0
HOLDS = 5
MEGABYTE = 1_000_000


def wait_for(zk: ZooKeeper, jobs: int) -> str:
    """Return the executor's instance, once its threads work on so many jobs."""
    deadline = time.monotonic() + START_SECONDS
    while time.monotonic() < deadline:
        for instance, member in read_known(zk, OWN).items():
            if member is not None and len(member.jobs) >= jobs:
                return instance
        time.sleep(0.1)
    raise TimeoutError(f"the executor does not run {jobs} jobs")


def ask(zk: ZooKeeper, instance: str) -> tuple[float, StackReport]:
    """Return the seconds of one question, and the answer."""
    began = time.monotonic()
    (report,) = read_stacks(zk, OWN, instance)
    return time.monotonic() - began, report


def measure_questions(zk: ZooKeeper, instance: str, number: int) -> dict[str, Any]:
    """Ask again and again; return the times in ms."""
    ask(zk, instance)
    answers = [ask(zk, instance) for _ in range(number)]
    times = sorted(1000 * seconds for seconds, _ in answers)
    return {
        "questions": number,
        "p50_ms": median(times),
        "p95_ms": quantiles(times, n=20)[-1],
        "most_ms": times[-1],
        "threads_with_a_job": sum(each.job_id is not None for each in answers[-1][1].threads),
    }


def measure_sampling(
    zk: ZooKeeper, instance: str, executor: psutil.Process, seconds: float
) -> dict[str, Any]:
    """Return the executor's processor time, in % of a core, at rest and asked once a second."""

    def during(asked: bool) -> float:
        before, began = sum(executor.cpu_times()[:2]), time.monotonic()
        while time.monotonic() - began < seconds:
            if asked:
                ask(zk, instance)
            time.sleep(1.0)
        return 100 * (sum(executor.cpu_times()[:2]) - before) / (time.monotonic() - began)

    at_rest, sampled = during(False), during(True)
    return {"at_rest_percent": at_rest, "sampled_percent": sampled, "cost": sampled - at_rest}


def measure_guard(executor: psutil.Process, seconds: float) -> dict[str, Any]:
    """Return what the guard costs at rest."""
    (guard,) = executor.children()
    before = sum(guard.cpu_times()[:2])
    time.sleep(seconds)
    used = sum(guard.cpu_times()[:2]) - before
    memory = guard.memory_full_info()
    return {
        "percent": 100 * used / seconds,
        "own_mb": memory.uss / MEGABYTE,
        "resident_mb": memory.rss / MEGABYTE,
    }


def measure_hold(zk: ZooKeeper, stage: Stage, instance: str) -> dict[str, Any]:
    """Return how soon after a hold began an asker had the stack; the lock is held in C."""
    delays = []
    for _ in range(HOLDS):
        fill(stage.server.hosts, 1)
        while True:  # asked without a pause, so that the question is there when the hold begins
            began = time.monotonic()
            (report,) = read_stacks(zk, OWN, instance)
            if report.source == "watchdog":
                break
            assert time.monotonic() - began < START_SECONDS
        delays.append(time.monotonic() - began)
        while read_stall(zk, OWN, instance) is not None:
            time.sleep(0.1)
        wait_for(zk, 0)
    return {"holds": HOLDS, "p50_s": median(delays), "most_s": max(delays)}


def main() -> None:
    """Measure, and print figures."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--questions", type=int, default=300)
    parser.add_argument("--seconds", type=float, default=60.0, help="of each look at the processor")
    parser.add_argument("--json", type=Path)
    options = parser.parse_args()
    figures = measure(options.questions, options.seconds)
    print(json.dumps(figures, indent=2))
    if options.json:
        options.json.write_text(json.dumps(figures, indent=2) + "\n", "utf-8")


@contextmanager
def open_session(stage: Stage) -> Iterator[ZooKeeper]:
    """Hold a session."""
    zk = ZooKeeper(stage.server.hosts)
    zk.start()
    try:
        zk.wait_connected(START_SECONDS)
        yield zk
    finally:
        zk.close()


def measure(questions: int, seconds: float) -> dict[str, Any]:
    """Return all figures."""
    with open_stage(THREADS, durable=False) as stage, open_session(stage) as zk:
        stage.endpoint.reset("bench_stay", THREADS)
        with running("ours", stage, threads=THREADS) as fleet:
            instance, executor = wait_for(zk, THREADS), fleet.processes[0]
            figures = {
                "questions": measure_questions(zk, instance, questions),
                "sampling": measure_sampling(zk, instance, executor, seconds),
                "guard": measure_guard(executor, seconds),
            }
    with open_stage(0, durable=False) as stage, open_session(stage) as zk:
        stage.endpoint.reset("bench_lock_up", HOLDS)
        with running("ours", stage, threads=4):
            figures["hold"] = measure_hold(zk, stage, wait_for(zk, 0))
    return figures


if __name__ == "__main__":
    main()
