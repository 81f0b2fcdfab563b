"""Say that a process is there, and what it does: its presence node."""

from __future__ import annotations

import logging
import threading
import time
from dataclasses import replace
from datetime import UTC, datetime

from engine.errors import AccessDenied, NodeConflict, ZooKeeperError
from engine.models import Hold, Member, MemberState, PutBack, RunningJob
from engine.zookeeper import wire
from engine.zookeeper.connection import Answer, ZooKeeper
from engine.zookeeper.paths import OwnPaths

log = logging.getLogger(__name__)

WRITE_EVERY = 1.0
"""Seconds between two writes of the node."""
CHECK_EVERY = 30.0
"""Seconds between two looks at whether an unchanged node is still there."""
_CALL_SECONDS = 5.0


class Presence:
    """One process's presence node, kept by a thread of its own so that nobody waits for it."""

    def __init__(self, zk: ZooKeeper, own: OwnPaths, member: Member) -> None:
        """Args:
        zk: its session holds the node.
        own: where the node is.
        member: what does not change.
        """
        self._zk = zk
        self._path = own.member(member.instance)
        self._wanted = member
        self._written: Member | None = None
        self._epoch = -1
        self._wake = threading.Event()
        self._closed = threading.Event()
        self._has_reported = False
        self._thread: threading.Thread | None = None

    def publish(
        self,
        state: MemberState,
        jobs: tuple[RunningJob, ...],
        last_errors: tuple[str, ...] = (),
        put_back: tuple[PutBack, ...] = (),
        holds: tuple[Hold, ...] = (),
    ) -> None:
        """Say what the process does. Returns at once; costs nothing where nothing changed."""
        wanted = replace(
            self._wanted,
            state=state,
            jobs=jobs,
            last_errors=last_errors,
            put_back=put_back,
            holds=holds,
        )
        if self._thread is None:
            self._zk.add_listener(self._wake.set)
            self._thread = threading.Thread(target=self._run, name="presence", daemon=True)
            self._wanted = wanted
            self._thread.start()
        elif wanted != self._wanted:
            self._wanted = wanted
            self._wake.set()

    @property
    def is_there(self) -> bool:
        """Whether the node of this session has been written, so that others can find us."""
        return self._epoch == self._zk.epoch and self._zk.is_connected

    def close(self) -> None:
        """Keep the node no longer; it goes with the session."""
        self._closed.set()
        self._wake.set()
        self._zk.remove_listener(self._wake.set)

    def _run(self) -> None:
        checked_at = float("-inf")
        while not self._closed.is_set() and not self._zk.is_closed:
            self._wake.clear()
            now = time.monotonic()
            if self._zk.is_connected and (self._is_stale() or now - checked_at >= CHECK_EVERY):
                try:
                    self._write(self._wanted)
                    checked_at = now
                except ZooKeeperError as error:
                    self._report(error)
            self._closed.wait(WRITE_EVERY)
            if not self._is_stale() or not self._zk.is_connected:
                self._wake.wait(CHECK_EVERY)

    def _report(self, error: ZooKeeperError) -> None:
        """What only an operator can mend is said once; all else mends itself."""
        is_news = isinstance(error, AccessDenied) and not self._has_reported
        self._has_reported = self._has_reported or is_news
        level = logging.WARNING if is_news else logging.DEBUG
        log.log(level, "the presence node cannot be written: %s", error)

    def _is_stale(self) -> bool:
        return self._wanted != self._written or self._epoch != self._zk.epoch

    def _write(self, member: Member) -> None:
        epoch = self._zk.epoch
        data = replace(member, updated=datetime.now(UTC)).to_node()
        if epoch != self._epoch or self._zk.set(self._path, data, timeout=_CALL_SECONDS) is None:
            self._make(data, epoch)
        self._epoch, self._written = epoch, member

    def _make(self, data: bytes, epoch: int) -> None:
        """Make the node in this session. One of the session before goes in the same step: the
        server may not have noticed yet that it ended."""
        try:
            self._zk.create(self._path, data, ephemeral=True, epoch=epoch, timeout=_CALL_SECONDS)
        except NodeConflict:
            answers = self._zk.transaction(
                wire.delete(self._path),
                wire.create(
                    self._path, data, acl=self._zk.acl_of(self._path), flags=wire.EPHEMERAL
                ),
                epoch=epoch,
                timeout=_CALL_SECONDS,
            )
            if any(answer is not Answer.DONE for answer in answers):
                raise
