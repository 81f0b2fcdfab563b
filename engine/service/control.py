"""What this process does when it is asked over ZooKeeper."""

from __future__ import annotations

import logging
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Protocol

from engine.models.control import Command, Outcome, RemoteControl, Reply, Request
from engine.models.stacks import StackReport
from engine.service.letting_go import LettingGo, Result

log = logging.getLogger(__name__)


class Steered(Protocol):
    """An executor, as far as it can be steered."""

    def describe(self) -> str:
        """Return its state in words."""

    def drain(self) -> None:
        """Claim no more, and stay."""

    def resume(self) -> None:
        """Claim again."""


class Control:
    """Handles requests, within what the settings allow."""

    def __init__(
        self,
        *,
        instance: str,
        allowed: RemoteControl,
        stacks: Callable[[], StackReport],
        executor: Steered | None = None,
        letting_go: LettingGo | None = None,
    ) -> None:
        """Args:
        instance: this process.
        allowed: the setting remote-control.
        stacks: takes the stacks of all threads.
        executor, letting_go: None in a distributor, which runs no jobs.
        """
        self._instance = instance
        self._allowed = allowed
        self._stacks = stacks
        self._executor = executor
        self._letting_go = letting_go

    def handle(self, request: Request) -> Reply:
        """Do what is asked, and say how it went."""
        if not self._allowed.allows(request.command):
            words = f"this member runs with --remote-control {self._allowed.value}"
            return self._reply(request, Result(Outcome.LIMITED, words))
        if request.command is Command.STACKS:
            report = self._stacks()
            words = f"{len(report.threads)} threads"
            return self._reply(request, Result(Outcome.DONE, words), stacks=report)
        if request.command is Command.PING:
            return self._reply(request, Result(Outcome.DONE, self._describe()))
        result = self._steer(request)
        log.warning(
            "%s%s, asked for by %s%s: %s: %s",
            request.command.value,
            f" {request.job_id}" if request.job_id else "",
            request.by,
            f" ({request.reason})" if request.reason else "",
            result.outcome.value,
            result.detail,
        )
        return self._reply(request, result)

    def _describe(self) -> str:
        return "distributing" if self._executor is None else self._executor.describe()

    def _steer(self, request: Request) -> Result:
        executor, jobs = self._executor, self._letting_go
        if executor is None or jobs is None:
            words = f"a distributor runs no jobs: {request.command.value} is for executors"
            return Result(Outcome.REFUSED, words)
        match request.command:
            case Command.RELEASE:
                return jobs.release(request)
            case Command.INTERRUPT:
                return jobs.interrupt(request)
            case Command.DRAIN:
                executor.drain()
            case _:
                executor.resume()
        return Result(Outcome.DONE, executor.describe())

    def _reply(
        self, request: Request, result: Result, *, stacks: StackReport | None = None
    ) -> Reply:
        return Reply(
            request_id=request.id,
            outcome=result.outcome,
            detail=result.detail,
            instance=self._instance,
            answered_at=datetime.now(UTC),
            stacks=stacks,
        )
