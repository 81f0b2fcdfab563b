"""What the API answers instead of success (contract, section 6)."""

from __future__ import annotations

from engine.errors import EngineError


class Fault(EngineError):
    """A request that is not served; becomes the body and the status of the answer."""

    def __init__(self, status: int, message: str, resource_id: str | None = None) -> None:
        """Args:
        status: the HTTP status.
        message: for the caller.
        resource_id: what the request was about, where the contract names it.
        """
        super().__init__(message)
        self.status = status
        self.message = message
        self.resource_id = resource_id


class MalformedBody(EngineError):
    """The body is not the JSON, or not the gzip stream, that its headers announce."""


def not_found(resource_id: str) -> Fault:
    """No such resource."""
    return Fault(404, f"{resource_id} not found", resource_id)


def forbidden(subject: str) -> Fault:
    """The caller lacks the right, the state forbids the action, or the login failed."""
    return Fault(403, f"invalid credentials for '{subject}'", subject)


def credentials_required() -> Fault:
    """The caller lacks the right on the collection."""
    return Fault(403, "credentials required")


def invalid_schema(resource_id: str, problems: list[str]) -> Fault:
    """The document breaks the schema of its type."""
    detail = "\n".join(problems)
    return Fault(400, f"resource {resource_id} does not satisfy defined schema:\n{detail}")


def final_state(resource_id: str) -> Fault:
    """An edit of a finished job."""
    return Fault(409, "edit is not allowed in final state", resource_id)


def query_failed(reason: str) -> Fault:
    """A query that the real server's database refuses."""
    return Fault(500, f"unexpected exception querying: {reason}")
