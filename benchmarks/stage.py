"""What a measurement runs on: a fresh ZooKeeper with a filled queue, and the job endpoint."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from http.client import HTTPConnection
from pathlib import Path
from typing import Any

from benchmarks.fill import fill, warm_up
from engine.local.zookeeper import ZooKeeperServer

ROOT = Path(__file__).parent.parent


class Endpoint:
    """The job endpoint, running as a process of its own."""

    def __init__(self) -> None:
        self._process = subprocess.Popen(
            [sys.executable, "-m", "benchmarks.memory_api"],
            cwd=ROOT,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
        )
        assert self._process.stdout is not None
        self._port = int(self._process.stdout.readline())
        self.url = f"http://127.0.0.1:{self._port}"

    def reset(self, action: str, target: int) -> None:
        """Forget all jobs; note the time when `target` jobs are final."""
        self._ask("POST", "/reset", {"action": action, "target": target})

    def figures(self) -> dict[str, Any]:
        """Return how many jobs are final, and since when."""
        return self._ask("GET", "/figures")

    def close(self) -> None:
        """End the process."""
        self._process.communicate(timeout=10)

    def _ask(self, method: str, path: str, body: object = None) -> dict[str, Any]:
        link = HTTPConnection("127.0.0.1", self._port, timeout=30)
        try:
            link.request(method, path, json.dumps(body))
            answer: dict[str, Any] = json.loads(link.getresponse().read())
            return answer
        finally:
            link.close()


@dataclass(frozen=True, slots=True, kw_only=True)
class Stage:
    """Where the executors under test find everything."""

    server: ZooKeeperServer
    endpoint: Endpoint
    folder: Path


@contextmanager
def open_stage(queued: int, *, durable: bool) -> Iterator[Stage]:
    """Start everything in a folder of its own, fill the queue, and remove all afterwards."""
    folder = Path(tempfile.mkdtemp(prefix="nuvla-bench-"))
    server = ZooKeeperServer(folder / "zookeeper", durable=durable, heap="512m", leash=True)
    try:
        server.start()
        endpoint = Endpoint()
        try:
            warm_up(server.hosts)
            fill(server.hosts, queued)
            yield Stage(server=server, endpoint=endpoint, folder=folder)
        finally:
            endpoint.close()
    finally:
        server.kill()
        shutil.rmtree(folder)
