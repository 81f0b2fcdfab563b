"""What the service needs of the queue, the API and the claim: the shapes, not the parts.

The real ones are engine.zookeeper.queue and engine.nuvla.client; `--job-id` runs without a queue.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any, Protocol


class Claim(Protocol):
    """An entry of the queue that this process holds."""

    @property
    def entry(self) -> str:
        """Name of the node."""

    @property
    def job_id(self) -> str:
        """The job in it."""

    @property
    def enqueued_at(self) -> datetime:
        """When the entry was made, by the server's clock."""

    def is_live(self) -> bool:
        """Whether the session that made the claim must still be presumed to live."""


class Queue(Protocol):
    """The locking queue, as far as one claimed job needs it."""

    def consume(self, claim: Any, *, wait: bool = True) -> object:
        """Remove the entry and our lock on it, soon where it is not to be waited for."""

    def release(self, claim: Any, *, cooldown: float = 0.0) -> object:
        """Free our lock, and do not take the entry again for some seconds."""

    def reclaim(self, claim: Any, timeout: float) -> Claim | None:
        """Claim the same entry again after a lost session; None where another holds it."""


class Client(Protocol):
    """The Nuvla API, as far as the service needs it."""

    def get_job(self, job_id: str) -> dict[str, Any]:
        """Read a document."""

    def edit_job(self, job_id: str, changes: Mapping[str, Any]) -> dict[str, Any]:
        """Merge changes into a document and return the whole."""

    def official(self) -> Any:
        """The official client, with our identity."""

    def official_as(self, authn_header: str) -> Any:
        """The official client, with the identity that a header names."""

    def probe(self) -> float:
        """Seconds of one cheap authenticated request."""


class Writes(Protocol):
    """A job's document and its writes, as the handle of the job needs them."""

    id: str
    document: dict[str, Any]
    was_heard: bool

    @property
    def client(self) -> Client:
        """The API."""

    @property
    def should_stop(self) -> bool:
        """Whether the action has no reason to go on."""

    def offer(self, changes: Mapping[str, Any]) -> None:
        """Write changes if that is possible, and keep them if it is not."""
