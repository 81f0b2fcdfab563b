"""A long queue with its documents, its running jobs and their owners, for the diagnosis."""

from __future__ import annotations

import multiprocessing
import sqlite3
import threading
import uuid
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, closing, contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import islice
from multiprocessing.connection import Connection
from pathlib import Path

from kazoo.client import KazooClient

from benchmarks.fill import fill, warm_up
from benchmarks.local_api import NoQueue
from engine.local.api import instants, job_table, jobs
from engine.local.api.caller import INTERNAL
from engine.local.api.database import Database
from engine.local.api_server import ApiServer
from engine.local.zookeeper import ZooKeeperServer
from engine.models import LockNote, Member, MemberKind, QueueEntry, RunningJob
from engine.service.control import Control
from engine.service.stacks import capture
from engine.view.queue import read_entries, read_names
from engine.zookeeper import paths, wire
from engine.zookeeper.answering import Answering
from engine.zookeeper.connection import ZooKeeper
from engine.zookeeper.paths import OwnPaths, entry_path

EXECUTORS = 40
HOUR_MS = 3_600_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Stage:
    """What is to be diagnosed, and how to reach it."""

    environ: dict[str, str]
    jobs: dict[str, str]
    """One job of each kind."""


@contextmanager
def open_stage(folder: Path, *, entries: int, running: int) -> Iterator[Stage]:
    """Start ZooKeeper and the API; queue `entries` jobs, of which `running` are worked on."""
    server = ZooKeeperServer(folder / "zk", durable=False, heap="512m", leash=True)
    with ExitStack() as stack:
        server.start()
        stack.callback(server.stop)
        warm_up(server.hosts)
        fill(server.hosts, entries)
        queued = _read(server.hosts)
        stack.enter_context(_owners(server.hosts, queued[:running]))
        named = _documents(folder / "api.sqlite", queued, running)
        kazoo = KazooClient(server.hosts)
        kazoo.start(timeout=30)
        orphan = f"job/{uuid.uuid4()}"
        kazoo.set(entry_path(queued[-5].name), orphan.encode())
        kazoo.stop()
        kazoo.close()
        url, key, secret = stack.enter_context(_serving(folder / "api.sqlite"))
        environ = {
            "NUVLA_ZK_HOSTS": server.hosts,
            "NUVLA_API_URL": url,
            "NUVLA_API_KEY": key,
            "NUVLA_API_SECRET": secret,
            "XDG_CONFIG_HOME": str(folder),
            "HOME": str(folder),
        }
        yield Stage(environ=environ, jobs={**named, "orphan": orphan})


def _read(hosts: str) -> list[QueueEntry]:
    zk = ZooKeeper(hosts)
    zk.start()
    try:
        return read_entries(zk, read_names(zk)[0])
    finally:
        zk.close()


@contextmanager
def _owners(hosts: str, held: Sequence[QueueEntry]) -> Iterator[None]:
    """Hold entries as executors of ours do, which answer when they are asked for their stacks."""
    with ExitStack() as stack:
        for number in range(EXECUTORS):
            zk = ZooKeeper(hosts)
            stack.callback(zk.close)
            zk.start()
            stack.enter_context(_owner(zk, f"exec-{number}", held[number::EXECUTORS]))
        yield


@contextmanager
def _owner(zk: ZooKeeper, instance: str, held: Sequence[QueueEntry]) -> Iterator[None]:
    own = OwnPaths()
    works = [
        RunningJob(
            job_id=entry.job_id or "",
            entry=entry.name,
            action="act",
            thread=f"worker-{number}",
            since=datetime.now(UTC),
        )
        for number, entry in enumerate(held)
    ]
    zk.ensure(paths.TAKEN)
    for start in range(0, len(works), 200):
        notes = [
            (work.entry, LockNote(instance=instance, thread=work.thread, claim=uuid.uuid4().hex))
            for work in works[start : start + 200]
        ]
        zk.transaction(
            *(
                wire.create(paths.lock_path(name), note.to_node(), flags=wire.EPHEMERAL)
                for name, note in notes
            )
        )
    member = _member(instance, tuple(works))
    zk.create(own.member(instance), member.to_node(), ephemeral=True)
    mine = {threading.main_thread().ident or 0: works[0].job_id} if works else {}
    control = Control(
        instance=instance, allowed=member.remote_control, stacks=lambda: capture(mine)
    )
    channel = Answering(zk, own, instance, control.handle)
    channel.start()
    with closing(channel):
        yield


def _member(instance: str, works: tuple[RunningJob, ...]) -> Member:
    return Member(
        instance=instance,
        kind=MemberKind.EXECUTOR,
        name=instance,
        host="node",
        pid=1,
        version="1",
        started=datetime.now(UTC),
        threads=len(works),
        offers=("act",),
        jobs=works,
        updated=datetime.now(UTC),
    )


def _documents(database_file: Path, queued: Sequence[QueueEntry], running: int) -> dict[str, str]:
    """Store the documents; return one job of each kind."""
    named = {
        "working": queued[0].job_id or "",
        "waiting, in the middle": queued[(running + len(queued)) // 2].job_id or "",
        "waiting, at the end": queued[-1].job_id or "",
        "leftover": queued[-10].job_id or "",
        "finished": f"job/{uuid.uuid4()}",
        "pull": f"job/{uuid.uuid4()}",
        "lost": f"job/{uuid.uuid4()}",
    }
    now = instants.now_ms()
    database = Database(database_file, durable=False)
    database.open()
    waiting = enumerate(_bodies(queued, running, named))

    def work(connection: sqlite3.Connection) -> int:
        batch = list(islice(waiting, 1000))
        for number, (job_id, tag, state, extra) in batch:
            body = {"action": "act", "target-resource": {"href": "deployment/1"}, **extra}
            created = now - HOUR_MS + 10 * number
            job = jobs.new_job(body, job_id=job_id, caller=INTERNAL, now=created)
            if tag:
                job["tags"] = [tag]
            if state != "QUEUED":
                job = jobs.edited(job, {"state": state}, caller=INTERNAL, now=now)
            job_table.insert(connection, job)
        return len(batch)

    try:
        while database.write(work).result():
            pass
    finally:
        database.close()
    return named


def _bodies(
    queued: Sequence[QueueEntry], running: int, named: dict[str, str]
) -> Iterator[tuple[str, str, str, dict[str, str]]]:
    """Yield job, entry, state and further attributes of each document."""
    for number, entry in enumerate(queued):
        if number == len(queued) - 5:
            continue  # its entry will name a job that is not there
        state = "RUNNING" if number < running else "QUEUED"
        state = "CANCELED" if entry.job_id == named["leftover"] else state
        yield entry.job_id or "", entry_path(entry.name), state, {}
    yield named["finished"], entry_path("entry-999-0009999997"), "SUCCESS", {}
    yield named["pull"], "", "QUEUED", {"execution-mode": "pull"}
    yield named["lost"], entry_path("entry-999-0009999998"), "QUEUED", {}


@contextmanager
def _serving(path: Path) -> Iterator[tuple[str, str, str]]:
    """Serve the documents by a process of its own; yield its address and an API key."""
    ours, theirs = multiprocessing.Pipe()
    process = multiprocessing.get_context("spawn").Process(target=_serve, args=(path, theirs))
    process.start()
    try:
        url, key, secret = ours.recv()
        yield url, key, secret
    finally:
        ours.send("end")
        process.join(20)
        process.kill()


def _serve(path: Path, ready: Connection) -> None:
    server = ApiServer(path, zk_hosts="", password="benchmark", enqueuer=NoQueue())
    server.start()
    ready.send((server.url, *server.create_api_key()))
    ready.recv()
    server.stop()
