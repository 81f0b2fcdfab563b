"""The console over a long queue: start, keys while it changes, idle costs, memory.

Run: python -m benchmarks.console [--entries N] [--json FILE]. The console runs as a process of its
own under a real terminal; ZooKeeper, the API and the load run beside it.
"""

from __future__ import annotations

import argparse
import json
import multiprocessing
import random
import re
import sys
import tempfile
import time
import uuid
from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager
from multiprocessing.synchronize import Event
from pathlib import Path
from typing import Any, NamedTuple

import psutil
from kazoo.client import KazooClient

from benchmarks.fill import fill
from engine.local.zookeeper import ZooKeeperServer, four_letters
from engine.view.zookeeper_feed import PULSE_SECONDS
from engine.zookeeper.paths import ENTRIES, entry_path, entry_prefix
from tests.console.terminal import Terminal
from tests.local_api import running_api

CURSOR = "▌".encode()
START_SECONDS = 60.0
KEYS = 200
CHANGES = 500
"""Entries that come, and as many that go, each second."""
IDLE_SECONDS = 60.0
SETTLE_SECONDS = 180.0
"""By then the ages are coarse, and the last check-up that the changes called for is over."""


class Row(NamedTuple):
    """One line of the result."""

    what: str
    value: float
    unit: str
    target: float

    @property
    def is_met(self) -> bool:
        """Whether the target, a ceiling, is kept."""
        return self.value <= self.target


def main() -> None:
    """Measure and print. Ends with 0, targets met or not."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.console", description=__doc__)
    parser.add_argument("--entries", type=int, default=100_000)
    parser.add_argument("--quick", action="store_true", help="leave out what takes minutes")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write all figures there")
    given = parser.parse_args()
    rows = list(measure(given.entries, quick=given.quick))
    for row in rows:
        met = "met" if row.is_met else "NOT MET"
        print(f"{row.what:<52}{row.value:>10.2f} {row.unit:<9} target {row.target:g}  {met}")
    if given.json:
        given.json.write_text(json.dumps([row._asdict() for row in rows], indent=1) + "\n")


def measure(entries: int, *, quick: bool) -> Iterator[Row]:
    """Yield the rows."""
    with tempfile.TemporaryDirectory(prefix="nuvla-bench-") as folder:
        server = ZooKeeperServer(Path(folder) / "zk", durable=False, heap="512m", leash=True)
        server.start()
        try:
            fill(server.hosts, entries)
            with running_api(Path(folder) / "api.sqlite", server.hosts) as api:
                environ = {
                    "NUVLA_ZK_HOSTS": server.hosts,
                    "NUVLA_API_URL": api.url,
                    "NUVLA_API_KEY": api.api_key,
                    "NUVLA_API_SECRET": api.api_secret,
                    "XDG_CONFIG_HOME": folder,
                }
                yield from _measure(server, environ, entries, quick=quick)
        finally:
            server.stop()


def _measure(
    server: ZooKeeperServer, environ: dict[str, str], entries: int, *, quick: bool
) -> Iterator[Row]:
    with Terminal([], columns=160, lines=48, environ=environ) as terminal:
        process = psutil.Process(terminal.process.pid)
        shown = f"{entries:,}"
        _wait_for(terminal, lambda: shown in terminal.text())
        yield Row("start to the first useful screen", time.monotonic() - terminal.began, "s", 1.0)
        terminal.press("2")
        _wait_for(terminal, lambda: f"{shown} entries" in terminal.text())
        time.sleep(5)
        yield Row("key to paint, p95, nothing changes", _keys(terminal), "ms", 50.0)
        with _churn(server.hosts, CHANGES):
            time.sleep(3)
            began, cpu = time.monotonic(), sum(process.cpu_times()[:2])
            yield Row(f"key to paint, p95, {CHANGES}/s come and go", _keys(terminal), "ms", 50.0)
            load = (sum(process.cpu_times()[:2]) - cpu) / (time.monotonic() - began)
            yield Row("processor while they do", 100 * load, "% core", 100.0)
            yield Row("the cursor leaves its job", float(_cursor_slips(terminal)), "times", 0.0)
        memory = process.memory_info().rss / 1e6
        yield Row("resident memory", memory, "MB", 250.0)
        if not quick:
            yield from _idle(server, terminal, process)
        terminal.press("q")


def _keys(terminal: Terminal) -> float:
    """Return the 95th percentile from a key to the cursor's new line, in ms."""
    times = []
    for number in range(KEYS):
        mark = terminal.count()
        began = time.perf_counter()
        terminal.press("j" if number % 20 < 10 else "k")
        while CURSOR not in terminal.since(mark):
            if time.perf_counter() - began > 5:
                raise SystemExit("the console did not answer a key within 5 s")
            time.sleep(0.0005)
        times.append(1000 * (time.perf_counter() - began))
        time.sleep(0.03 + random.random() * 0.02)
    return sorted(times)[int(len(times) * 0.95)]


def _cursor_slips(terminal: Terminal) -> int:
    """Hold the cursor on a row while a thousand entries come and go; count how often it is on
    another."""
    terminal.press("G")
    time.sleep(1)
    held, slips = _job_at_cursor(terminal), 0
    for _ in range(20):
        time.sleep(0.25)
        slips += _job_at_cursor(terminal) != held
    return slips


def _job_at_cursor(terminal: Terminal) -> str:
    line = next((line for line in terminal.text().split("\n") if line.startswith("▌")), "")
    found = re.search(r"job/\S+", line)
    return found[0] if found else line


def _idle(server: ZooKeeperServer, terminal: Terminal, process: psutil.Process) -> Iterator[Row]:
    time.sleep(SETTLE_SECONDS)
    bytes_before, reads_before = terminal.count(), _received(server)
    cpu_before, began = sum(process.cpu_times()[:2]), time.monotonic()
    time.sleep(IDLE_SECONDS)
    minutes = (time.monotonic() - began) / 60
    cpu = sum(process.cpu_times()[:2]) - cpu_before
    yield Row("idle: processor", 100 * cpu / (60 * minutes), "% core", 1.0)
    yield Row("idle: to the terminal", (terminal.count() - bytes_before) / minutes, "B/min", 1000.0)
    # A ping reads nothing. What is left may be a heartbeat or this question, counted against us.
    pings = 60 / PULSE_SECONDS
    packets = (_received(server) - reads_before) / minutes
    yield Row("idle: ZooKeeper packets but pings", max(0.0, packets - pings), "/min", 12.0)


def _received(server: ZooKeeperServer) -> int:
    """Return the packets that the console's session has sent, pings included."""
    answer = four_letters(server.port, "cons", timeout=10.0)
    found = re.findall(r"recved=(\d+),sent=\d+,sid=0x[0-9a-f]+", answer)
    return max((int(number) for number in found), default=0)


def _wait_for(terminal: Terminal, condition: Any) -> None:
    deadline = time.monotonic() + START_SECONDS
    while not condition():
        if time.monotonic() > deadline or terminal.process.poll() is not None:
            sys.exit(f"the console does not show what it should:\n{terminal.text()}")
        time.sleep(0.01)


@contextmanager
def _churn(hosts: str, rate: int) -> Iterator[None]:
    """Let entries come and go, in a process of its own."""
    stop = multiprocessing.get_context("spawn").Event()
    worker = multiprocessing.get_context("spawn").Process(target=_change, args=(hosts, rate, stop))
    worker.start()
    try:
        yield
    finally:
        stop.set()
        worker.join(20)


def _change(hosts: str, rate: int, stop: Event) -> None:
    client = KazooClient(hosts, timeout=30.0)
    client.start(timeout=30)
    names = sorted(client.get_children(ENTRIES))[100:-100]
    random.shuffle(names)
    made: deque[Any] = deque()
    while not stop.is_set():
        began = time.monotonic()
        for _ in range(rate // 10):
            data = f"job/{uuid.uuid4()}".encode()
            made.append(client.create_async(entry_prefix(500), data, sequence=True))
            made.append(client.delete_async(entry_path(names.pop())))
        while made:
            made.popleft().get(timeout=30)
        time.sleep(max(0.0, 0.1 - (time.monotonic() - began)))
    client.stop()
    client.close()


if __name__ == "__main__":
    main()
