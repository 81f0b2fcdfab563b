"""Job: the handle that an action holds. Its names are those that upstream's authors know."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from engine.errors import ActionFailed
from engine.service import values
from engine.service.seams import Writes
from engine.states import ExecutionMode, JobState


class Job(Mapping[str, Any]):
    """The job that an action works on.

    The document's attributes are read like those of a dict (`job["target-resource"]`,
    `job.get("payload")`, `"parent-job" in job`) or, where Python allows their name, as attributes
    (`job.action`). It is read-only: changes go through the methods. They never fail while the API
    is down or the claim is lost: what could not be written goes out with the next write.
    """

    def __init__(
        self,
        writer: Writes,
        *,
        was_running: bool = False,
        settings: Mapping[str, Any] | None = None,
        nuvlaedge_shared_path: str | None = None,
    ) -> None:
        """Args:
        writer: the document and its writes.
        was_running: the job was found RUNNING.
        settings: what the operator set for actions.
        nuvlaedge_shared_path: upstream's name for the data folder of an edge device.
        """
        self._writer = writer
        self._context: dict[str, Any] | None = None
        self._payload: Any = None
        self.id = writer.id
        self.was_running = was_running
        """Whether the job was RUNNING when it was claimed: an earlier start may have done part of
        the work."""
        self.settings: Mapping[str, Any] = settings or {}
        """What the operator set for actions, such as `cleanup_days` and `es_hosts`."""
        self.nuvlaedge_shared_path = nuvlaedge_shared_path

    def __getitem__(self, key: str) -> Any:
        return self._writer.document[key]

    def __iter__(self) -> Iterator[str]:
        return iter(self._writer.document)

    def __len__(self) -> int:
        return len(self._writer.document)

    def __getattr__(self, name: str) -> Any:
        if not name.startswith("_") and name in self._writer.document:
            return self._writer.document[name]
        raise AttributeError(f"neither Job nor the document of this job has {name!r}")

    def __repr__(self) -> str:
        return f"Job({self.id!r}, action={self.get('action')!r}, state={self.get('state')!r})"

    @property
    def api(self) -> Any:
        """The official client, `nuvla.api.Api`, with the rights of the executor."""
        return self._writer.client.official()

    @property
    def cancelled(self) -> bool:
        """Whether the action should end early: the job was cancelled or deleted, the claim is
        lost, or the executor stops. What the action returns then does not count."""
        if not self._writer.should_stop:
            return False
        self._writer.was_heard = True
        return True

    @property
    def payload(self) -> Any:
        """The payload, decoded from JSON; None where there is none.

        Raises:
            ActionFailed: it is no JSON.
        """
        if self._payload is None and self.get("payload"):
            try:
                self._payload = json.loads(self["payload"])
            except (ValueError, TypeError, RecursionError) as error:
                raise ActionFailed(f"the payload of {self.id} is not JSON: {error}") from error
        return self._payload

    @property
    def context(self) -> dict[str, Any]:
        """The resources that the job works on, by id, as the server's get-context gives them."""
        if self._context is None:
            self._context = self.api.operation(self, "get-context").data
        return self._context

    @property
    def is_in_pull_mode(self) -> bool:
        """Whether an edge device fetched the job itself."""
        return bool(self.get("execution-mode", ExecutionMode.PUSH) == ExecutionMode.PULL)

    @property
    def target_resource_href(self) -> str:
        """The id of the target resource.

        Raises:
            KeyError: the job has none.
        """
        return str(self["target-resource"]["href"])

    def get_api(self, authn_info: Mapping[str, Any]) -> Any:
        """Return the official client with the identity that `authn-info` describes."""
        claims = " ".join(authn_info["claims"])
        header = f"{authn_info['user-id']} {authn_info['active-claim']} {claims}"
        return self._writer.client.official_as(header)

    def get_user_api(self) -> Any:
        """Return the official client with the identity of the user who made the job.

        Raises:
            ActionFailed: the payload does not say who that is.
        """
        try:
            return self.get_api(self.payload["authn-info"])
        except (KeyError, TypeError) as error:
            raise ActionFailed(f"the payload of {self.id} has no usable authn-info") from error

    def set_progress(self, progress: float) -> None:
        """Set the progress, in percent."""
        self.update_job(progress=progress)

    def set_status_message(self, status_message: object) -> None:
        """Set the status message; its middle is cut out where it is longer than 100,000."""
        self._writer.offer({"status-message": values.status_text(status_message)})

    def set_return_code(self, return_code: int) -> None:
        """Set the return code; what do_work() returns replaces it unless that is None.

        Raises:
            TypeError: it is no integer.
        """
        self.update_job(return_code=return_code)

    def set_state(self, state: str) -> None:
        """Set the state. After a final one, what do_work() returns does not count.

        Raises:
            ValueError: there is no such state.
        """
        self.update_job(state=state)

    def update_job(
        self,
        state: str | None = None,
        return_code: int | None = None,
        status_message: object = None,
        progress: float | None = None,
        execution_mode: str | None = None,
        tags: Iterable[str] | None = None,
    ) -> None:
        """Set several attributes in one edit; None leaves one as it is.

        Raises:
            ValueError: there is no such state or execution mode.
            TypeError: the return code is no integer.
        """
        changes: dict[str, Any] = {}
        if state is not None:
            changes["state"] = values.state(state)
        if return_code is not None:
            changes["return-code"] = values.return_code(return_code)
        if status_message is not None:
            changes["status-message"] = values.status_text(status_message)
        if progress is not None:
            changes["progress"] = values.progress(progress)
        if execution_mode is not None:
            changes["execution-mode"] = ExecutionMode(execution_mode).value
        if tags is not None:
            changes["tags"] = list(tags)
        if changes:
            self._writer.offer(changes)

    def add_affected_resource(self, affected_resource: str) -> None:
        """Add the id of a resource that the job changes."""
        self.add_affected_resources([affected_resource])

    def add_affected_resources(self, affected_resources: Iterable[str]) -> None:
        """Add ids of resources that the job changes; those known already are left out."""
        known = list(self.get("affected-resources") or [])
        hrefs = {item.get("href") for item in known}
        new = [href for href in dict.fromkeys(affected_resources) if href not in hrefs]
        if new:
            resources = known + [{"href": href} for href in new]
            self._writer.offer({"affected-resources": resources})

    def add_nested_job(self, nested_job: str) -> None:
        """Add the id of a job that this job started."""
        self.add_nested_jobs([nested_job])

    def add_nested_jobs(self, nested_jobs: Iterable[str]) -> None:
        """Add ids of jobs that this job started; those known already are left out."""
        known = list(self.get("nested-jobs") or [])
        new = [job_id for job_id in dict.fromkeys(nested_jobs) if job_id not in known]
        if new:
            self._writer.offer({"nested-jobs": known + new})

    def is_in_final_state(self) -> bool:
        """Whether the document is final."""
        return self.get("state") in (JobState.SUCCESS, JobState.FAILED, JobState.CANCELED)
