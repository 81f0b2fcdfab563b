"""One identity for all threads: when to log in, when to log in again, and when not to."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager

from engine.backoff import jittered
from engine.errors import ApiError, ApiUnavailable, LoginRefused
from engine.nuvla.answers import check
from engine.nuvla.connection import Answer
from engine.nuvla.credentials import ApiKey, Credentials, Header, Password
from engine.nuvla.deadline import Deadline
from engine.nuvla.login import ADMIN, Identity, log_in, ready_identity, session_exists
from engine.nuvla.transport import Request, Transport

log = logging.getLogger(__name__)

LOGIN_PAUSE = 31.0
"""Seconds before refused credentials are tried again: less than twice a minute."""
PROBATION = 60.0
"""Seconds in which an identity that never worked is not replaced by another of the same."""
READ_ATTEMPTS = 3


class Session:
    """Sends requests with our identity."""

    def __init__(
        self, transport: Transport, credentials: Credentials, *, login_pause: float = LOGIN_PAUSE
    ) -> None:
        """Args: login_pause: seconds to leave refused credentials alone."""
        self._transport = transport
        self._credentials = credentials
        self._login_pause = login_pause
        self._identity = ready_identity(credentials)
        self._single = threading.Lock()
        self._attempts = 0
        self._failure: ApiError | None = None
        self._refused_at: float | None = None
        self._rights_said: bool | None = None
        self._closed = threading.Event()

    def call(self, request: Request, *, timeout: float) -> Answer:
        """Send a request; send it again where that is safe and the failure looks short.

        Args: timeout: seconds for all of it, logging in and repeats included.

        Raises:
            LoginRefused: the credentials are refused.
            ApiUnavailable, ApiRefused, NotFound, EditConflict, MalformedAnswer: as `check`.
        """
        deadline = Deadline(timeout)
        for attempt in range(READ_ATTEMPTS - 1):
            try:
                return self._call_once(request, deadline)
            except ApiUnavailable as error:
                asks_to_wait = error.retry_after is not None
                too_slow = isinstance(error.__cause__, TimeoutError)
                if not request.is_safe or asks_to_wait or too_slow:
                    raise
                if self._closed.wait(jittered(attempt, first=0.1, cap=1.0)):
                    raise
        return self._call_once(request, deadline)

    def identity(self, deadline: Deadline) -> Identity:
        """Return the identity to use; log in where there is none.

        Raises:
            LoginRefused, ApiUnavailable, MalformedAnswer: logging in failed.
        """
        known = self._identity
        if known is not None:
            return known
        with self._alone(deadline):
            return self._identity or self._log_in(deadline)

    def renew(self, refused: Identity, asked: float, deadline: Deadline) -> Identity | None:
        """Return a new identity after a refusal; None where the old one is not to blame.

        Args:
            refused: the identity that the refused request carried.
            asked: when that request was sent; monotonic seconds.

        Raises:
            LoginRefused, ApiUnavailable, MalformedAnswer: logging in failed.
        """
        if isinstance(self._credentials, Header):
            return None
        with self._alone(deadline):
            if self._identity is not None and self._identity is not refused:
                return self._identity
            if self._identity is refused and not self._is_ended(refused, asked, deadline):
                return None
            if isinstance(self._credentials, Password | ApiKey):
                self._identity = None
            return self._log_in(deadline)

    def lend(self) -> dict[str, str] | None:
        """Return what requests carry to be ours, for a child of this process; None where nobody
        has logged in yet. It is secret."""
        known = self._identity
        return None if known is None else dict(known.headers)

    def borrow(self, headers: Mapping[str, str]) -> None:
        """Go by an identity that the parent of this process lends. Once it has ended, we log in."""
        self._identity = Identity(headers=headers)

    def login_template(self) -> dict[str, str]:
        """Return what is posted to log in; empty where nothing is."""
        known = self._credentials
        return known.template() if isinstance(known, Password | ApiKey) else {}

    def close(self) -> None:
        """Stop repeating requests, and close idle connections."""
        self._closed.set()
        self._transport.close()

    def _call_once(self, request: Request, deadline: Deadline) -> Answer:
        identity = self.identity(deadline)
        asked = time.monotonic()
        answer = self._transport.exchange(request, identity.headers, deadline)
        if answer.status in (401, 403):
            renewed = self.renew(identity, asked, deadline)
            if renewed is not None:
                identity = renewed
                answer = self._transport.exchange(request, identity.headers, deadline)
        if answer.status < 300:
            identity.is_proven = True
        check(request, answer)
        return answer

    def _is_ended(self, refused: Identity, asked: float, deadline: Deadline) -> bool:
        """Whether to log in again: a refusal alone may be that of one resource."""
        if refused.confirmed >= asked:
            return False
        now = time.monotonic()
        can_log_in = isinstance(self._credentials, Password | ApiKey)
        if can_log_in and not refused.is_proven and now - refused.since < PROBATION:
            return False
        if not session_exists(self._transport, refused, deadline):
            return True
        refused.confirmed = now
        return False

    def _log_in(self, deadline: Deadline) -> Identity:
        """Log in; the caller holds the lock."""
        if not isinstance(self._credentials, Password | ApiKey):
            raise LoginRefused(f"{self._credentials} has ended, and cannot be opened again")
        self._leave_alone()
        self._attempts += 1
        try:
            identity = log_in(self._transport, self._credentials, deadline)
        except LoginRefused as error:
            self._refused_at, self._failure = time.monotonic(), error
            log.error("%s", error)
            raise
        except ApiError as error:
            self._failure = error
            raise
        self._identity, self._refused_at, self._failure = identity, None, None
        self._say(identity)
        return identity

    def _leave_alone(self) -> None:
        """Raise the last refusal again while it is young."""
        if self._refused_at is None or self._failure is None:
            return
        left = self._refused_at + self._login_pause - time.monotonic()
        if left > 0:
            raise _again(self._failure, f"; not tried again for {left:.0f} s")

    def _say(self, identity: Identity) -> None:
        rights = f"with the rights of {ADMIN}" if identity.is_admin else "with its own rights only"
        # Once, and again only where it changes: sessions end and are opened all the time.
        level = logging.INFO if self._rights_said != identity.is_admin else logging.DEBUG
        self._rights_said = identity.is_admin
        log.log(level, "logged in as %s, %s", self._credentials, rights)

    @contextmanager
    def _alone(self, deadline: Deadline) -> Iterator[None]:
        """Hold the lock.

        Raises:
            ApiError: another thread tried while this one waited; its failure is ours too.
        """
        attempts = self._attempts
        try:
            held = self._single.acquire(timeout=deadline.remaining())
        except TimeoutError as error:
            raise ApiUnavailable(f"logging in: {error}") from error
        if not held:
            raise ApiUnavailable("logging in: another thread still tries to")
        try:
            if self._attempts != attempts and self._failure is not None:
                raise _again(self._failure)
            yield
        finally:
            self._single.release()


def _again(error: ApiError, more: str = "") -> ApiError:
    """Return the same error for another thread: one instance would collect their tracebacks."""
    copy = type(error)(f"{error}{more}", status=error.status)
    if isinstance(error, ApiUnavailable) and isinstance(copy, ApiUnavailable):
        copy.retry_after = error.retry_after
    return copy
