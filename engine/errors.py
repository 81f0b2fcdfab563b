"""Everything the engine raises on purpose, in one tree.

EngineError
├── SettingsError            a setting is missing or wrong; names its key and its source
├── ApiError                 the Nuvla API
│   ├── ApiUnavailable       not reached, too slow, 5xx or 429: worth trying again
│   ├── LoginRefused         the credentials were refused
│   ├── ApiRefused           403 on one resource, 400, 405: trying again changes nothing
│   ├── NotFound             404
│   ├── EditConflict         409: the job is final already
│   └── MalformedAnswer      a 2xx answer that does not follow the contract
├── ZooKeeperError           the coordination service
│   ├── ZooKeeperUnavailable not connected, or no answer in time
│   ├── SessionLost          the session that made a claim or led an election has ended
│   ├── AccessDenied         the node's ACL forbids it
│   └── NodeConflict         a node exists, is missing, has changed or has children: not written
├── ControlError             a running member was asked for something
│   ├── MemberGone           it is not there, or ended while it was asked
│   ├── NoAnswer             it did not answer in time
│   └── BadReply             what it answered cannot be used
├── QueueError               an entry or a lock is not what the operation needs
├── AuditError               an act cannot be recorded, so it is not done
├── BulkError                an act in bulk cannot be begun or continued
├── JobError                 running one job
│   ├── ActionFailed         an action says: this job fails, for this reason
│   ├── JobInterrupted       raised inside an action that an operator interrupts
│   ├── UnknownAction        no action of that name is loaded
│   └── VersionNotSupported  the document's version is not the engine's
├── StacksUnavailable        the stacks of a process cannot be read; says what is missing
├── PluginError              an action or distributor cannot be loaded, or its name is taken
└── LocalPlatformError       the local ZooKeeper or API cannot be started
"""

from __future__ import annotations


class EngineError(Exception):
    """Root of the tree: the message says what failed, on what, and what to do."""


class SettingsError(EngineError):
    """A setting is missing or wrong; the message names its key and its source."""


class ApiError(EngineError):
    """A call of the Nuvla API failed."""

    def __init__(
        self, message: str, *, status: int | None = None, maybe_applied: bool = False
    ) -> None:
        """Args:
        message: what failed, on what, and what to do.
        status: the HTTP status, or None where no answer came.
        maybe_applied: it was a write, and the API may have done it all the same: read before
            it is repeated.
        """
        super().__init__(message)
        self.status = status
        self.maybe_applied = maybe_applied


class ApiUnavailable(ApiError):
    """The API was not reached, was too slow, or answered 5xx or 429: worth trying again."""

    retry_after: float | None = None
    """Seconds that the server asked to wait, where it said so."""


class LoginRefused(ApiError):
    """The API refused the credentials."""


class ApiRefused(ApiError):
    """The API refused this one request; trying it again changes nothing."""


class NotFound(ApiError):
    """The API has no such resource (404)."""


class EditConflict(ApiError):
    """The job is in a final state, so the API refused to edit it (409)."""


class MalformedAnswer(ApiError):
    """The API answered with success, but not with what the contract promises."""


class ZooKeeperError(EngineError):
    """A ZooKeeper operation failed."""


class ZooKeeperUnavailable(ZooKeeperError):
    """ZooKeeper is not connected, or did not answer in time."""


class SessionLost(ZooKeeperError):
    """The session that the operation belongs to has ended."""


class AccessDenied(ZooKeeperError):
    """The ACL of a node forbids the operation."""


class NodeConflict(ZooKeeperError):
    """A node exists, is missing, has changed or has children, so nothing was written."""


class ControlError(EngineError):
    """A running member was asked for something, without a usable answer."""

    def __init__(self, message: str, *, maybe_done: bool = False) -> None:
        """Args:
        message: what failed, on what, and what to do.
        maybe_done: the member may have seen the request, and done it.
        """
        super().__init__(message)
        self.maybe_done = maybe_done


class MemberGone(ControlError):
    """The member is not there, or ended while it was asked: look at the members."""


class NoAnswer(ControlError):
    """The member is there and did not answer in time; it may still do what it was asked."""


class BadReply(ControlError):
    """The reply is garbled, too large, or not the member's; what was asked may be done."""


class QueueError(EngineError):
    """An entry or a lock is not what the operation needs."""


class AuditError(EngineError):
    """The record of an act cannot be written or read; without a record nothing is changed."""


class BulkError(EngineError):
    """An act in bulk cannot be begun or continued; what was done of it stays done."""


class JobError(EngineError):
    """Running one job failed."""


class ActionFailed(JobError):
    """Raised by an action: the job fails, for the reason given."""

    def __init__(self, reason: str, *, return_code: int = 1) -> None:
        """Args:
        reason: becomes the status message of the job.
        return_code: becomes the return code of the job; 0 or more.
        """
        super().__init__(reason)
        self.return_code = return_code


class JobInterrupted(JobError):
    """Raised inside an action whose job an operator interrupts."""


class UnknownAction(JobError):
    """No action of that name is loaded in this executor."""


class VersionNotSupported(JobError):
    """The job document has a version that this engine does not run."""


class StacksUnavailable(EngineError):
    """The stacks of a process cannot be read; the message names what is missing."""


class PluginError(EngineError):
    """An action or a distributor cannot be loaded, or its name is taken."""


class LocalPlatformError(EngineError):
    """The local ZooKeeper or the local API cannot be started or has ended."""
