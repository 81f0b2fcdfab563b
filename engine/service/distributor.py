"""Contend in an election for each distributor, and lead those that are won."""

from __future__ import annotations

import logging
import queue
import threading
import time
from collections.abc import Callable, Iterable, Mapping
from typing import Any, Protocol

from engine.errors import SettingsError
from engine.models import MemberState, RunningJob
from engine.service.adding import Adder, AddingClient
from engine.service.leader import Leader, Nodes
from engine.service.registry import DistributorPlugin
from engine.service.round import Rounds
from engine.zookeeper.paths import OwnPaths

log = logging.getLogger(__name__)

_TICK = 1.0
_STOP_SECONDS = 5.0


class Election(Protocol):
    """One election, as a contender sees it."""

    def run(self, lead: Callable[[Callable[[], bool]], None]) -> None:
        """Contend until stopped; call lead(is_leading) each time it is won."""

    def stop(self) -> None:
        """Step down, or stop waiting, and remove our node."""


class Presence(Protocol):
    """Our presence node."""

    def publish(
        self,
        state: MemberState,
        jobs: tuple[RunningJob, ...],
        last_errors: tuple[str, ...] = (),
    ) -> None:
        """Say what we do; costs nothing where nothing changed."""


class Distributor:
    """Runs distributors until it is told to stop: each one in its own thread and election."""

    def __init__(
        self,
        zk: Nodes,
        client: AddingClient,
        distributors: Mapping[str, DistributorPlugin],
        presence: Presence | None = None,
        *,
        elect: Callable[[str], Election],
        own: OwnPaths,
        instance: str,
        intervals: Mapping[str, float] | None = None,
        last_errors: Callable[[], tuple[str, ...]] = tuple,
    ) -> None:
        """Args:
        distributors: those to run (see `chosen`).
        elect: makes the election of a name.
        instance: this process.
        intervals: seconds between two distributions, by distributor (see `intervals`); others keep
            their own.
        last_errors: the newest errors of the process's log, for its presence node.
        """
        self._presence = presence
        self._last_errors = last_errors
        self._inbox: queue.SimpleQueue[None] = queue.SimpleQueue()
        self._stopped = threading.Event()
        self._elections: dict[str, Election] = {}
        self._leaders: dict[str, Leader] = {}
        self.turned_at = time.monotonic()
        """When `run` looked around last, monotonic: within some seconds if it lives."""
        for plugin in distributors.values():
            every = (intervals or {}).get(plugin.name, plugin.every)
            adder = Adder(client, self._wait)
            self._elections[plugin.name] = elect(plugin.election)
            self._leaders[plugin.name] = Leader(
                plugin,
                every,
                zk=zk,
                path=own.distribution(plugin.election),
                client=client,
                rounds=Rounds(plugin, every, adder, client.official, self._stopped.is_set),
                instance=instance,
                wait=self._wait,
            )

    @property
    def leaders(self) -> Mapping[str, Leader]:
        """What leads each election once it is won, by distributor."""
        return self._leaders

    def run(self) -> int:
        """Distribute until stopped; return 0."""
        threads = [
            threading.Thread(target=self._contend, args=(name,), name=name, daemon=True)
            for name in self._leaders
        ]
        for thread in threads:
            thread.start()
        while not self._stopped.is_set():
            self.turned_at = time.monotonic()
            if self._presence is not None:
                self._presence.publish(MemberState.RUNNING, (), self._last_errors())
            self._sleep()
        self._end(threads)
        return 0

    def stop(self) -> None:
        """Let `run` return within five seconds. Safe in signal handlers."""
        self._inbox.put(None)

    def _sleep(self) -> None:
        try:
            self._inbox.get(timeout=_TICK)
        except queue.Empty:
            return
        self._stopped.set()

    def _wait(self, seconds: float) -> bool:
        return not self._stopped.wait(seconds)

    def _contend(self, name: str) -> None:
        while not self._stopped.is_set():
            try:
                self._elections[name].run(self._leaders[name].lead)
            except Exception:  # one distributor must not end the others
                log.exception("%s: the election failed, and is entered again", name)
            self._stopped.wait(_TICK)

    def _end(self, threads: Iterable[threading.Thread]) -> None:
        deadline = time.monotonic() + _STOP_SECONDS
        stopper = threading.Thread(target=self._step_down, name="step-down", daemon=True)
        stopper.start()
        for thread in (stopper, *threads):
            thread.join(max(0.0, deadline - time.monotonic()))
            if thread.is_alive():
                log.warning("%s does not end; it goes with the process", thread.name)

    def _step_down(self) -> None:
        for name, election in self._elections.items():
            try:
                election.stop()
            except Exception:  # the others are stepped down from all the same
                log.exception("%s: stepping down failed", name)


def chosen(
    known: Mapping[str, DistributorPlugin],
    names: Iterable[str],
    *,
    all_of_them: bool = False,
    exclude: Iterable[str] = (),
) -> dict[str, DistributorPlugin]:
    """Return the distributors to run; a name is that of a distributor or of its action.

    Raises:
        SettingsError: a name is not known.
    """
    wanted = set(known) if all_of_them else {_resolve(known, name) for name in names}
    wanted -= {_resolve(known, name) for name in exclude}
    return {name: plugin for name, plugin in known.items() if name in wanted}


def intervals(
    known: Mapping[str, DistributorPlugin], wanted: Mapping[str, float]
) -> dict[str, float]:
    """Return the seconds between two distributions, by distributor.

    Args:
        known: all distributors, those that are not run here too.
        wanted: seconds, by distributor or action; others keep their own.

    Raises:
        SettingsError: a name is not known, or a time is not positive.
    """
    every = {name: plugin.every for name, plugin in known.items()}
    for name, seconds in wanted.items():
        if not seconds > 0:
            raise SettingsError(f"interval: {seconds:g} s for {name!r} is not a positive time")
        every[_resolve(known, name)] = seconds
    return every


def _resolve(known: Mapping[str, DistributorPlugin], name: str) -> str:
    found: list[Any] = [p for p in known.values() if name in (p.name, p.election)]
    if not found:
        there = ", ".join(sorted(known)) or "none"
        raise SettingsError(f"there is no distributor {name!r}; there are: {there}")
    exact = [plugin.name for plugin in found if plugin.name == name]
    return str(exact[0] if exact else found[0].name)
