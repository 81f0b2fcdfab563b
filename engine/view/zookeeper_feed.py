"""Follows ZooKeeper for the store: hangs on watches, and reads only what changed."""

from __future__ import annotations

import logging
import threading
import time
from dataclasses import replace
from datetime import UTC, datetime
from functools import partial
from typing import Protocol

from engine.errors import ZooKeeperError
from engine.models import Lock, TakenSnapshot
from engine.text import clean
from engine.view.elections import read_elections
from engine.view.members import read_members
from engine.view.picture import Condition, Health, Picture, Sight
from engine.view.queue import read_locks
from engine.view.queue_feed import CALL_SECONDS, QueuePicture, oldest_waiting
from engine.view.restless import Restless
from engine.zookeeper import paths
from engine.zookeeper.connection import ZooKeeper
from engine.zookeeper.paths import OwnPaths

_log = logging.getLogger(__name__)
_POLL = 0.25
"""Seconds between two counts while the queue changes."""
_CALM = 1.0
"""Members and elections are read no oftener than that."""
_RETRY = 0.5
_LONG_RETRY = 2.0
_LOOK_BACK = 5.0
"""Seconds between two looks at what flapped."""
PULSE_SECONDS = 0.75
"""Between two signs of life that are asked of the server: a ping, which reads nothing."""
_SILENCE = 0.9
"""Seconds that a sign of life may take: with the pulse and the tick of who looks, two in all."""
TOPICS = ("taken", "members", "elections", "queue")
"""The long queue last: the rest is there in a moment."""


class Publisher(Protocol):
    """What a feed needs of the store."""

    @property
    def picture(self) -> Picture:
        """The picture as it is now."""

    def publish(self, **changes: object) -> None:
        """Replace parts of the picture."""

    def report(self, name: str, health: Health) -> None:
        """Take a source's health."""


class ZooKeeperFeed:
    """One thread that reads ZooKeeper when a watch says so."""

    def __init__(self, zk: ZooKeeper, own: OwnPaths, store: Publisher) -> None:
        """Args:
        zk: started and closed here.
        own: the nodes of this engine.
        store: takes what was read.
        """
        self._zk, self._own, self._store = zk, own, store
        self._queue = QueuePicture(zk)
        self._restless = Restless()
        self._looked_back_at = 0.0
        self._wake = threading.Event()
        self._stopping = False
        self._dirty = set(TOPICS)
        self._due = dict.fromkeys(TOPICS, 0.0)
        self._polled_at = 0.0
        self._published_at = 0.0
        self._changed = False
        # The same callback each time: the client keeps one watch for each node, not one a reading.
        self._watches = {topic: partial(self._touch, topic) for topic in TOPICS}
        self._sight = Sight()
        self._suspects: set[str] = set()
        self._asked_at: float | None = None
        self._thread = threading.Thread(target=self._run, name="view-zookeeper", daemon=True)

    def start(self) -> None:
        """Connect and follow, in the background."""
        self._zk.add_listener(self._wake.set)
        self._zk.start()
        self._thread.start()

    def stop(self) -> None:
        """Stop following and end the session."""
        self._stopping = True
        self._wake.set()
        self._zk.close(timeout=1.0)
        if self._thread.is_alive():
            self._thread.join(1.0)

    def look(self, sight: Sight) -> None:
        """Say which entries are in sight."""
        if sight.entries != self._sight.entries:
            self._sight = sight
            if self._store.picture.unread:
                self._wake.set()

    def read_again(self) -> None:
        """Read everything again."""
        self._touch(*TOPICS)

    def check(self) -> None:
        """Notice that ZooKeeper fell silent: the link is up, and no answer comes."""
        health = self._store.picture.zookeeper
        if health.condition is not Condition.LIVE:
            return
        now = time.monotonic()
        if self._store.picture.flapping and now - self._looked_back_at > _LOOK_BACK:
            # What flapped may do so no more, and then no watch tells.
            self._looked_back_at = now
            self._touch("taken")
        if not self._zk.is_connected:
            self._wake.set()
            return
        asked = self._asked_at
        is_late = asked is not None and time.monotonic() - asked > CALL_SECONDS - 0.5
        if is_late or self._zk.silent_for > _SILENCE:
            self._lost("no answer: the connection is open, but silent")
            self._wake.set()

    def _touch(self, *topics: str) -> None:
        self._dirty.update(topics)
        self._wake.set()

    def _run(self) -> None:
        while not self._stopping:
            self._wake.wait(self._rest())
            self._wake.clear()
            if self._stopping:
                return
            if not self._zk.is_connected:
                self._dirty.update(TOPICS)
                # The first attempt gets its time before it is called a failure.
                if self._store.picture.zookeeper.condition is Condition.LIVE or (
                    not self._zk.wait_connected(CALL_SECONDS)
                ):
                    self._lost(self._zk.trouble)
                if not self._zk.is_connected:
                    continue
            try:
                self._step()
            except ZooKeeperError as error:
                self._asked_at = None
                if not self._stopping:
                    self._lost(str(error))
                    time.sleep(_RETRY)
            except Exception as error:
                # A view that died in silence would go on showing what is no longer true.
                self._asked_at = None
                _log.exception("what ZooKeeper answered cannot be shown")
                self._lost(f"what it answered cannot be shown: {error!r}")
                self._wake.wait(_LONG_RETRY)

    def _rest(self) -> float | None:
        """Return the seconds until there is something to do; None to hang on the watches."""
        if not self._zk.is_connected:
            return _RETRY
        if self._queue.unread:
            return 0.0
        now = time.monotonic()
        waits = [self._due[topic] - now for topic in list(self._dirty)]
        if "queue" in self._dirty:
            waits.append(self._polled_at + _POLL - now)
        if self._changed:
            waits.append(self._published_at + _POLL - now)
        return max(0.0, min(waits)) if waits else None

    def _step(self) -> None:
        self._asked_at = time.monotonic()
        if self._store.picture.queue is None:
            self._count()
        for topic in TOPICS:
            if topic in self._dirty and self._due[topic] <= time.monotonic():
                self._dirty.discard(topic)
                try:
                    getattr(self, f"_read_{topic}")()
                except ZooKeeperError:
                    self._dirty.add(topic)
                    raise
        if self._queue.unread:
            self._changed |= self._queue.read(self._sight.entries)
        elif "queue" in self._dirty and time.monotonic() - self._polled_at >= _POLL:
            self._count()
        self._asked_at = None
        self._confirm()
        now = time.monotonic()
        wanted = self._queue.is_unread(self._sight.entries)
        if self._changed and not wanted and now - self._published_at >= _POLL:
            self._published_at, self._changed = now, False
            self._publish_queue()

    def _confirm(self) -> None:
        """Say that what is shown holds: it was read, and watches tell when it changes."""
        health = self._store.picture.zookeeper
        if health.condition is Condition.LIVE:
            return
        now = datetime.now(UTC)
        live = replace(health, condition=Condition.LIVE, error=None, read_at=now)
        self._store.report("zookeeper", live)

    def _lost(self, reason: str) -> None:
        self._dirty.update(TOPICS)
        health = self._store.picture.zookeeper
        read_at = datetime.now(UTC) if health.is_live else health.read_at
        self._store.report(
            "zookeeper",
            replace(
                health, condition=Condition.STALE, error=clean(reason, limit=400), read_at=read_at
            ),
        )

    def _publish_queue(self, depth: int | None = None) -> None:
        snapshot = self._queue.snapshot(depth)
        self._store.publish(
            queue=snapshot,
            unread=self._queue.unread,
            oldest_waiting=oldest_waiting(snapshot.entries),
        )

    def _count(self) -> None:
        """Count the queue without listing it, between two listings of a long one."""
        self._polled_at = time.monotonic()
        stat = self._zk.exists(paths.ENTRIES, timeout=CALL_SECONDS)
        queue = self._store.picture.queue or self._queue.snapshot()
        depth = max(0, stat.numChildren - len(queue.foreign)) if stat else 0
        if depth != queue.depth:
            self._store.publish(queue=replace(queue, depth=depth))

    def _read_queue(self) -> None:
        if self._queue.is_long:
            self._asked_at = None  # megabytes may take their time
        self._queue.list_names(self._watches["queue"])
        self._asked_at = time.monotonic()
        self._polled_at = time.monotonic()
        self._due["queue"] = self._polled_at + self._queue.pause
        self._changed = True
        self._restless.see_queue(self._queue.names, self._queue.held, datetime.now(UTC))
        self._note_restless()

    def _read_taken(self) -> None:
        began = time.monotonic()
        listing = self._zk.children(paths.TAKEN, watch=self._watches["taken"], timeout=CALL_SECONDS)
        locks = read_locks(self._zk, [] if listing is None else listing[0])
        self._queue.hold(locks)
        self._changed = True
        self._store.publish(taken=self._taken(locks))
        self._restless.see_locks(locks, self._queue.known, datetime.now(UTC))
        self._note_restless()
        took = time.monotonic() - began
        self._due["taken"] = time.monotonic() + max(_POLL, 20 * took)

    def _note_restless(self) -> None:
        now, picture = datetime.now(UTC), self._store.picture
        flapping = self._restless.flapping(self._queue.known_jobs, picture.members, now)
        starving = self._restless.starving(now)
        if (flapping, starving) != (picture.flapping, picture.starving):
            self._store.publish(flapping=flapping, starving=starving)

    def _taken(self, locks: dict[str, Lock]) -> TakenSnapshot:
        """Join the locks with their jobs. An entry goes together with its lock, but the two are
        read one after the other: a lock counts as an orphan when it is seen so twice."""
        jobs = self._queue.jobs_of(locks)
        missing = locks.keys() - jobs.keys()
        joined = [
            replace(lock, job_id=jobs.get(name), is_orphan=name in missing & self._suspects)
            for name, lock in locks.items()
        ]
        if missing - self._suspects:
            self._dirty.add("taken")
        self._suspects = missing
        joined.sort(key=lambda lock: (lock.since, lock.entry))
        return TakenSnapshot(taken_at=datetime.now(UTC), locks=tuple(joined))

    def _read_members(self) -> None:
        # Watches first, then the reading: a change in between is seen, at worst twice.
        watch = self._watches["members"]
        listing = self._zk.children(self._own.members, watch=watch, timeout=CALL_SECONDS)
        for name in () if listing is None else listing[0]:
            self._zk.exists(self._own.member(name), watch=watch, timeout=CALL_SECONDS)
        self._zk.exists(self._own.pause, watch=watch, timeout=CALL_SECONDS)
        self._store.publish(members=read_members(self._zk, self._own))
        self._due["members"] = time.monotonic() + _CALM

    def _read_elections(self) -> None:
        watch = self._watches["elections"]
        listing = self._zk.children(paths.ELECTION, watch=watch, timeout=CALL_SECONDS)
        for name in () if listing is None else listing[0]:
            self._zk.children(paths.election_path(name), watch=watch, timeout=CALL_SECONDS)
            self._zk.exists(self._own.distribution(name), watch=watch, timeout=CALL_SECONDS)
        self._store.publish(elections=read_elections(self._zk, self._own))
        self._due["elections"] = time.monotonic() + _CALM
