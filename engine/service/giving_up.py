"""Give up on jobs whose action goes on: put them back at a stop, or fail those over a limit."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Iterable

from engine.errors import EngineError, SessionLost
from engine.service.endings import failed
from engine.service.seams import Queue
from engine.service.work import Work

log = logging.getLogger(__name__)

RELEASE_SECONDS = 5.0
"""For putting back what still runs when the grace is over, even where ZooKeeper is away."""


def put_back(queue: Queue, works: Iterable[Work], reason: str) -> int:
    """Put jobs back in the queue and tell their actions to end; return how many there were."""
    left = [work for work in works if work.take_settling()]
    if not left:
        return 0
    for work in left:
        work.tell_to_stop(reason)
        if work.writer is not None:
            work.writer.close()
        extra = {"job_id": work.claim.job_id, "action": work.action}
        log.warning("%s is put back: %s", work.claim.job_id, reason, extra=extra)
    helper = threading.Thread(target=_release, args=(queue, left), name="release", daemon=True)
    helper.start()
    helper.join(RELEASE_SECONDS)
    if helper.is_alive():
        log.error("ZooKeeper does not answer: the locks go with the session")
    return len(left)


def fail_overdue(queue: Queue, works: Iterable[Work], limit: float) -> None:
    """Fail the jobs that run for longer than a limit, in seconds; their threads are lost."""
    now = time.monotonic()
    for work in works:
        if now - work.since >= limit and work.writer is not None and work.take_settling():
            work.tell_to_stop("it runs for too long")
            name = f"overdue-{work.claim.job_id}"
            arguments = (queue, work, limit)
            threading.Thread(target=_fail, args=arguments, name=name, daemon=True).start()


def _release(queue: Queue, works: Iterable[Work]) -> None:
    for work in works:
        try:
            queue.release(work.claim)
        except EngineError as error:
            log.warning("%s could not be put back: %s", work.claim.job_id, error)


def _fail(queue: Queue, work: Work, limit: float) -> None:
    assert work.writer is not None
    message = f"The action did not end within {limit:g} s; its thread is lost."
    log.error("%s %s: %s", work.claim.job_id, work.action, message)
    try:
        work.writer.write(failed(message))
        work.writer.close()
        queue.consume(work.claim)
    except EngineError as error:
        work.writer.close()
        log.error("%s could not be failed, it is put back: %s", work.claim.job_id, error)
        if not isinstance(error, SessionLost):
            _release(queue, [work])
