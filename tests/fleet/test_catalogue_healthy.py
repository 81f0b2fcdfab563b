"""Ten thousand healthy jobs on real servers: nothing of them is called stuck."""

from __future__ import annotations

import random
import sqlite3
import uuid
from collections import Counter
from collections.abc import Iterator
from itertools import islice
from pathlib import Path
from typing import Any

import pytest
from kazoo.client import KazooClient

from engine.local.api import instants, job_table, jobs
from engine.local.api.caller import INTERNAL
from engine.local.api.database import Database
from engine.local.zookeeper import ZooKeeperServer
from engine.models import Verdict
from engine.view.checkup import read_checkup
from engine.zookeeper.paths import entry_prefix
from tests.fleet.scene import OWN, Scene
from tests.local_api import running_api

pytestmark = pytest.mark.timeout(180)
KINDS = {"waiting": 5000, "pull": 2000, "fallen back": 500, "bulk": 500, "leftover": 1980}
WORKING = 20
DAY_MS = 24 * 3600 * 1000
LOOKED_AT = 60
"""Jobs that are looked at one by one, as `why` does; the check-up sees all."""


@pytest.fixture
def scene(tmp_path: Path) -> Iterator[Scene]:
    """A ZooKeeper and an API that hold these jobs."""
    server = ZooKeeperServer(tmp_path / "zk", durable=False, leash=True)
    server.start()
    try:
        store(tmp_path / "api.sqlite", server.hosts)
        with running_api(tmp_path / "api.sqlite", server.hosts) as api:
            made = Scene(server.hosts, api, tmp_path)
            try:
                yield made
            finally:
                made.close()
    finally:
        server.stop()


def store(path: Path, hosts: str) -> None:
    """Store the documents, and queue those that belong into the queue."""
    chance = random.Random(20261126)
    names = [kind for kind, number in KINDS.items() for _ in range(number)]
    chance.shuffle(names)
    documents = [(kind, document(kind, chance)) for kind in names]
    queued = [job for kind, job in documents if kind in ("waiting", "leftover")]
    for job, entry in zip(queued, enqueue(hosts, queued), strict=True):
        job["tags"] = [entry]
    database = Database(path, durable=False)
    database.open()
    left = iter(documents)

    def work(connection: sqlite3.Connection) -> int:
        batch = list(islice(left, 1000))
        for _, job in batch:
            job_table.insert(connection, job)
        return len(batch)

    while database.write(work).result():
        pass
    database.close()


def document(kind: str, chance: random.Random) -> dict[str, Any]:
    """Return a healthy job of this kind, up to a month old."""
    now = instants.now_ms()
    created = now - chance.randrange(30 * DAY_MS)
    job_id = f"job/{uuid.UUID(int=chance.getrandbits(128))}"
    body: dict[str, Any] = {"action": "hold", "priority": 100 + chance.randrange(900)}
    if kind == "pull":
        body["execution-mode"] = "pull"
    if kind == "fallen back":
        body["execution-mode"] = "mixed"
    if kind == "bulk":
        body["action"] = chance.choice(["bulk_update", "bulk_force_delete"])
    job = jobs.new_job(body, job_id=job_id, caller=INTERNAL, now=created)
    changes: dict[str, Any] = {}
    if kind == "bulk":
        changes = {"state": "RUNNING", "tags": ["monitor"]}
    elif kind == "fallen back":
        changes = {"state": "QUEUED", "execution-mode": "pull"}
    elif kind == "leftover":
        changes = {"state": chance.choice(["CANCELED", "SUCCESS", "FAILED"])}
    elif chance.random() < 0.3:
        changes = {"state": "RUNNING"}  # on its device, or put back in the queue
    if not changes:
        return job
    later = created + chance.randrange(now - created + 1)
    return jobs.edited(job, changes, caller=INTERNAL, now=later)


def enqueue(hosts: str, queued: list[dict[str, Any]]) -> list[str]:
    """Make the entries, and return their paths."""
    client = KazooClient(hosts)
    client.start(timeout=30)
    try:
        client.ensure_path("/job/entries")
        paths: list[str] = []
        for start in range(0, len(queued), 250):
            transaction = client.transaction()
            for job in queued[start : start + 250]:
                prefix = entry_prefix(job.get("priority", 999))  # an edit takes it away
                transaction.create(prefix, job["id"].encode(), sequence=True)
            paths += transaction.commit()
        return paths
    finally:
        client.stop()
        client.close()


def test_no_alarm_over_ten_thousand_healthy_jobs(scene: Scene) -> None:
    working = [scene.add_waiting(priority=0) for _ in range(WORKING)]
    for _ in range(2):
        scene.crew(threads=WORKING // 2)
    scene.await_threads(working)
    checkup = read_checkup(scene.zk, scene.client, OWN)
    assert checkup.findings == ()
    assert checkup.left_out == ()
    assert checkup.depth == KINDS["waiting"] + KINDS["leftover"] + WORKING
    chance = random.Random(7)
    page = scene.client.search_jobs(orderby="id:asc", last=2000)
    others = [job.id for job in page.jobs if job.id not in working]
    chosen = chance.sample(others, LOOKED_AT) + working
    seen = Counter(scene.why(job_id).verdict for job_id in chosen)
    assert not [verdict for verdict in seen if not verdict.is_healthy], seen
    assert seen[Verdict.WORKING] == WORKING
    assert {Verdict.WAITING, Verdict.ELSEWHERE, Verdict.LEFTOVER} <= set(seen)
    assert sum(KINDS.values()) + WORKING == 10_000
