"""How fast the local API answers over 200,000 stored jobs, and how much memory it takes.

Run: python -m benchmarks.local_api [--jobs N] [--keep FOLDER]. Prints milliseconds over HTTP: the
median and the 95th percentile of each kind of request, and the server's resident memory.
"""

from __future__ import annotations

import argparse
import json
import multiprocessing
import random
import sqlite3
import statistics
import tempfile
import time
import uuid
from collections.abc import Callable, Iterator
from functools import partial
from itertools import islice
from multiprocessing.connection import Connection
from pathlib import Path

import psutil
import requests

from engine.local.api import instants, job_table, jobs
from engine.local.api.caller import INTERNAL
from engine.local.api.database import Database
from engine.local.api_server import ApiServer

ADMIN = {"nuvla-authn-info": "internal group/nuvla-admin group/nuvla-admin"}
JANE = {"nuvla-authn-info": "user/jane user/jane user/jane group/nuvla-user"}
STATES = ("SUCCESS",) * 80 + ("FAILED",) * 12 + ("CANCELED",) * 4 + ("QUEUED",) * 3 + ("RUNNING",)
ACTIONS = tuple(f"action_{number}" for number in range(40))
DAY_MS = 24 * 3600 * 1000
SAMPLES = 60


class NoQueue:
    """Queues nothing: the API alone is measured."""

    def start(self) -> None:
        """Do nothing."""

    def put(self, job_id: str, priority: int) -> str:
        """Return a path as ZooKeeper would."""
        return f"/job/entries/entry-{priority:03d}-{random.randrange(10**9):010d}"

    def close(self) -> None:
        """Do nothing."""


def sample_jobs(count: int, *, seed: int = 1) -> Iterator[jobs.Document]:
    """Yield jobs of thirty days, as a busy server has them."""
    chance = random.Random(seed)
    now = instants.now_ms()
    for number in range(count):
        created = now - 30 * DAY_MS * (count - number) // count
        body = {
            "action": chance.choice(ACTIONS),
            "target-resource": {"href": f"deployment/{chance.randrange(count // 20 + 1)}"},
            "priority": chance.choice((10, 50, 100, 999)),
            "status-message": "x" * chance.randrange(400),
            "acl": {"owners": ["group/nuvla-admin"], "view-acl": [f"user/{chance.randrange(500)}"]},
        }
        if number % 50 == 0:
            body["parent-job"] = f"job/parent-{number // 5000}"
            body["acl"] = {"owners": ["group/nuvla-admin"], "view-acl": ["user/jane"]}
        job_id = f"job/{uuid.UUID(int=chance.getrandbits(128))}"
        job = jobs.new_job(body, job_id=job_id, caller=INTERNAL, now=created)
        job["tags"] = [f"/job/entries/entry-{body['priority']}-{number:010d}"]
        state = chance.choice(STATES)
        if state != "QUEUED":
            job = jobs.edited(job, {"state": "RUNNING"}, caller=INTERNAL, now=created + 100)
        if state not in ("QUEUED", "RUNNING"):
            job = jobs.edited(job, {"state": state}, caller=INTERNAL, now=created + 5000)
        yield job


def fill(path: Path, count: int) -> None:
    """Store sample jobs."""
    database = Database(path, durable=False)
    database.open()
    waiting = sample_jobs(count)

    def work(connection: sqlite3.Connection) -> int:
        batch = list(islice(waiting, 1000))
        for job in batch:
            job_table.insert(connection, job)
        return len(batch)

    while database.write(work).result():
        pass
    database.close()


def serve(path: Path, ready: Connection) -> None:
    """Serve a database until told to end."""
    server = ApiServer(path, zk_hosts="", password="benchmark", enqueuer=NoQueue())
    server.start()
    ready.send(server.url)
    ready.recv()
    server.stop()


def queries(known: list[dict[str, str]]) -> dict[str, dict[str, object]]:
    """Return the kinds of query that a console sends."""
    job = known[0]
    page = {"orderby": "created:desc", "last": 50}
    counts = {"last": 0, "aggregation": "terms:state,value_count:id"}
    return {
        "newest": page,
        "by state (many)": {"filter": "state='SUCCESS'", **page},
        "by states (few)": {"filter": "state=['RUNNING','QUEUED']", **page},
        "by action": {"filter": "action='action_7'", **page},
        "by action and state": {"filter": "action='action_7' and state='FAILED'", **page},
        "by target": {"filter": f"target-resource/href='{job['target']}'", **page},
        "by parent": {"filter": "parent-job='job/parent-3'", **page},
        "by tag": {"filter": f"tags='{job['tag']}'", **page},
        "last day": {"filter": "created>'now-1d'", **page},
        "last day, failed": {"filter": "created>'now-1d' and state='FAILED'", **page},
        "updated last hour": {"filter": "updated>'now-1h'", "orderby": "updated:desc", "last": 50},
        "running, oldest": {"filter": "state='RUNNING'", "orderby": "started", "last": 50},
        "id prefix": {"filter": f"id^='{job['id'][:9]}'", **page},
        "id word": {"filter": f"fulltext=='{job['id'][4:12]}'", **page},
        "id word prefix": {"filter": f"fulltext=='{job['id'][4:9]}*'", **page},
        "200 ids": {"filter": f"id={[row['id'] for row in known[:200]]}", "last": 200},
        "states of all": {**counts, "aggregation": "terms:state"},
        "actions of all": {**counts, "aggregation": "terms:action"},
        "dashboard, last day": {**counts, "filter": "created>'now-1d'"},
        "dashboard, all": counts,
        "actions of the queued": {
            "filter": "state='QUEUED'",
            "last": 0,
            "aggregation": "terms:action",
        },
        "page 100": {"orderby": "created:desc", "first": 4951, "last": 5000},
    }


def percentile(samples: list[float], part: float) -> float:
    """Return the value below which a part of the samples lies."""
    return sorted(samples)[min(len(samples) - 1, int(len(samples) * part))]


def measure(
    name: str, request: Callable[[], requests.Response], *, samples: int = SAMPLES
) -> dict[str, object]:
    """Repeat a request and return its times in milliseconds."""
    times = []
    for _ in range(samples):
        started = time.perf_counter()
        response = request()
        times.append((time.perf_counter() - started) * 1000)
        response.raise_for_status()
    return {
        "request": name,
        "median_ms": round(statistics.median(times), 2),
        "p95_ms": round(percentile(times, 0.95), 2),
    }


def run(url: str) -> Iterator[dict[str, object]]:
    """Measure each kind of request."""
    http = requests.Session()
    http.headers.update(ADMIN)
    listed = http.get(f"{url}/api/job", params={"last": 500, "first": 1}).json()["resources"]
    known = [
        {"id": job["id"], "target": job["target-resource"]["href"], "tag": job["tags"][0]}
        for job in listed
    ]
    for name, form in queries(known).items():
        yield measure(name, partial(http.put, f"{url}/api/job", data=form))
    page = {"orderby": "created:desc", "last": 50}
    jane = partial(http.put, f"{url}/api/job", data=page, headers=JANE)
    yield measure("newest, as a user", jane)
    yield measure("all, 10,000 documents", partial(http.put, f"{url}/api/job"), samples=3)
    yield measure("read", lambda: http.get(f"{url}/api/{known[3]['id']}"))
    body = {"action": "x", "target-resource": {"href": "deployment/1"}}
    yield measure("add", lambda: http.post(f"{url}/api/job", json=body))
    job_id = http.post(f"{url}/api/job", json=body).json()["resource-id"]
    numbers = iter(range(SAMPLES))
    yield measure("edit", lambda: http.put(f"{url}/api/{job_id}", json={"progress": next(numbers)}))


def main() -> None:
    """Fill, serve, measure, print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--jobs", type=int, default=200_000)
    parser.add_argument("--keep", type=Path, help="folder of the database; reused when filled")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as temporary:
        path = (options.keep or Path(temporary)) / "api.sqlite"
        if not path.exists():
            path.parent.mkdir(parents=True, exist_ok=True)
            fill(path, options.jobs)
        ours, theirs = multiprocessing.Pipe()
        process = multiprocessing.get_context("spawn").Process(target=serve, args=(path, theirs))
        process.start()
        try:
            for row in run(ours.recv()):
                print(json.dumps(row), flush=True)
            memory = psutil.Process(process.pid).memory_info().rss / 2**20
            print(json.dumps({"resident_mib": round(memory), "jobs": options.jobs}))
        finally:
            ours.send("end")
            process.join(20)
            process.kill()


if __name__ == "__main__":
    main()
