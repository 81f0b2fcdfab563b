"""What the services tell Prometheus and StatsD while they work."""

from __future__ import annotations

import os
import socket
import sys
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from engine.nuvla.client import NuvlaClient
from engine.nuvla.credentials import Header
from engine.service.metrics import catalogue as m
from engine.settings import Secret
from tests.engine.service.metrics.test_prometheus import parsed
from tests.faults.children import Child
from tests.faults.ports import steady_port
from tests.local_api import ADMIN_HEADER, LocalApi
from tests.support import eventually

ACTIONS = """
from engine import ActionFailed, action

@action("good")
class Good:
    def __init__(self, job): ...

    def do_work(self): ...

@action("bad")
class Bad(Good):
    def do_work(self):
        raise ActionFailed("no")
"""
Start = Callable[..., Child]
Values = dict[str, dict[tuple[tuple[str, str], ...], float]]


@pytest.fixture
def start(tmp_path: Path, zk_hosts: str, local_api: LocalApi) -> Iterator[Start]:
    """Start services of `nuvla-engine`, which end with the test."""
    children: list[Child] = []

    def make(verb: str, *words: str) -> Child:
        command = [sys.executable, "-m", "engine.cli.main", verb, *words]
        command += ["--zk-hosts", zk_hosts, "--api-url", local_api.url]
        environment = {"PATH": os.environ["PATH"], "NUVLA_API_AUTHN_HEADER": ADMIN_HEADER}
        children.append(Child(verb, command, folder=tmp_path, env=environment))
        return children[-1]

    yield make
    for child in children:
        child.kill()


def scrape(port: int) -> Values | None:
    """Return what a service tells; None while it does not listen."""
    try:
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/metrics", timeout=30) as answer:
            return parsed(answer.read().decode())
    except ConnectionError:
        return None
    except OSError as error:
        if isinstance(error.__cause__ or getattr(error, "reason", None), ConnectionError):
            return None
        raise


def one(values: Values, name: str, **labels: str) -> float:
    """Return a value; 0 where there is none."""
    return values.get(name, {}).get(tuple(sorted(labels.items())), 0.0)


def told(statsd: socket.socket, name: str) -> int:
    """Return the sum of a counter in all packets that have come."""
    statsd.setblocking(False)
    total = 0
    while True:
        try:
            lines = statsd.recv(65536).decode().splitlines()
        except BlockingIOError:
            return total
        start, end = f"nuvla_engine.{name}:", "|c"
        total += sum(int(line[len(start) : -len(end)]) for line in lines if line.startswith(start))


def test_an_executor_tells_what_becomes_of_its_jobs(
    start: Start, tmp_path: Path, local_api: LocalApi
) -> None:
    folder = tmp_path / "actions"
    folder.mkdir()
    (folder / "some.py").write_text(ACTIONS)
    port = steady_port()
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as statsd:
        statsd.bind(("127.0.0.1", 0))
        words = ["--actions-path", str(folder), "--metrics-port", str(port), "--threads", "3"]
        words += ["--name", "exec-a", "--statsd", f"127.0.0.1:{statsd.getsockname()[1]}"]
        executor = start("executor", *words)
        with NuvlaClient(local_api.url, credentials=Header(Secret(ADMIN_HEADER))) as client:
            for action in ("good", "good", "bad", "nobody-has-it"):
                client.add_job({"action": action})

        def all_ended() -> Values | None:
            values = scrape(port) or {}
            ended = sum(values.get(m.ENDED.name, {}).values()) == 4
            idle = one(values, m.THREADS.name, state="idle") == 3
            empty = [values.get(metric.name) for metric in (m.ENTRIES, m.TAKEN)] == [{(): 0.0}] * 2
            return values if ended and idle and empty else None

        values = eventually(all_ended, "four jobs have ended", within=60, every=0.1)
        assert one(values, m.CLAIMED.name) == 4
        assert one(values, m.ENDED.name, action="good", outcome="SUCCESS") == 2
        assert one(values, m.ENDED.name, action="bad", outcome="FAILED") == 1
        # A name that only a document has makes no label.
        assert sum(values[m.ENDED.name].values()) == 4
        assert "nobody-has-it" not in str(values)
        assert one(values, "nuvla_engine_job_seconds_count", action="good") == 2
        assert one(values, "nuvla_engine_job_wait_seconds_count") == 4
        assert one(values, m.API_UP.name) == one(values, m.ZK_CONNECTED.name) == 1
        assert one(values, "nuvla_engine_api_request_seconds_count", method="PUT") >= 4
        (labels,) = values[m.INFO.name]
        assert ("kind", "executor") in labels and ("name", "exec-a") in labels
        executor.terminate()
        assert executor.wait(60) == 0
        assert told(statsd, "jobs_ended.good.SUCCESS") == 2


def test_a_distributor_tells_what_it_leads(start: Start) -> None:
    port = steady_port()
    start("distributor", "jobs_cleanup", "--metrics-port", str(port))

    def distributed() -> Values | None:
        values = scrape(port) or {}
        done = one(values, m.DISTRIBUTIONS.name, distributor="jobs_cleanup", outcome="done")
        # The size of the queue is left out where ZooKeeper takes its time.
        return values if done and values.get(m.ENTRIES.name) == {(): 1.0} else None

    values = eventually(distributed, "its first distribution", within=60, every=0.1)
    assert one(values, m.LEADING.name, distributor="jobs_cleanup") == 1
    assert one(values, m.DISTRIBUTED.name, distributor="jobs_cleanup") == 1


def test_no_port_is_opened_unless_it_is_set(start: Start) -> None:
    executor = start("executor", "--threads", "1")
    executor.says("1 threads", within=60)
    assert "metrics:" not in executor.output()


def test_a_port_that_is_taken_ends_the_start(start: Start) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        executor = start("executor", "--metrics-port", str(port))
        assert executor.wait(60) == 2
    assert f"metrics-port: 127.0.0.1:{port} cannot be listened on" in executor.output()
    assert "Traceback" not in executor.output()
