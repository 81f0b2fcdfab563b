"""The live picture, kept fresh by one thread for each source; says that it changed, not what.

Readers take the whole picture, a frozen value, whenever they like. Nothing here writes to any
source.
"""

from __future__ import annotations

import ssl
import threading
import time
from collections import deque
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

from engine.nuvla.client import NuvlaClient
from engine.states import JobState
from engine.text import clean
from engine.view.api_feed import ApiFeed
from engine.view.diagnosis_feed import DiagnosisFeed
from engine.view.picture import Condition, Health, Note, Picture, Sample, Sight
from engine.view.zookeeper_feed import ZooKeeperFeed
from engine.zookeeper.connection import ZooKeeper
from engine.zookeeper.paths import OwnPaths

SAMPLE_SECONDS = 5.0
_SAMPLES = 240
_STILL = timedelta(seconds=55)
_NOTES = 1000
_ERROR = 400
_NO_NEWS = {"samples", "checkup", "checked_at", "checkup_error", "judgement"}
"""Parts of the picture that move on by time alone, and by no change."""


class Store:
    """The live picture of one Nuvla: its ZooKeeper and its API."""

    def __init__(
        self,
        zk: ZooKeeper,
        client: NuvlaClient,
        *,
        own: OwnPaths | None = None,
        hosts: str = "",
        url: str = "",
        diagnoses: bool = False,
        tls: ssl.SSLContext | None = None,
    ) -> None:
        """Args:
        zk: a session of its own; the store starts and closes it.
        client: the store closes it.
        own: the nodes of this engine.
        hosts: ZooKeeper's hosts, as they are shown.
        url: the API's address, as it is shown.
        diagnoses: whether to look for what is stuck, too.
        tls: to ask ZooKeeper's servers for their connections where they speak TLS only.
        """
        self._lock = threading.Lock()
        self._listeners: list[Callable[[], None]] = []
        self._notes: deque[Note] = deque(maxlen=_NOTES)
        self._noted = 0
        self._samples: deque[Sample] = deque(maxlen=_SAMPLES)
        self._sampled_at = float("-inf")
        self._picture = Picture(
            zookeeper=Health(name="zookeeper", where=clean(hosts)),
            api=Health(name="api", where=clean(url)),
        )
        self.version = 0
        """Grows with each change of the picture."""
        self._news = 0
        self._zookeeper = ZooKeeperFeed(zk, own or OwnPaths(), self)
        self._api = ApiFeed(client, self)
        self._diagnosis = (
            DiagnosisFeed(zk, client, own or OwnPaths(), self, tls=tls) if diagnoses else None
        )

    @property
    def news(self) -> int:
        """Grows with each change that is more than the charts moving on."""
        return self._news

    @property
    def picture(self) -> Picture:
        """The picture as it is now."""
        return self._picture

    def start(self) -> None:
        """Connect to both sources in the background; returns at once, and never raises for a
        source that cannot be reached."""
        self.note("info", f"watching ZooKeeper at {self._picture.zookeeper.where}")
        self.note("info", f"asking the API at {self._picture.api.where}")
        self._zookeeper.start()
        self._api.start()
        if self._diagnosis is not None:
            self._diagnosis.start()

    def stop(self) -> None:
        """Stop reading and end the session; never hangs."""
        if self._diagnosis is not None:
            self._diagnosis.stop()
        self._zookeeper.stop()
        self._api.stop()

    def add_listener(self, callback: Callable[[], None]) -> None:
        """Call back, in a thread of ours, when the picture changes. For flags only."""
        self._listeners.append(callback)

    def look(self, sight: Sight) -> None:
        """Say what is in sight: it is read first, and kept fresh."""
        self._zookeeper.look(sight)
        self._api.look(sight)
        if self._diagnosis is not None:
            self._diagnosis.look(sight)

    def read_again(self) -> None:
        """Read everything that is in sight again, now."""
        self._zookeeper.read_again()
        self._api.read_again()
        if self._diagnosis is not None:
            self._diagnosis.read_again()

    def set_pace(self, seconds: float) -> None:
        """Leave at least so many seconds between two requests that nobody waits for."""
        self._api.set_pace(seconds)

    def check(self) -> None:
        """Notice a source that fell silent, and take a sample when one is due. Cheap: call it at
        each tick."""
        self._zookeeper.check()
        self._api.check()
        now = time.monotonic()
        if now - self._sampled_at >= SAMPLE_SECONDS:
            self._sampled_at = now
            self._sample()

    # For the feeds

    def publish(self, **changes: Any) -> None:
        """Replace parts of the picture."""
        with self._lock:
            self._picture = replace(self._picture, **changes)
            self.version += 1
            self._news += not changes.keys() <= _NO_NEWS
        for callback in self._listeners:
            callback()

    def report(self, name: str, health: Health) -> None:
        """Take a source's health; a change of its condition is noted in the log.

        Args:
            name: "zookeeper" or "api".
            health: as it is now.
        """
        before: Health = getattr(self._picture, name)
        if health == before:
            return
        if health.condition != before.condition or (
            not health.is_live and _gist(health.error) != _gist(before.error)
        ):
            self._note_condition(health)
        self.publish(**{name: health})

    def note(self, level: str, text: str) -> None:
        """Write a line to the log.

        Args:
            level: "info", "good", "doubt" or "bad".
            text: cleaned here.
        """
        self._noted += 1
        note = Note(self._noted, datetime.now(UTC), level, clean(text, limit=_ERROR))
        self._notes.append(note)
        self.publish(notes=tuple(self._notes))

    def _note_condition(self, health: Health) -> None:
        title = {"zookeeper": "ZooKeeper", "api": "the API"}[health.name]
        if health.condition is Condition.LIVE:
            self.note("good", f"{title} answers")
        else:
            self.note("bad", f"{title} does not answer: {health.error or 'no reason known'}")

    def _sample(self) -> None:
        picture = self._picture
        counts = picture.counts if picture.api.is_live else None
        sample = Sample(
            at=datetime.now(UTC),
            depth=picture.queue.depth if picture.queue and picture.zookeeper.is_live else None,
            running=picture.queue.held if picture.queue and picture.zookeeper.is_live else None,
            done=counts.finished.get(JobState.SUCCESS, 0) if counts else None,
            failed=counts.finished.get(JobState.FAILED, 0) if counts else None,
        )
        last = self._samples[-1] if self._samples else None
        self._samples.append(sample)
        # While nothing happens the charts move on once a minute: a screen at rest stays still.
        shown = self._picture.samples
        if last is None or last[1:] != sample[1:] or sample.at - shown[-1].at > _STILL:
            self.publish(samples=tuple(self._samples))


def _gist(error: str | None) -> str:
    """Return the part of an error that tells it from others; numbers behind it may count on."""
    return (error or "")[:60]
