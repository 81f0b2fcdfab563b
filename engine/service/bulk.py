"""Bulk actions: one operation on many resources, with a result that the web interface reads.

The result is the job's status message, as JSON. Where operations only start jobs of their own, the
bulk job stays RUNNING with the tag "monitor", and the action monitor_bulk_job ends it later.
"""

from __future__ import annotations

import json
import logging
from collections.abc import Iterable
from typing import Any

from engine.errors import ActionFailed, JobInterrupted
from engine.service.endings import UnfinishedBulkAction
from engine.service.job import Job

log = logging.getLogger(__name__)

MONITOR_TAG = "monitor"


class SkipAction(Exception):
    """Raised for one resource: nothing is to be done there."""

    def __init__(self, reason: str, *, name: str | None = None, message: str | None = None) -> None:
        """Args:
        reason: groups the resources in the result.
        name: of the resource.
        message: what more there is to say of this resource.
        """
        super().__init__(reason)
        self.reason = reason
        self.name = name
        self.message = message


class BulkResult:
    """What became of each resource."""

    def __init__(self, total: int) -> None:
        """Args: total: resources to act on."""
        self.total = total
        self.failed_count = 0
        self.skipped_count = 0
        self.jobs_count = 0
        self.success: list[str] = []
        self.queued: list[str] = []
        self.running: list[str] = []
        self._reasons: dict[str, dict[str, Any]] = {}

    @classmethod
    def from_json(cls, text: object) -> BulkResult:
        """Read a result back.

        Raises:
            ActionFailed: the text is no result.
        """
        try:
            raw = json.loads(text)  # type: ignore[arg-type]  # a wrong type is one of the errors
            result = cls(int(raw.get("total_actions", 0)))
            result.failed_count = int(raw.get("failed_count", 0))
            result.skipped_count = int(raw.get("skipped_count", 0))
            result.jobs_count = int(raw.get("jobs_count", 0))
            result.success = [str(item) for item in raw.get("success", [])]
            result.queued = [str(item) for item in raw.get("queued", [])]
            result.running = [str(item) for item in raw.get("running", [])]
            for group in raw.get("error_reasons", []):
                data = {item["id"]: dict(item) for item in group.get("data", [])}
                result._reasons[str(group["reason"])] = {**group, "data": data}
        except (ValueError, TypeError, KeyError, AttributeError) as error:
            raise ActionFailed(f"the status message is not a bulk result: {error}") from error
        return result

    def to_json(self) -> str:
        """Return the status message: the format is given, the web interface reads it."""
        return json.dumps(
            {
                "total_actions": self.total,
                "failed_count": self.failed_count,
                "skipped_count": self.skipped_count,
                "success": self.success,
                "success_count": len(self.success),
                "queued_count": len(self.queued),
                "running_count": len(self.running),
                "running": self.running,
                "queued": self.queued,
                "error_reasons": self._groups(),
                "jobs_count": self.jobs_count,
            }
        )

    @property
    def settled(self) -> set[str]:
        """The resources that need no further operation."""
        failed = {item for group in self._reasons.values() for item in group["data"]}
        return {*self.success, *self.queued, *self.running, *failed}

    def succeed(self, resource: str) -> None:
        """Note a resource whose operation is done."""
        self.success.append(resource)

    def queue(self, resource: str) -> None:
        """Note a resource whose operation became a job of its own."""
        self.queued.append(resource)
        self.jobs_count += 1

    def fail(
        self, reason: str, resource: str, *, name: str | None = None, message: str | None = None
    ) -> None:
        """Note a resource whose operation failed."""
        self.failed_count += 1
        self._note("failed", reason, resource, name, message)

    def skip(
        self, reason: str, resource: str, *, name: str | None = None, message: str | None = None
    ) -> None:
        """Note a resource that was left out."""
        self.skipped_count += 1
        self._note("skipped", reason, resource, name, message)

    def has_reason(self, reason: str, resource: str) -> bool:
        """Whether a resource is noted under a reason."""
        return resource in self._reasons.get(reason, {}).get("data", {})

    def _note(
        self, category: str, reason: str, resource: str, name: str | None, message: str | None
    ) -> None:
        empty = {"reason": reason, "count": 0, "category": category, "data": {}}
        group = self._reasons.setdefault(reason, empty)
        group["count"] += 1
        item = group["data"].setdefault(resource, {"id": resource, "count": 0})
        item["count"] += 1
        item.update({k: v for k, v in (("name", name), ("message", message)) if v})

    def _groups(self) -> list[dict[str, Any]]:
        groups = sorted(self._reasons.items(), key=lambda pair: pair[1]["count"], reverse=True)
        return [
            {
                "reason": reason,
                "count": group["count"],
                "category": group["category"],
                "data": sorted(group["data"].values(), key=lambda d: d["count"], reverse=True),
            }
            for reason, group in groups
        ]


class BulkAction:
    """An action on many resources. A subclass has `get_todo` and `action`."""

    def __init__(self, job: Job, action_name: str | None = None) -> None:
        """Args: action_name: for the log; the job's action unless given."""
        self.job = job
        self.action_name = action_name or str(job.get("action"))
        self.user_api = job.get_user_api()
        self.result = BulkResult(0)

    def get_todo(self) -> Iterable[Any]:
        """Return what to act on."""
        raise NotImplementedError(f"{type(self).__name__} has no get_todo()")

    def action(self, todo: Any) -> Any:
        """Act on one and return the API's answer, whose `data` holds its status.

        Raises:
            SkipAction: there is nothing to do for this one.
        """
        raise NotImplementedError(f"{type(self).__name__} has no action()")

    def todo_resource_id(self, todo: Any) -> str:
        """Return the id of the resource that an element of the list stands for."""
        return str(todo)

    def do_work(self) -> int:
        """Act on all; leave the job RUNNING where jobs of its own go on.

        A second start goes on where the first one stopped.
        """
        todo = list(self.get_todo())
        self.result = self._earlier_result() or BulkResult(len(todo))
        self.job.set_status_message(self.result.to_json())
        settled = self.result.settled
        for element in todo:
            if self.job.cancelled:
                return 1  # it does not count any more
            if self.todo_resource_id(element) not in settled:
                self._try(element)
                self._report()
        if not self.result.queued:
            return 0
        self.job.update_job(tags=[MONITOR_TAG])
        log.info("%s: %d jobs of its own go on", self.job.id, len(self.result.queued))
        raise UnfinishedBulkAction

    def _earlier_result(self) -> BulkResult | None:
        if not self.job.was_running or not self.job.get("status-message"):
            return None
        try:
            return BulkResult.from_json(self.job["status-message"])
        except ActionFailed:
            return None

    def _try(self, element: Any) -> None:
        resource = self.todo_resource_id(element)
        try:
            self._count(resource, self.action(element).data)
        except SkipAction as skip:
            self.result.skip(skip.reason, resource, name=skip.name, message=skip.message)
        except JobInterrupted:
            raise
        except Exception as error:
            log.warning("%s: %s failed on %s: %s", self.job.id, self.action_name, resource, error)
            self.result.fail(str(error) or type(error).__name__, resource)

    def _count(self, resource: str, answer: dict[str, Any]) -> None:
        status = answer.get("status")
        if status == 202:
            self.result.queue(resource)
        elif status == 200:
            self.result.succeed(resource)
        elif status == 201:
            self.result.succeed(str(answer.get("resource-id") or resource))
        else:
            raise ActionFailed(f"the API answered with the unexpected status {status}")

    def _report(self) -> None:
        done = len(self.result.success) + self.result.failed_count + self.result.skipped_count
        progress = 100 * done // max(1, self.result.total)
        self.job.update_job(status_message=self.result.to_json(), progress=progress)
