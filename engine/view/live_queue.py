"""The live picture of ZooKeeper alone, for whoever needs no document."""

from __future__ import annotations

import threading
from dataclasses import replace
from typing import Any

from engine.text import clean
from engine.view.picture import Health, Picture
from engine.view.zookeeper_feed import ZooKeeperFeed
from engine.zookeeper.connection import ZooKeeper
from engine.zookeeper.paths import OwnPaths


class LiveQueue:
    """Queue, locks, elections and members as they change."""

    def __init__(self, zk: ZooKeeper, own: OwnPaths) -> None:
        """Args:
        zk: started and closed here.
        own: the nodes of this engine.
        """
        self._lock = threading.Lock()
        self._news = threading.Event()
        where = clean(zk.hosts)
        self._picture = Picture(
            zookeeper=Health(name="zookeeper", where=where), api=Health(name="api")
        )
        self._feed = ZooKeeperFeed(zk, own, self)

    @property
    def picture(self) -> Picture:
        """The picture as it is now."""
        return self._picture

    def start(self) -> None:
        """Connect and follow, in the background; returns at once."""
        self._feed.start()

    def stop(self) -> None:
        """Stop following and end the session; never hangs."""
        self._feed.stop()

    def wait(self, seconds: float) -> Picture:
        """Return the picture once it has changed, or after so many seconds."""
        self._news.wait(seconds)
        self._news.clear()
        self._feed.check()
        return self._picture

    def wake(self) -> None:
        """Let `wait` return."""
        self._news.set()

    # For the feed

    def publish(self, **changes: Any) -> None:
        """Replace parts of the picture."""
        with self._lock:
            self._picture = replace(self._picture, **changes)
        self._news.set()

    def report(self, name: str, health: Health) -> None:
        """Take a source's health."""
        self.publish(**{name: health})
