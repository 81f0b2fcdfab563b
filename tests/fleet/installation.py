"""A local platform with executors of both kinds on it."""

from __future__ import annotations

import json
import os
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import requests
from kazoo.client import KazooClient

from engine.zookeeper.paths import ENTRIES, TAKEN
from tests.faults.children import Child
from tests.faults.journal import Journal
from tests.support import eventually

HERE = Path(__file__).parent
PEER_PYTHON = HERE.parent.parent / ".peer" / "bin" / "python"
ADMIN = {"nuvla-authn-info": "group/nuvla-admin"}
ACTIONS = HERE.parent / "faults" / "actions"


def peer_command(script: str, hosts: str, url: str) -> list[str]:
    """Return the command of a process of the published engine."""
    assert PEER_PYTHON.exists(), "the peer is missing: run 'make setup'"
    words = ["--zk-hosts", hosts, "--api-url", url, "--api-authn-header", "group/nuvla-admin"]
    return [str(PEER_PYTHON), "-P", str(HERE / script), *words]


class Fleet:
    """One platform, its executors, and the journal of their runs."""

    def __init__(self, folder: Path) -> None:
        """Start the platform."""
        self.folder = folder
        self.journal = Journal(folder / "journal")
        self.children: list[Child] = []
        words = ["-m", "engine.cli.main", "local", "--data", str(folder / "data")]
        self.local = self.start("local", [sys.executable, *words, "--zk-port=0", "--api-port=0"])
        line = eventually(self._announcement, "the platform is ready", within=40)
        self.hosts, self.url = line["zk_hosts"], line["api_url"]
        self._login = {"NUVLA_API_USER": line["api_user"], "NUVLA_API_PASS": line["api_pass"]}
        self.kazoo = KazooClient(self.hosts)
        self.kazoo.start(timeout=20)

    def close(self) -> None:
        """End all; the platform in good order, so that it ends its ZooKeeper."""
        self.kazoo.stop()
        self.kazoo.close()
        for child in self.children:
            if child is not self.local:
                child.kill()
        self.local.terminate()
        self.local.wait(30)

    def start(self, name: str, command: list[str], **env: str) -> Child:
        """Start a process whose output is kept."""
        surroundings = {"PATH": os.environ["PATH"], "HOME": str(self.folder), "LANG": "C.UTF-8"}
        surroundings["FAULTS_JOURNAL"] = str(self.journal.path)
        child = Child(name, command, folder=self.folder, env={**surroundings, **env})
        self.children.append(child)
        return child

    def ours(self, name: str) -> Child:
        """Start an executor of ours, which logs in with the platform's password."""
        words = ["--zk-hosts", self.hosts, "--api-url", self.url, "--name", name]
        words += ["--threads", "4", "--actions-path", str(ACTIONS)]
        command = [sys.executable, "-m", "engine.cli.main", "executor", *words]
        return self.start(name, command, **self._login)

    def theirs(self, name: str) -> Child:
        """Start an executor of the published engine."""
        return self.start(name, peer_command("peer_executor.py", self.hosts, self.url))

    def add_many(self, number: int) -> list[str]:
        """Add jobs through the API, which queues them."""
        with ThreadPoolExecutor(4) as threads, requests.Session() as session:
            session.headers.update(ADMIN)

            def add(_: int) -> str:
                url = f"{self.url}/api/job"
                answer = session.post(url, json={"action": "count"}, timeout=30)
                answer.raise_for_status()
                return str(answer.json()["resource-id"])

            return list(threads.map(add, range(number)))

    def count(self, state: str) -> int:
        """Return how many jobs have this state."""
        query = {"filter": f"state='{state}'", "last": "0"}
        answer = requests.put(f"{self.url}/api/job", data=query, headers=ADMIN, timeout=30)
        answer.raise_for_status()
        return int(answer.json()["count"])

    def left_over(self) -> list[str]:
        """Return the entries and locks that are left."""
        found: list[str] = []
        for parent in (ENTRIES, TAKEN):
            found += self.kazoo.get_children(parent)
        return found

    def _announcement(self) -> dict[str, Any] | None:
        assert self.local.is_running, self.local.output()
        for line in self.local.output().splitlines():
            if line.startswith("{") and "zk_hosts" in line:
                announced: dict[str, Any] = json.loads(line)
                return announced
        return None
