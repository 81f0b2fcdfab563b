"""From kazoo's exceptions to the errors of ours: a pure function."""

from __future__ import annotations

from kazoo.exceptions import (
    AuthFailedError,
    BadVersionError,
    InvalidACLError,
    NoAuthError,
    NodeExistsError,
    NoNodeError,
    NotEmptyError,
    SessionExpiredError,
)

from engine.errors import (
    AccessDenied,
    EngineError,
    NodeConflict,
    SessionLost,
    ZooKeeperUnavailable,
)


def translate(error: Exception, subject: str, who: str) -> EngineError:
    """Return the error of ours that stands for kazoo's.

    Args:
        subject: the node that it is about.
        who: we, from `who_we_are`.
    """
    if isinstance(error, (NoAuthError, AuthFailedError, InvalidACLError)):
        return AccessDenied(
            f"ZooKeeper forbids this on {subject} to {who} have the node's ACL give the right "
            "(docs/security.md)"
        )
    if isinstance(error, EngineError):
        return type(error)(f"{subject}: {error}")
    if isinstance(error, SessionExpiredError):
        return SessionLost(f"the ZooKeeper session ended during a request for {subject}")
    if isinstance(error, NoNodeError):
        return NodeConflict(f"{subject} or its parent does not exist")
    if isinstance(error, NodeExistsError):
        return NodeConflict(f"{subject} exists")
    if isinstance(error, BadVersionError):
        return NodeConflict(f"{subject} has been changed by somebody else")
    if isinstance(error, NotEmptyError):
        return NodeConflict(f"{subject} has children")
    kind = type(error).__name__
    return ZooKeeperUnavailable(f"ZooKeeper did not answer a request for {subject} ({kind})")
