"""One ZooKeeper session after another: the gate for requests, the lease, and the supervision.

The gate: every request is enqueued under one lock, after a look at whether the connection is up and
whether the caller's epoch is still the present one. kazoo reports the loss of a session before it
starts the next, so a request of an old epoch never reaches a new session.

The lease: a heartbeat that was sent at time t and answered proves the session until t + timeout.
Past nine tenths of that the session is presumed lost, whatever the connection looks like.
"""

from __future__ import annotations

import contextlib
import logging
import threading
import time
from collections.abc import Callable, Sequence
from typing import Any

from kazoo.client import KazooClient
from kazoo.exceptions import KazooException
from kazoo.protocol.states import KazooState, KeeperState

from engine.errors import SessionLost, ZooKeeperUnavailable
from engine.measures import QUICK, Histogram
from engine.zookeeper.flight import Flight, Place
from engine.zookeeper.wire import Exists, below

log = logging.getLogger(__name__)

MAX_OUTSTANDING = 128
"""Requests in flight: kazoo's wake-up pipe holds 278 bytes, one for each, and then blocks."""
LEASE = 0.9
"""Part of the session timeout after which an unconfirmed session is presumed lost."""
_LOG_AFTER, _LOG_EVERY = 3.0, 60.0
_REFUSALS = 3
_REFUSED_PAUSE = 5.0
"""Seconds before a server that did not let us log in is asked again."""
_DEAD_STATES = (KeeperState.CLOSED, KeeperState.AUTH_FAILED)


class Session:
    """The gate to the present session, whichever kazoo client it lives in."""

    def __init__(
        self,
        make: Callable[[Callable[[str], None]], KazooClient],
        timeout: float,
        *,
        chroot: str = "",
        pulse: float | None = None,
    ) -> None:
        """Args:
        make: returns a new client; gets a function that takes the reason of failed attempts.
        timeout: the session timeout to presume until the server grants one.
        chroot: put before the path of each request; kazoo knows nothing of it.
        pulse: seconds between two pings, for who wants to know of a mute link soon; None: none.
        """
        self._pulse = pulse
        self._pulsed_at = float("-inf")
        self._make = make
        self._chroot = chroot
        self._lock = threading.Condition()
        self._client: KazooClient | None = None
        self._up = False
        self._presumed_lost = False
        self._outstanding = 0
        self._listeners: list[Callable[[], None]] = []
        self._closing = threading.Event()
        self._thread: threading.Thread | None = None
        self._confirmed = float("-inf")
        self._heartbeat_at = float("-inf")
        self._unanswered_since = float("inf")
        self._down_since = time.monotonic()
        self._logged_at = float("-inf")
        self._replaced_at = float("-inf")
        self.epoch = 0
        """Grows by one with each session that is lost."""
        self.id: int | None = None
        """The session, as the stat of its ephemeral nodes names it; None while there is none."""
        self.timeout = timeout
        """Seconds that the server granted."""
        self.latency = Histogram(QUICK)
        """Seconds until heartbeats were answered."""
        self.connections = 0
        """How often we were connected and logged in."""
        self.trouble = "no attempt yet"
        """Why the last attempt to connect failed, safe to log."""
        self.turned_at = time.monotonic()
        """When the supervision looked last: within a second where it lives."""

    @property
    def is_closed(self) -> bool:
        """Whether `close` was called."""
        return self._closing.is_set()

    @property
    def is_up(self) -> bool:
        """Whether requests can be sent."""
        return self._up and not self._presumed_lost and not self._closing.is_set()

    @property
    def silent_for(self) -> float:
        """Seconds that the server owes a sign of life; always 0 without a pulse."""
        client = self._client
        return client._connection.silent_for if self._up and client is not None else 0.0

    def lease_remaining(self) -> float:
        """Return the seconds until the session must be presumed lost; 0 or less: presume it."""
        if self._presumed_lost or self.id is None:
            return 0.0
        return self._confirmed + LEASE * self.timeout - time.monotonic()

    def is_current(self, epoch: int) -> bool:
        """Whether the session of that epoch still lives for certain."""
        return epoch == self.epoch and self.lease_remaining() > 0

    def add_listener(self, callback: Callable[[], None]) -> None:
        """Call back, in a thread of ours, when the connection or the session changes."""
        self._listeners.append(callback)

    def remove_listener(self, callback: Callable[[], None]) -> None:
        """No longer call back."""
        with contextlib.suppress(ValueError):
            self._listeners.remove(callback)

    def start(self) -> None:
        """Connect, and reconnect for ever, in the background."""
        if self._thread is not None:
            return
        self._replace()
        self._thread = threading.Thread(target=self._supervise, name="zookeeper", daemon=True)
        self._thread.start()

    def wait_up(self, timeout: float) -> bool:
        """Wait until requests can be sent; False where the timeout (seconds) passes before."""
        with self._lock:
            return self._lock.wait_for(lambda: self.is_up or self._closing.is_set(), timeout) and (
                self.is_up
            )

    def close(self, timeout: float) -> None:
        """End the session, so that its ephemeral nodes go at once; give up after the timeout."""
        with self._lock:
            self._closing.set()
            self._up = False
            client = self._client
            self._lock.notify_all()
        self._tell()
        if client is not None:
            _retire(client).join(timeout)
        if self._thread is not None and self._thread is not threading.current_thread():
            self._thread.join(1.0)

    def submit(
        self,
        requests: Sequence[Any],
        *,
        epoch: int | None = None,
        timeout: float = 5.0,
        absolute: bool = False,
    ) -> Flight:
        """Send requests together, in order; they go to the session of the epoch or nowhere.

        Args:
            requests: at most MAX_OUTSTANDING of `wire`'s.
            epoch: None for whichever session there is.
            timeout: seconds to wait for room.
            absolute: the paths have the chroot already.

        Raises:
            ZooKeeperUnavailable: not connected, or too much is unanswered; nothing was sent.
            SessionLost: the session of the epoch has ended; nothing was sent.
        """
        with self._lock:
            self._await_room(len(requests), timeout)
            if epoch is not None and epoch != self.epoch:
                raise SessionLost("the ZooKeeper session that this belonged to has ended")
            if not self.is_up or self._client is None:
                raise ZooKeeperUnavailable(f"not connected to ZooKeeper ({self.trouble})")
            chroot = "" if absolute else self._chroot
            flight = Flight(len(requests), self._settled)
            self._outstanding += len(requests)
            self._enqueue(self._client, [below(chroot, each) for each in requests], flight)
        return flight

    @staticmethod
    def _enqueue(client: KazooClient, requests: Sequence[Any], flight: Flight) -> None:
        """As kazoo's `_call`, which wakes its thread for each request by itself.

        While the gate is open the client has a connection. One that breaks from here on settles
        all that is in its queue.
        """
        for index, request in enumerate(requests):
            client._queue.append((request, Place(flight, index)))
        wake = client._connection._write_sock
        if wake is not None:
            wake.send(b"\0" * len(requests))

    def _await_room(self, count: int, timeout: float) -> None:
        def has_room() -> bool:
            return self._outstanding + count <= MAX_OUTSTANDING or not self.is_up

        if not self._lock.wait_for(has_room, timeout):
            raise ZooKeeperUnavailable(f"ZooKeeper left {self._outstanding} requests unanswered")

    def _settled(self, count: int) -> None:
        with self._lock:
            was_full = self._outstanding + count > MAX_OUTSTANDING // 2
            self._outstanding -= count
            if was_full:
                self._lock.notify_all()

    def _tell(self) -> None:
        for callback in list(self._listeners):
            callback()

    def _changed(self, client: KazooClient, state: str) -> None:
        """Called by kazoo in its connection thread: nothing here may wait for an answer."""
        with self._lock:
            if client is not self._client:
                return
            if state == KazooState.CONNECTED:
                self._connected(client)
            else:
                self._disconnected(lost=state == KazooState.LOST)
            self._lock.notify_all()
        self._tell()

    def _connected(self, client: KazooClient) -> None:
        self.id, self.timeout = client._session_id, client._connection.granted
        self._confirmed = client._connection.confirmed
        self.connections += 1
        self._up, self._presumed_lost = True, False
        self._unanswered_since = float("inf")
        if self._logged_at > self._down_since:
            log.info("connected to ZooKeeper again")

    def _disconnected(self, *, lost: bool) -> None:
        if self._up:
            self._down_since = time.monotonic()
        self._up = False
        if lost:
            self._end_session("the ZooKeeper session has expired")

    def _end_session(self, reason: str) -> None:
        if self.id is not None and not self._presumed_lost:
            self.epoch += 1
            if not self._closing.is_set():
                log.warning("%s; what it held is lost", reason)
        self.id, self._presumed_lost = None, False
        self._confirmed = float("-inf")

    def _supervise(self) -> None:
        while not self._closing.wait(min(self._pulse or 1.0, 1.0, self.timeout / 10)):
            self.turned_at = time.monotonic()
            try:
                self._look_after(time.monotonic())
            except Exception:
                # Without this thread a session that ends would never be replaced.
                log.exception("the supervision of the ZooKeeper session failed, and goes on")

    def _look_after(self, now: float) -> None:
        if self._up and now - self._heartbeat_at >= self.timeout / 6:
            self._beat(now)
        if self._pulse and self._up and now - self._pulsed_at >= 0.9 * self._pulse:
            self._pulsed_at = now
            if self._client is not None:
                self._client._connection.pulse()
        if self.id is not None and not self._presumed_lost and self.lease_remaining() <= 0:
            self._presume_lost()
        client = self._client
        if client is None:
            return
        if self._up and now - self._unanswered_since > self.timeout / 3:
            # kazoo pings only where nothing else is sent, so it does not see a link that is mute:
            # without this it would hang on it until TCP gives up, a quarter of an hour.
            self.trouble = "the server went silent"
            self._unanswered_since = now
            client._connection.drop()
        if client.client_state in _DEAD_STATES:
            refusal = client._connection.refusal
            self.trouble = refusal or f"the connection ended ({client.client_state})"
            self._complain(now)
            if not refusal or now - self._replaced_at > _REFUSED_PAUSE:
                self._replace()
        elif not self._up:
            self._mend(client, now)

    def _mend(self, client: KazooClient, now: float) -> None:
        is_refused = client._connection.refusals >= _REFUSALS
        if is_refused and now - self._down_since > 2 * self.timeout:
            # A server that lost its data refuses for ever a client that has seen more than it.
            # One that cannot be reached may still know the session when it comes back.
            self._replace()
        self._complain(now)

    def _complain(self, now: float) -> None:
        if now - max(self._logged_at, self._down_since + _LOG_AFTER - _LOG_EVERY) > _LOG_EVERY:
            self._logged_at = now
            log.warning("ZooKeeper cannot be reached, trying on: %s", self.trouble)

    def _beat(self, now: float) -> None:
        with self._lock:
            client, session = self._client, self.id
            if client is None or not self._up:
                return
            self._heartbeat_at = now
            self._unanswered_since = min(self._unanswered_since, now)
            flight = Flight(1, lambda _: self._answered(flight.answers[0], session, now))
            self._enqueue(client, [below(self._chroot, Exists("/", None))], flight)

    def _answered(self, answer: Any, session: int | None, sent: float) -> None:
        with self._lock:
            if isinstance(answer, Exception) or session != self.id:
                return
            self._confirmed = max(self._confirmed, sent)
            self.latency.observe(time.monotonic() - sent)
            self._unanswered_since = float("inf")
            if not (self._presumed_lost and self._confirmed_still()):
                return
            self._presumed_lost = False
            self._lock.notify_all()
        self._tell()

    def _confirmed_still(self) -> bool:
        return self._confirmed + LEASE * self.timeout > time.monotonic()

    def _presume_lost(self) -> None:
        with self._lock:
            if self.id is None or self.lease_remaining() > 0:
                return
            self.epoch += 1
            self._presumed_lost = True
            log.warning(
                "ZooKeeper did not confirm the session in time: what it held counts as lost"
            )
        self._tell()

    def _replace(self) -> None:
        """Give up the client for a new one: its loop has ended, or no server accepts it."""
        with self._lock:
            if self._closing.is_set():
                return
            old, self._up = self._client, False
            self._end_session("the connection to ZooKeeper had to be made anew")
            client = self._client = self._make(self._failed)
            self._replaced_at = time.monotonic()
        client.add_listener(lambda state: self._changed(client, state))
        client.start_async()
        if old is not None:
            _retire(old)
            self._tell()

    def _failed(self, reason: str) -> None:
        self.trouble = reason


def _retire(client: KazooClient) -> threading.Thread:
    """Stop a client in a thread of its own: on a frozen server it takes two thirds of a session."""

    def retire() -> None:
        # A client whose loop has ended, or does not end in time, has nothing left to release.
        with contextlib.suppress(KazooException, OSError, AttributeError):
            client.stop()
        with contextlib.suppress(Exception):
            client.close()

    thread = threading.Thread(target=retire, name="zookeeper-close", daemon=True)
    thread.start()
    return thread
