"""`python -m benchmarks.queue`: claim and consume alone, without jobs and without the API.

Compares, on one server and in one run: our queue, our queue with one transaction for each entry
(section 5 of the facts: what it does anyway where others compete), and kazoo's LockingQueue.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import psutil
from kazoo.client import KazooClient
from kazoo.recipe.queue import LockingQueue

from benchmarks.fill import fill, warm_up
from engine.local.zookeeper import ZooKeeperServer
from engine.zookeeper.connection import ZooKeeper
from engine.zookeeper.queue import JobQueue

START_SECONDS = 60.0
KINDS = ("ours", "apart", "stock")


class Counter:
    """Jobs done by all threads of this process."""

    def __init__(self) -> None:
        self.done = 0
        self.over = threading.Event()
        self._lock = threading.Lock()

    def add(self) -> None:
        """Count one."""
        with self._lock:
            self.done += 1


def work_ours(hosts: str, name: str, threads: int, busy: float, counter: Counter, kind: str) -> Any:
    """Claim and consume until the counter is over; returns what to close."""
    zk = ZooKeeper(hosts)
    zk.start()
    zk.wait_connected(START_SECONDS)
    queue = JobQueue(zk, instance=name)
    if kind == "apart":
        queue._keeper._claiming._apart_for = queue._keeper._settling._apart_for = sys.maxsize

    def loop(worker: str) -> None:
        while not counter.over.is_set():
            claim = queue.take(worker, 0.5)
            if claim is not None:
                time.sleep(busy)
                queue.consume(claim)
                counter.add()

    queue.start()
    for number in range(threads):
        threading.Thread(target=loop, args=(f"worker-{number}",), daemon=True).start()
    return zk


def work_stock(hosts: str, threads: int, busy: float, counter: Counter) -> Any:
    """The same with one LockingQueue for each thread, as upstream's executors have it."""
    client = KazooClient(hosts, timeout=30.0)
    client.start(timeout=START_SECONDS)

    def loop() -> None:
        queue = LockingQueue(client, "/job")
        while not counter.over.is_set():
            if queue.get(timeout=5) is not None:
                time.sleep(busy)
                queue.consume()
                counter.add()

    for _ in range(threads):
        threading.Thread(target=loop, daemon=True).start()
    return client


def child(given: argparse.Namespace) -> None:
    """One process: wait for a line, work for some seconds, print what was done."""
    counter = Counter()
    me = psutil.Process()
    print("ready", flush=True)
    sys.stdin.readline()
    if given.child == "stock":
        work_stock(given.hosts, given.threads, given.busy, counter)
    else:
        name = f"bench-{me.pid}"
        work_ours(given.hosts, name, given.threads, given.busy, counter, given.child)
    deadline = time.monotonic() + START_SECONDS
    while not counter.done and time.monotonic() < deadline:
        time.sleep(0.001)
    before, began, cpu = counter.done, time.monotonic(), sum(me.cpu_times()[:2])
    time.sleep(given.seconds)
    jobs, took = counter.done - before, time.monotonic() - began
    used = sum(me.cpu_times()[:2]) - cpu
    counter.over.set()
    memory = me.memory_info().rss / 2**20
    print(json.dumps({"rate": jobs / took, "cpu_ms": used / max(1, jobs) * 1e3, "mb": memory}))


@contextmanager
def server(queued: int) -> Iterator[str]:
    """A fresh server with a queue of that length."""
    with tempfile.TemporaryDirectory() as folder:
        zookeeper = ZooKeeperServer(Path(folder), durable=False, heap="512m")
        zookeeper.start()
        try:
            warm_up(zookeeper.hosts)
            fill(zookeeper.hosts, queued)
            yield zookeeper.hosts
        finally:
            zookeeper.kill()


def measure(
    kind: str, queued: int, *, processes: int, threads: int, busy: float, seconds: float
) -> dict[str, float]:
    """Return the rate of all processes, and the mean CPU and largest memory of one."""
    with server(queued) as hosts:
        command = [sys.executable, "-m", "benchmarks.queue", "--child", kind, "--hosts", hosts]
        command += ["--threads", str(threads), "--busy", str(busy), "--seconds", str(seconds)]
        children = [
            subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
            for _ in range(processes)
        ]
        for each in children:
            assert each.stdout is not None
            each.stdout.readline()
        for each in children:
            assert each.stdin is not None
            each.stdin.write("go\n")
            each.stdin.flush()
        found = [
            json.loads(each.communicate(timeout=seconds + 120)[0].strip()) for each in children
        ]
    return {
        "rate": sum(one["rate"] for one in found),
        "cpu_ms": sum(one["cpu_ms"] for one in found) / len(found),
        "mb": max(one["mb"] for one in found),
    }


def main() -> None:
    """Measure and print a table."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.queue", description=__doc__)
    parser.add_argument("--child", choices=KINDS, help=argparse.SUPPRESS)
    parser.add_argument("--hosts", help=argparse.SUPPRESS)
    parser.add_argument("--busy", type=float, default=0.0, help=argparse.SUPPRESS)
    parser.add_argument("--threads", type=int, default=8)
    parser.add_argument("--seconds", type=float, default=3.0)
    parser.add_argument("--only", help="measure the rows whose name has this in it")
    given = parser.parse_args()
    if given.child:
        child(given)
        return
    rows: list[tuple[str, str, int, int, float]] = [
        *(
            (f"{kind} {queued:,}", kind, queued, 1, 0.0)
            for queued in (10_000, 100_000)
            for kind in KINDS
        ),
        *(
            (f"{kind} x{count} 20 ms", kind, 10_000, count, 0.02)
            for kind in ("ours", "apart")
            for count in (1, 4)
        ),
    ]
    print(f"{'row':24} {'jobs/s':>8} {'CPU ms':>8} {'MB':>6}")
    for name, kind, queued, processes, busy in rows:
        if given.only and given.only not in name:
            continue
        found = measure(
            kind,
            queued,
            processes=processes,
            threads=given.threads,
            busy=busy,
            seconds=given.seconds,
        )
        print(f"{name:24} {found['rate']:8.0f} {found['cpu_ms']:8.3f} {found['mb']:6.0f}")


if __name__ == "__main__":
    main()
