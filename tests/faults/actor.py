"""A process that goes on with acts in bulk, to be killed at any moment and started again.

It is a nursery: all is imported once, and a line on stdin starts one life by a fork, which is
answered with its process id. The next line asks for its exit status, once it has ended.

    python -m tests.faults.actor ZK_HOSTS API_URL FOLDER ID...

The API key and its secret are in the environment (ACTOR_KEY, ACTOR_SECRET). In FOLDER are the
files of the acts in bulk and their record; each write is noted in the file `calls` just before it
is sent.
"""

from __future__ import annotations

import os
import random
import sys
import traceback
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from engine.act.audit import Audit, who_acts
from engine.act.bulk import Bulk
from engine.act.bulk_file import BulkFile
from engine.act.sources import Sources
from engine.errors import BulkError
from engine.models import JobRequest
from engine.nuvla.client import NuvlaClient
from engine.nuvla.credentials import ApiKey
from engine.settings import Secret
from engine.zookeeper.connection import Answer, ZooKeeper

SESSION_TIMEOUT = 2.0


class Calls:
    """The file that tells what was sent."""

    def __init__(self, path: Path) -> None:
        self._descriptor = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)

    def note(self, subject: str) -> None:
        """Note a write that is about to be sent. It outlives this process at once."""
        os.write(self._descriptor, f"{subject}\n".encode())


class WatchedClient(NuvlaClient):
    """Notes each write of a job."""

    calls: Calls

    def cancel_job(self, job_id: str) -> dict[str, Any]:
        self.calls.note(job_id)
        return super().cancel_job(job_id)

    def add_job(self, request: JobRequest | Mapping[str, Any]) -> str:
        assert isinstance(request, Mapping)
        self.calls.note(str(request["parent"]))
        return super().add_job(request)


class WatchedZooKeeper(ZooKeeper):
    """Notes each transaction by the first node that it names."""

    calls: Calls

    def transaction(
        self, *operations: Any, epoch: int | None = None, timeout: float | None = None
    ) -> tuple[Answer, ...]:
        self.calls.note(operations[0].path.rpartition("/")[2])
        return super().transaction(*operations, epoch=epoch, timeout=timeout)


def live(hosts: str, url: str, folder: Path, ids: list[str]) -> None:
    """Go on with all acts in bulk until nothing is left of them."""
    calls = Calls(folder / "calls")
    key = ApiKey(os.environ["ACTOR_KEY"], Secret(os.environ["ACTOR_SECRET"]))
    zk = WatchedZooKeeper(hosts, session_timeout=SESSION_TIMEOUT)
    client = WatchedClient(url, credentials=key)
    zk.calls = client.calls = calls
    zk.start()
    audit = Audit(folder / "audit.jsonl")
    for id in random.sample(ids, len(ids)):
        try:
            file = BulkFile.open(folder, id)
        except BulkError:
            continue  # nothing is left of it
        for _ in Bulk(file, Sources(zk=zk, client=client), by=who_acts(), audit=audit).run():
            pass


def main() -> None:
    """Start a life for each line, and tell how it ended for the next."""
    hosts, url, folder, *ids = sys.argv[1:]
    while sys.stdin.readline():
        pid = os.fork()
        if pid == 0:
            code = 1
            try:
                random.seed()
                live(hosts, url, Path(folder), ids)
                code = 0
            except BaseException:
                traceback.print_exc()
            finally:
                os._exit(code)
        print(pid, flush=True)
        sys.stdin.readline()  # until then nobody else is given the number
        print(os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]), flush=True)


if __name__ == "__main__":
    main()
