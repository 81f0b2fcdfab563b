"""A thousand acts by a process that is killed all the time: what was written is on record."""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from functools import partial
from pathlib import Path

import pytest
from kazoo.client import KazooClient

from engine.act.bulk_file import BulkFile, Order
from engine.act.pace import WIDEST
from engine.models import ActRecord, Ending, JobRequest
from engine.nuvla.client import NuvlaClient
from engine.nuvla.credentials import ApiKey
from engine.settings import Secret
from engine.view.audit import read_audit_file
from engine.view.paging import every_job
from engine.zookeeper.paths import ENTRIES, TAKEN, entry_prefix, lock_path
from tests.local_api import LocalApi
from tests.support import eventually

CANCELS, REQUEUES, RELEASES, BYSTANDERS = 350, 120, 530, 10
LIFE = 60_000
"""Bytes by which the record grows in a life, at most: some 45 acts."""
FEWEST_KILLS = 10


class Nursery:
    """Starts lives of the process that acts, and ends them."""

    def __init__(self, process: subprocess.Popen[str]) -> None:
        self._process = process

    def start(self) -> int:
        """Start a life and return its process id."""
        return self._ask("start")

    def end(self) -> int:
        """Return the exit status of the life once it has ended; minus the signal that ended it."""
        return self._ask("end")

    def _ask(self, line: str) -> int:
        assert self._process.stdin is not None and self._process.stdout is not None
        self._process.stdin.write(f"{line}\n")
        self._process.stdin.flush()
        return int(self._process.stdout.readline())


@contextmanager
def nursery(hosts: str, api: LocalApi, folder: Path, ids: Iterable[str]) -> Iterator[Nursery]:
    command = [sys.executable, "-m", "tests.faults.actor", hosts, api.url, str(folder), *ids]
    env = {**os.environ, "ACTOR_KEY": api.api_key, "ACTOR_SECRET": api.api_secret}
    with (
        (folder / "actor.err").open("wb") as errors,
        subprocess.Popen(
            command,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=errors,
            env=env,
            text=True,
            start_new_session=True,
        ) as process,
    ):
        try:
            yield Nursery(process)
        finally:
            os.killpg(process.pid, signal.SIGKILL)  # with the life that a failure has left


def unrecorded(calls: Mapping[str, int], records: Iterable[ActRecord]) -> list[str]:
    """Return the subjects that were written to more often than an attempt is on record."""
    attempts = Counter(record.subject for record in records)
    return [subject for subject, number in calls.items() if number > attempts[subject]]


@pytest.mark.timeout(300)
def test_a_thousand_acts_with_kills_leave_one_record_for_each_attempted_write(
    zk_hosts: str, local_api: LocalApi, kazoo: KazooClient, tmp_path: Path
) -> None:
    key = ApiKey(local_api.api_key, Secret(local_api.api_secret))
    with NuvlaClient(local_api.url, credentials=key) as client:
        cancels = _jobs(client, "to_cancel", CANCELS)
        requeues = _jobs(client, "to_requeue", REQUEUES, state="SUCCESS")
        _jobs(client, "bystander", BYSTANDERS)
        releases = _locks(kazoo, RELEASES)
        orders = [
            Order(act="cancel", filter="x", subjects=cancels),
            Order(act="requeue", filter="x", subjects=requeues),
            Order(act="release", filter="x", reason="drill", force=True, subjects=releases),
        ]
        ids = [_begun(tmp_path, order) for order in orders]

        kills = _kill_until_done(zk_hosts, local_api, tmp_path, ids)

        log = read_audit_file(tmp_path / "audit.jsonl")
        calls = Counter((tmp_path / "calls").read_text("ascii").splitlines())
        # Each attempted write has its record, and each record is one of its own.
        assert unrecorded(calls, log.records) == []
        assert unrecorded(calls, log.records[1:]) == [log.records[0].subject]
        assert len({record.id for record in log.records}) == len(log.records)
        # A record without a write is one that a kill came after at once: nobody knows its end.
        ended = Counter(record.subject for record in log.records if record.ending is not None)
        assert all(ended[subject] <= calls[subject] for subject in ended)
        assert len(log.records) - calls.total() <= kills * WIDEST
        assert sum(record.ending is None for record in log.records) <= kills * WIDEST
        assert log.damaged <= kills
        # And the servers saw nothing else.
        cancelled = {job.id for job in every_job(client, "state='CANCELED'")}
        assert cancelled == set(cancels)
        made = Counter(
            str(job.raw["parent"]) for job in every_job(client, "parent!=null", select=["parent"])
        )
        assert made.keys() <= set(requeues) and set(made.values()) <= {1}
        assert _done("requeue", log.records) <= made.keys() <= calls.keys()
        freed = set(releases).difference(kazoo.get_children(TAKEN))
        assert _done("release", log.records) <= freed <= calls.keys()
        assert set(releases) <= set(kazoo.get_children(ENTRIES))
    assert kills >= FEWEST_KILLS


def _kill_until_done(hosts: str, api: LocalApi, folder: Path, ids: list[str]) -> int:
    """Kill one life after the other, until one ends by itself; return the number of kills."""
    record, kills = folder / "audit.jsonl", 0
    with nursery(hosts, api, folder, ids) as lives:
        while True:
            enough = _size(record) + random.randrange(LIFE)
            pid = lives.start()
            ended_or_grown = partial(_has_ended_or_grown, pid, record, enough)
            eventually(ended_or_grown, "the process acts", within=120.0, every=0.005)
            time.sleep(random.uniform(0.0, 0.02))
            if _works(pid):
                os.kill(pid, signal.SIGKILL)
            status = lives.end()
            if status != -signal.SIGKILL:
                assert status == 0, (folder / "actor.err").read_text("utf-8")[-3000:]
                return kills
            kills += 1


def _has_ended_or_grown(pid: int, record: Path, enough: int) -> bool:
    return _size(record) >= enough or not _works(pid)


def _size(record: Path) -> int:
    return record.stat().st_size if record.exists() else 0


def _works(pid: int) -> bool:
    """Whether a life has not ended. Its number is its own until the nursery is asked for it."""
    return Path(f"/proc/{pid}/stat").read_text("ascii").rpartition(")")[2].split()[0] != "Z"


def _done(act: str, records: Iterable[ActRecord]) -> set[str]:
    return {each.subject for each in records if each.act == act and each.ending is Ending.DONE}


def _jobs(client: NuvlaClient, action: str, number: int, state: str = "") -> tuple[str, ...]:
    def add(_: int) -> str:
        job_id = client.add_job(JobRequest(action=action))
        if state:
            client.edit_job(job_id, {"state": state, "return-code": 0})
        return job_id

    with ThreadPoolExecutor(8) as threads:
        return tuple(threads.map(add, range(number)))


def _locks(kazoo: KazooClient, number: int) -> tuple[str, ...]:
    """Make entries that a session holds which is not ours."""
    kazoo.ensure_path(TAKEN)
    prefix = entry_prefix(500)
    made = [
        kazoo.create_async(prefix, b"job/held-%d" % place, sequence=True) for place in range(number)
    ]
    names = tuple(path.get(timeout=30).rpartition("/")[2] for path in made)
    for lock in [kazoo.create_async(lock_path(name), ephemeral=True) for name in names]:
        lock.get(timeout=30)
    return names


def _begun(folder: Path, order: Order) -> str:
    file = BulkFile.create(folder, order)
    file.close()
    return file.id
