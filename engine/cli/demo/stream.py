"""The stream of demo jobs: quick, slow and failing ones, and now and then one that hangs."""

from __future__ import annotations

import logging
import random
import threading

from engine.errors import ApiError
from engine.local.demo_jobs import hanging_job, random_job
from engine.models import JobRequest
from engine.nuvla.client import NuvlaClient

log = logging.getLogger(__name__)

HANGS_EVERY = 60.0
"""Seconds between two jobs that hang: they cost a thread each."""
MOST_HANGING = 3


class JobStream:
    """A thread that creates jobs until it is stopped."""

    def __init__(self, client: NuvlaClient, *, rate: float) -> None:
        """Args:
        client: creates the jobs.
        rate: jobs a second, on average.
        """
        self._client = client
        self._rate = rate
        self._stopped = threading.Event()
        self._thread = threading.Thread(target=self._run, name="demo-jobs", daemon=True)

    def start(self) -> None:
        """Start the thread."""
        self._thread.start()

    def stop(self) -> None:
        """End the thread and wait for it, shortly."""
        self._stopped.set()
        self._thread.join(5.0)

    def _run(self) -> None:
        hung, next_hang, elapsed = 0, 3.0, 0.0
        while not self._stopped.is_set():
            if elapsed >= next_hang and hung < MOST_HANGING:
                hung, next_hang = hung + 1, elapsed + HANGS_EVERY
                self._create(hanging_job())
            self._create(random_job())
            pause = random.expovariate(self._rate)
            elapsed += pause
            self._stopped.wait(pause)

    def _create(self, request: JobRequest) -> None:
        try:
            self._client.add_job(request)
        except ApiError as error:
            log.warning("a demo job could not be created: %s", error)
