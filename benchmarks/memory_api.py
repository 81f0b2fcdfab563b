"""The job endpoint of the benchmarks: job documents in memory, as cheaply as Python serves HTTP.

A process of its own (`python -m benchmarks.memory_api`), so that the executor is measured and not
a store. It prints its port, and ends with its standard input. Any job id is a queued job until it
is edited.
"""

from __future__ import annotations

import asyncio
import importlib.util
import json
import sys
import time
from typing import Any, cast

FINAL = frozenset({"SUCCESS", "FAILED", "CANCELED"})
JOB = b"/api/job/"
STAMP = "2026-01-05T08:00:00.000Z"
COOKIE = b"set-cookie: com.com.sixsq.nuvla.cookie=benchmark; Path=/; HttpOnly\r\n"


class Jobs:
    """The documents that have been asked for, and how many of them are final."""

    def __init__(self) -> None:
        self.reset("bench_noop", 0)

    def reset(self, action: str, target: int) -> None:
        """Forget all, and give this action to the jobs from now on."""
        self.documents: dict[str, dict[str, Any]] = {}
        self.action = action
        self.target = target
        self.finals = 0
        self.first_read: float | None = None
        self.reached: float | None = None

    def read(self, job: str) -> dict[str, Any]:
        """Return a document; one of a queued job when it is asked for the first time."""
        if self.first_read is None:
            self.first_read = time.monotonic()
        document = self.documents.get(job)
        if document is None:
            document = self.documents[job] = new_document(job, self.action)
        return document

    def edit(self, job: str, changes: dict[str, Any]) -> dict[str, Any]:
        """Merge changes into a document; note when the wanted number of jobs is final."""
        document = self.read(job)
        was_final = document["state"] in FINAL
        document.update(changes)
        if not was_final and document["state"] in FINAL:
            self.finals += 1
            if self.finals == self.target:
                self.reached = time.monotonic()
        return document

    def figures(self) -> dict[str, Any]:
        """Return what the harness asks for; times are of the machine's monotonic clock."""
        states: dict[str, int] = {}
        for document in self.documents.values():
            states[document["state"]] = states.get(document["state"], 0) + 1
        return {
            "finals": self.finals,
            "first_read": self.first_read,
            "reached": self.reached,
            "now": time.monotonic(),
            "states": states,
        }


def new_document(job: str, action: str) -> dict[str, Any]:
    """Return a queued job with the attributes that the real server gives one."""
    admin = ["group/nuvla-admin"]
    rights = ("view-acl", "view-data", "view-meta", "edit-acl", "edit-data", "edit-meta", "manage")
    return {
        "id": job,
        "resource-type": "job",
        "action": action,
        "state": "QUEUED",
        "progress": 0,
        "version": 2,
        "execution-mode": "push",
        "priority": 999,
        "target-resource": {"href": "deployment/5b1f2c3d-0000-4000-8000-000000000001"},
        "affected-resources": [{"href": "deployment/5b1f2c3d-0000-4000-8000-000000000001"}],
        "tags": ["/job/entries/entry-999-0000000042"],
        "created": STAMP,
        "updated": STAMP,
        "created-by": "internal",
        "acl": {"owners": admin, **{right: admin for right in rights}},
        "operations": [
            {"rel": name, "href": job if name in ("edit", "delete") else f"{job}/{name}"}
            for name in ("edit", "delete", "cancel", "timeout", "get-context")
        ],
    }


class Link(asyncio.Protocol):
    """One HTTP/1.1 connection, kept alive."""

    def __init__(self, jobs: Jobs) -> None:
        self._jobs = jobs
        self._buffer = b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Keep the transport."""
        # A cast: uvloop's transports do not inherit from asyncio's.
        self._transport = cast(asyncio.Transport, transport)

    def data_received(self, data: bytes) -> None:
        """Answer all requests that are whole by now."""
        self._buffer += data
        while (end := self._buffer.find(b"\r\n\r\n")) >= 0:
            head = self._buffer[:end]
            length = _content_length(head)
            if len(self._buffer) < end + 4 + length:
                return
            body = self._buffer[end + 4 : end + 4 + length]
            self._buffer = self._buffer[end + 4 + length :]
            method, target, _ = head[: head.find(b"\r\n")].split(b" ")
            status, document = self._answer(method, target.partition(b"?")[0], body)
            self._transport.write(_response(status, document))

    def _answer(self, method: bytes, path: bytes, body: bytes) -> tuple[int, object]:
        jobs = self._jobs
        if path.startswith(JOB):
            job = "job/" + path[len(JOB) :].decode()
            return 200, jobs.edit(job, json.loads(body)) if method == b"PUT" else jobs.read(job)
        if path == b"/figures":
            return 200, jobs.figures()
        if path == b"/reset":
            jobs.reset(**json.loads(body))
            return 200, {}
        if path == b"/api/job":
            return 200, {"resource-type": "job-collection", "count": 0, "resources": []}
        if path == b"/api/session":
            if method == b"POST":
                return 201, {"status": 201, "resource-id": "session/benchmark"}
            return 200, {"resource-type": "session-collection", "count": 0, "resources": []}
        if path == b"/api/cloud-entry-point":
            return 200, {"id": "cloud-entry-point", "collections": {"job": {"href": "job"}}}
        return 404, {"status": 404, "message": f"{path.decode()} not found"}


def _content_length(head: bytes) -> int:
    lowered = head.lower()
    start = lowered.find(b"content-length:")
    if start < 0:
        return 0
    end = lowered.find(b"\r\n", start)
    return int(lowered[start + 15 : end if end >= 0 else None])


def _response(status: int, document: object) -> bytes:
    body = json.dumps(document).encode()
    cookie = COOKIE if status == 201 else b""
    return b"HTTP/1.1 %d OK\r\ncontent-type: application/json\r\n%bcontent-length: %d\r\n\r\n%b" % (
        status,
        cookie,
        len(body),
        body,
    )


async def serve() -> None:
    """Serve on a free port of loopback until standard input ends."""
    loop = asyncio.get_running_loop()
    jobs = Jobs()
    server = await loop.create_server(lambda: Link(jobs), "127.0.0.1", 0)
    print(server.sockets[0].getsockname()[1], flush=True)
    await loop.run_in_executor(None, sys.stdin.read)
    server.close()


if __name__ == "__main__":
    if importlib.util.find_spec("uvloop"):
        import uvloop

        uvloop.run(serve())
    else:
        asyncio.run(serve())
