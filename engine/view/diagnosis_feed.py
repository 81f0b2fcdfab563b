"""Diagnoses for the store: a check-up in rounds, and a verdict on the job that is looked at."""

from __future__ import annotations

import logging
import ssl
import threading
import time
from datetime import UTC, datetime
from typing import Protocol

from engine.errors import EngineError, ZooKeeperError
from engine.nuvla.client import NuvlaClient
from engine.text import clean
from engine.view.checkup import read_checkup, without_queue
from engine.view.dossier import Closely, look, read_document
from engine.view.picture import Judgement, Sight
from engine.view.zookeeper_feed import Publisher
from engine.zookeeper.connection import ZooKeeper
from engine.zookeeper.paths import OwnPaths

_log = logging.getLogger(__name__)

SOONEST = 15.0
"""Seconds between two check-ups while something happens."""
AT_REST = 300.0
"""Seconds between two of them while nothing changes: jobs get stuck by time alone, too."""
_SHARE, _SHARE_AT_REST = 20.0, 400.0
"""A check-up is repeated no sooner than so many times what it took: one of a long queue is dear."""
MOST_DOCUMENTS = 5000
DOCUMENT_SECONDS = 3.0
"""What a check-up may ask of the API: `nuvla-engine doctor` looks at more."""
_AGAIN, _AGAIN_AT_REST = 5.0, 30.0
"""Seconds between two looks at the job in sight."""
_TICK = 0.5
_ERROR = 400


class NewsPublisher(Publisher, Protocol):
    """What it needs of the store."""

    @property
    def news(self) -> int:
        """Grows with each change that is more than time passing."""


class DiagnosisFeed:
    """One thread that diagnoses."""

    def __init__(
        self,
        zk: ZooKeeper,
        client: NuvlaClient,
        own: OwnPaths,
        store: NewsPublisher,
        *,
        tls: ssl.SSLContext | None = None,
    ) -> None:
        """Args:
        zk: a session, shared with who starts and closes it.
        client: the API, shared as well.
        own: the nodes of this engine.
        store: takes what was found.
        tls: to ask ZooKeeper's servers for their connections where they speak TLS only.
        """
        self._zk, self._client, self._own, self._tls = zk, client, own, tls
        self._store = store
        self._wake = threading.Event()
        self._stopping = False
        self._job: str | None = None
        self._judged_at = self._checked_at = float("-inf")
        self._judged_news = self._checked_news = -1
        self._took = 0.0
        self._thread = threading.Thread(target=self._run, name="view-diagnosis", daemon=True)

    def start(self) -> None:
        """Diagnose in the background."""
        self._thread.start()

    def stop(self) -> None:
        """Stop. What hangs in a request is left behind."""
        self._stopping = True
        self._wake.set()
        if self._thread.is_alive():
            self._thread.join(0.5)

    def look(self, sight: Sight) -> None:
        """Say which job is looked at."""
        job = sight.in_full if sight.judged else None
        if job != self._job:
            self._job, self._judged_at = job, float("-inf")
            if job is not None:
                self._wake.set()

    def read_again(self) -> None:
        """Diagnose again, now."""
        self._judged_at = self._checked_at = float("-inf")
        self._wake.set()

    def _run(self) -> None:
        while not self._stopping:
            self._wake.wait(_TICK)
            self._wake.clear()
            picture = self._store.picture
            if self._stopping or picture.zookeeper.read_at is None:
                continue  # the first picture comes first
            try:
                self._turn(time.monotonic())
            except Exception as error:
                # A view that died in silence would go on showing what is no longer true.
                _log.exception("a diagnosis failed")
                self._took = AT_REST / _SHARE
                self._checked_at = time.monotonic()
                self._store.publish(checkup_error=clean(repr(error), limit=_ERROR))

    def _turn(self, now: float) -> None:
        news, job = self._store.news, self._job
        again = _AGAIN_AT_REST if news == self._judged_news else _AGAIN
        if job is not None and now - self._judged_at >= again:
            self._judge(job)
            return
        if news == self._checked_news:
            pause = max(AT_REST, _SHARE_AT_REST * self._took)
        else:
            pause = max(SOONEST, _SHARE * self._took)
        if now - self._checked_at >= pause:
            self._check()

    def _judge(self, job: str) -> None:
        self._judged_news = self._store.news
        try:
            flapping = self._store.picture.flapping
            flaps = next((each.flaps for each in flapping if each.job_id == job), None)
            found = look(
                read_document(job, self._client),
                self._zk,
                self._client,
                self._own,
                tls=self._tls,
                closely=Closely(flaps=flaps),
            )
            judged = Judgement(job_id=job, diagnosis=found)
        except EngineError as error:
            judged = Judgement(job_id=job, error=clean(str(error), limit=_ERROR))
        self._judged_at = time.monotonic()
        self._store.publish(judgement=judged)

    def _check(self) -> None:
        began, news = time.monotonic(), self._store.news
        try:
            found = read_checkup(
                self._zk,
                self._client,
                self._own,
                tls=self._tls,
                most=MOST_DOCUMENTS,
                seconds=DOCUMENT_SECONDS,
                flaps={each.entry: each.flaps for each in self._store.picture.flapping},
            )
        except ZooKeeperError as error:
            found = without_queue(self._client, error)
        self._checked_at, self._checked_news = time.monotonic(), news
        self._took = self._checked_at - began
        self._store.publish(checkup=found, checked_at=datetime.now(UTC), checkup_error="")
