"""Tell the service manager how we are: ready, at work, stopping (systemd's sd_notify protocol).

The watchdog is fed only while all loops of the service turn. One that waits for ZooKeeper or for
the API turns; one that is stuck, or whose thread has ended, does not, and only a restart cures it.
"""

from __future__ import annotations

import logging
import os
import socket
import threading
import time
from collections.abc import Callable, Mapping, MutableMapping
from dataclasses import dataclass

from engine.text import clean

log = logging.getLogger(__name__)

STUCK_SECONDS = 120.0
"""Without a turn for this long a loop is stuck: the slowest naps for a minute while it is idle."""
READY_WITHIN = 15.0
"""Seconds after which a service is ready though ZooKeeper is away: it waits for it, for ever."""
LOOK_EVERY = 5.0
_FIRST_LOOKS = 0.2
_READY = "READY=1"
_STATUS_LIMIT = 200


@dataclass(frozen=True, slots=True)
class Manager:
    """The socket of the service manager that started us."""

    address: str
    """A path, or a name in the abstract space after an @."""
    watchdog: float | None = None
    """Seconds after which a service that says nothing is killed; None: never."""

    @classmethod
    def from_environment(cls, environ: MutableMapping[str, str]) -> Manager | None:
        """Return the manager that the environment names, or None without one.

        The variables are removed: the children of this process are not the service.
        """
        address = environ.pop("NOTIFY_SOCKET", "")
        micros = environ.pop("WATCHDOG_USEC", "")
        pid = environ.pop("WATCHDOG_PID", "")
        if not address.startswith(("/", "@")):
            return None
        is_ours = pid in ("", str(os.getpid())) and micros.isdecimal() and int(micros) > 0
        return cls(address, int(micros) / 1e6 if is_ours else None)

    def tell(self, *lines: str) -> bool:
        """Send one message; whether it was taken. Nothing is waited for."""
        address = self.address
        if address.startswith("@"):
            address = f"\0{address[1:]}"
        kind = socket.SOCK_DGRAM | socket.SOCK_CLOEXEC | socket.SOCK_NONBLOCK
        try:
            with socket.socket(socket.AF_UNIX, kind) as sock:
                sock.sendto("\n".join(lines).encode(errors="backslashreplace"), address)
        except OSError:
            return False
        return True


class Notifier:
    """A thread that looks after the service and tells the manager, as long as it is entered."""

    def __init__(
        self,
        manager: Manager | None,
        *,
        loops: Mapping[str, Callable[[], float]],
        status: Callable[[], str],
        is_ready: Callable[[], bool],
        stop_within: float,
        stuck_after: float = STUCK_SECONDS,
        ready_within: float = READY_WITHIN,
    ) -> None:
        """Args:
        manager: None where nobody wants to know.
        loops: by name, when each loop turned last, in monotonic seconds.
        status: what the service does, in some words.
        is_ready: whether it can do what it is for.
        stop_within: seconds that a stop may take; the manager's own limit may be shorter.
        stuck_after: seconds without a turn after which a loop counts as stuck.
        ready_within: seconds after which the service counts as ready whatever it waits for.
        """
        self._manager = manager
        self._loops = loops
        self._status = status
        self._is_ready = is_ready
        self._stop_within = stop_within
        self._stuck_after = stuck_after
        self._ready_within = ready_within
        self._is_stopping = False
        self._closed = threading.Event()
        self._told: set[str] = set()
        """What the manager was told and still holds."""
        self._stuck: tuple[str, ...] = ()

    def __enter__(self) -> Notifier:
        """Begin to tell; ready follows as soon as the service is."""
        if self._manager is not None:
            threading.Thread(
                target=self._run, args=(self._manager,), name="notify", daemon=True
            ).start()
        return self

    def __exit__(self, *_: object) -> None:
        """Tell no more."""
        self._closed.set()

    def stopping(self) -> None:
        """Say that the service stops, and how long it may take. Safe in signal handlers."""
        self._is_stopping = True
        if self._manager is not None:
            self._manager.tell("STOPPING=1", f"EXTEND_TIMEOUT_USEC={self._stop_within * 1e6:.0f}")

    def _run(self, manager: Manager) -> None:
        began = time.monotonic()
        every = LOOK_EVERY if manager.watchdog is None else min(LOOK_EVERY, manager.watchdog / 2)
        while not self._closed.is_set():
            try:
                self._look(manager, time.monotonic() - began)
            except Exception:  # this thread alone feeds the watchdog
                log.exception("the service manager could not be told, and is told again")
            self._closed.wait(every if _READY in self._told else min(every, _FIRST_LOOKS))

    def _look(self, manager: Manager, age: float) -> None:
        state = {f"STATUS={clean(self._status(), limit=_STATUS_LIMIT)}"}
        if _READY in self._told or self._is_ready() or age >= self._ready_within:
            state.add(_READY)
        lines = sorted(state - self._told)
        if manager.watchdog is not None and self._is_alive():
            lines.append("WATCHDOG=1")
        if lines and manager.tell(*lines):
            self._told = state

    def _is_alive(self) -> bool:
        """Whether all loops turn. While the service stops they end one by one, and the manager's
        limit for the stop is what ends a service that hangs."""
        now = time.monotonic()
        stuck = tuple(n for n, turned in self._loops.items() if now - turned() > self._stuck_after)
        if self._is_stopping:
            return True
        if stuck and stuck != self._stuck:
            log.error(
                "%s: no turn for %g s; the watchdog of the service manager is not fed",
                ", ".join(stuck),
                self._stuck_after,
            )
        elif self._stuck and not stuck:
            log.warning("%s: turns again", ", ".join(self._stuck))
        self._stuck = stuck
        return not stuck
