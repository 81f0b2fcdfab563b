"""The job resource over HTTP (contract, sections 3 to 5)."""

from __future__ import annotations

import sqlite3
import uuid
from collections.abc import Callable
from functools import partial
from typing import Any

from starlette.responses import Response

from engine.local.api import acl, answers, faults, instants, job_table, jobs, query
from engine.local.api.caller import ADMIN, INTERNAL, USER, Caller
from engine.local.api.enqueue import Enqueuer
from engine.local.api.faults import Fault
from engine.local.api.jobs import Document
from engine.local.api.offload import Offload
from engine.local.api.predicates import Condition
from engine.local.api.presentation import may_cancel, may_get_context, may_time_out, shown
from engine.local.api.request import Call

_COLLECTION_ACL = {"query": [USER], "add": [ADMIN], "bulk-delete": [ADMIN]}
_DELETE_BATCH = 500
"""Jobs that one transaction of a bulk delete removes; edits pass between two of them."""


class JobHandlers:
    """What the API does with jobs."""

    def __init__(self, offload: Offload, enqueuer: Enqueuer) -> None:
        """Args:
        offload: reads and writes the jobs.
        enqueuer: where push and mixed jobs are queued.
        """
        self._offload = offload
        self._enqueuer = enqueuer

    async def query(self, call: Call) -> Response:
        """List, count and aggregate jobs."""
        if not call.caller.is_user:
            raise faults.credentials_required()
        now = instants.now_ms()
        # The answer is encoded there too: that of 10,000 jobs takes a while.
        return await self._offload.read(
            lambda connection: answers.answer(_listed(connection, call, now))
        )

    async def add(self, call: Call) -> Response:
        """Queue and store a new job."""
        if not call.caller.is_admin:
            raise faults.credentials_required()
        job = await self._queued(call.document("job"), call.caller)
        await self._offload.write(lambda connection: job_table.insert(connection, job))
        return answers.created(job["id"])

    async def _queued(self, body: dict[str, Any], caller: Caller) -> Document:
        """Return the document of a new job, with its entry already in the queue if it has one."""
        job_id = f"job/{uuid.uuid4()}"
        job = jobs.new_job(body, job_id=job_id, caller=caller, now=instants.now_ms())
        if jobs.is_queued(job):
            priority = jobs.queue_priority(job)
            job["tags"] = [await self._offload.wait(lambda: self._enqueuer.put(job_id, priority))]
        return job

    async def read(self, call: Call, job_id: str) -> Response:
        """Show one job."""
        job = self._find(job_id)
        if not acl.may_view(acl.rights(job["acl"], call.caller)):
            raise faults.forbidden(job_id)
        return answers.answer(shown(job, call.caller, select=call.params.select))

    def _find(self, job_id: str) -> Document:
        return self._offload.read_here(lambda connection: _existing(connection, job_id))

    async def edit(self, call: Call, job_id: str) -> Response:
        """Change attributes of one job."""

        def work(connection: sqlite3.Connection) -> Document:
            stored = _existing(connection, job_id)
            changed = jobs.edited(
                stored,
                call.document(job_id),
                dropped=call.params.select,
                caller=call.caller,
                now=instants.now_ms(),
            )
            job_table.replace(connection, stored, changed)
            return changed

        return answers.answer(await self._offload.write(work))

    async def delete(self, call: Call, job_id: str) -> Response:
        """Remove one job; its entry in the queue stays."""

        def work(connection: sqlite3.Connection) -> None:
            stored = _existing(connection, job_id)
            if "delete" not in acl.rights(stored["acl"], call.caller):
                raise faults.forbidden(job_id)
            job_table.delete(connection, [job_table.row_of(connection, job_id)])

        await self._offload.write(work)
        return answers.deleted(job_id)

    async def cancel(self, call: Call, job_id: str) -> Response:
        """Cancel one job; for a bulk job, queue the one that cancels its children."""
        job = self._find(job_id)
        if not may_cancel(job, call.caller):
            raise faults.forbidden(job_id)
        follower: Document | None = None
        if job["action"].startswith("bulk"):
            follower = await self._queued(jobs.cancel_children(job), INTERNAL)
        return answers.answer(await self._end(call, job_id, may_cancel, follower))

    async def time_out(self, call: Call, job_id: str) -> Response:
        """Cancel one running job on behalf of a clock."""
        return answers.answer(await self._end(call, job_id, may_time_out))

    async def _end(
        self,
        call: Call,
        job_id: str,
        is_allowed: Callable[[Document, Caller], bool],
        follower: Document | None = None,
    ) -> Document:
        def work(connection: sqlite3.Connection) -> Document:
            stored = _existing(connection, job_id)
            if not is_allowed(stored, call.caller):
                raise faults.forbidden(job_id)
            ended = jobs.canceled(stored, caller=call.caller, now=instants.now_ms())
            job_table.replace(connection, stored, ended)
            if follower:
                job_table.insert(connection, follower)
            return ended

        return await self._offload.write(work)

    async def get_context(self, call: Call, job_id: str) -> Response:
        """Return what an executor needs beside the job: nothing, in this server."""
        if not may_get_context(self._find(job_id), call.caller):
            raise faults.forbidden(job_id)
        return answers.answer({})

    async def delete_bulk(self, call: Call) -> Response:
        """Remove all jobs that a filter selects and the caller may delete."""
        if not call.is_bulk:
            raise Fault(400, "Bulk request should contain bulk http header.")
        if call.params.filter is None:
            raise Fault(400, "Bulk request should contain a non empty cimi filter.")
        if not call.caller.is_admin:
            raise faults.credentials_required()
        started = instants.now_ms()
        where = query.selected(call.params, ("delete",), caller=call.caller, now=started)
        rows = await self._offload.read(lambda connection: query.matching_rows(connection, where))
        deleted = batches = 0
        for start in range(0, len(rows), _DELETE_BATCH):
            batch = rows[start : start + _DELETE_BATCH]
            deleted += await self._offload.write(partial(_delete_matching, batch, where))
            batches += 1
        return answers.answer(_bulk_answer(instants.now_ms() - started, deleted, batches))


def _listed(connection: sqlite3.Connection, call: Call, now: int) -> dict[str, Any]:
    found = query.run(connection, call.params, caller=call.caller, now=now)
    collection = {
        "acl": _COLLECTION_ACL,
        "resource-type": "job-collection",
        "id": "job",
        **found,
    }
    if call.caller.is_admin:
        collection["operations"] = [
            {"rel": "add", "href": "job"},
            {"rel": "bulk-delete", "href": "job"},
        ]
    return collection


def _existing(connection: sqlite3.Connection, job_id: str) -> Document:
    job = job_table.find(connection, job_id)
    if job is None:
        raise faults.not_found(job_id)
    return job


def _delete_matching(rows: list[int], where: Condition, connection: sqlite3.Connection) -> int:
    """Delete those of the rows that the condition still selects: edits came in between."""
    still = query.matching_rows(connection, where, among=rows)
    job_table.delete(connection, still)
    return len(still)


def _bulk_answer(took: int, deleted: int, batches: int) -> dict[str, Any]:
    """Return the answer of Elasticsearch's delete-by-query."""
    return {
        "took": took,
        "timed_out": False,
        "total": deleted,
        "deleted": deleted,
        "batches": batches,
        "version_conflicts": 0,
        "noops": 0,
        "retries": {"bulk": 0, "search": 0},
        "throttled_millis": 0,
        "requests_per_second": -1.0,
        "throttled_until_millis": 0,
        "failures": [],
    }
