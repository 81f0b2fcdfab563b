"""Asks the API for the store: counts, and the documents of what is in sight, never of all jobs."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime
from typing import TypeVar

from engine.errors import ApiError, ApiRefused, LoginRefused, NotFound
from engine.models import JobRecord
from engine.nuvla.client import NuvlaClient
from engine.text import clean
from engine.view import counts
from engine.view.documents import Documents
from engine.view.jobs import FIELDS
from engine.view.picture import Condition, JobCounts, Search, Sight
from engine.view.zookeeper_feed import Publisher

T = TypeVar("T")
_log = logging.getLogger(__name__)

PACE = 1.0
"""Seconds between two requests that nobody waits for."""
LATE_SECONDS = 0.75
"""A request that takes longer, and thrice as long as usual, makes the API's facts stale until it is
answered: with the pace and the tick, two seconds at most after the API went."""
_LATEST = 5.0
_COUNTS, _DOCUMENTS, _SEARCH, _IN_FULL = 4.0, 3.0, 5.0, 2.0
_FAST = 0.02
"""Seconds below which one latency is as good as another."""
_AT_ONCE = 100
_FAILURES = 10
_REFUSED_PAUSE = 10.0
_FAILED_PAUSE = 2.0


class ApiFeed:
    """One thread that asks the API: at once for what came into sight, else in turn."""

    def __init__(self, client: NuvlaClient, store: Publisher) -> None:
        """Args:
        client: closed here.
        store: takes what was read.
        """
        self._client, self._store = client, store
        self._wake = threading.Event()
        self._stopping = False
        self._sight = Sight()
        self._pace = PACE
        self._asked_at: float | None = None
        self._latency: float | None = None
        self._documents = Documents()
        self._done: dict[str, float] = {}
        self._refused: dict[Callable[[], None], float] = {}
        """When the API refused to answer a question at all."""
        self._answered: Search | None = None
        self._thread = threading.Thread(target=self._run, name="view-api", daemon=True)

    def start(self) -> None:
        """Ask in the background."""
        self._thread.start()

    def stop(self) -> None:
        """Stop asking. A request that hangs is left behind."""
        self._stopping = True
        self._wake.set()
        if self._thread.is_alive():
            self._thread.join(0.5)
        self._client.close()

    def look(self, sight: Sight) -> None:
        """Say what is in sight."""
        if sight != self._sight:
            self._sight = sight
            self._wake.set()

    def read_again(self) -> None:
        """Ask for all that is in sight, now."""
        self._done.clear()
        self._wake.set()

    def set_pace(self, seconds: float) -> None:
        """Leave at least so many seconds between two requests that nobody waits for."""
        self._pace = seconds

    def check(self) -> None:
        """Notice a request that is not answered."""
        asked, usual = self._asked_at, self._latency or 0.0
        late = min(_LATEST, max(LATE_SECONDS, 3 * usual))
        stale = self._store.picture.api.condition is Condition.STALE
        if asked is not None and time.monotonic() - asked > late and not stale:
            self._stale("no answer")

    def _run(self) -> None:
        pause = 0.0
        while not self._stopping:
            self._wake.wait(pause)
            self._wake.clear()
            if self._stopping:
                return
            pause = self._turn()

    def _turn(self) -> float:
        """Ask one thing, and return the seconds to wait."""
        task = self._urgent() or self._next()
        try:
            task()
        except LoginRefused as error:
            self._failed(error)
            return _REFUSED_PAUSE
        except ApiError as error:
            if isinstance(error, ApiRefused | NotFound):
                self._refused[task] = time.monotonic()
            self._failed(error)
            return self._pace
        except Exception as error:
            # A view that died in silence would go on showing what is no longer true.
            _log.exception("what the API answered cannot be shown")
            self._stale(clean(f"what it answered cannot be shown: {error!r}", limit=400))
            return _FAILED_PAUSE
        return 0.0 if self._urgent() else self._pace

    def _urgent(self) -> Callable[[], None] | None:
        """Return what somebody waits for."""
        sight = self._sight
        if not self._store.picture.api.is_live and "counts" in self._done:
            return None  # while it is down, one question at a time is enough
        new = bool(self._documents.unknown(sight.jobs))
        folded = any(f"below {parent}" not in self._done for parent in sight.unfolded)
        asked = sight.search is None or _same_question(sight.search, self._answered)
        shown = not sight.in_full or f"full {sight.in_full}" in self._done
        waiting: list[tuple[bool, Callable[[], None]]] = [
            ("counts" not in self._done, self._count),
            (not asked, self._search),
            (not shown, self._read_in_full),
            (new, self._read_documents),
            (folded, self._read_children),
        ]
        # What was refused takes its turn with all the rest, or nothing else would ever be asked.
        recent = time.monotonic() - _REFUSED_PAUSE
        return next(
            (task for due, task in waiting if due and self._refused.get(task, 0.0) < recent), None
        )

    def _next(self) -> Callable[[], None]:
        """Return what is most overdue."""
        sight = self._sight
        turns: list[tuple[str, float, Callable[[], None]]] = [
            ("counts", _COUNTS, self._count),
            ("finished", _COUNTS, self._count_finished),
            ("failures", _SEARCH, self._read_failures),
        ]
        if sight.jobs:
            turns.append(("documents", _DOCUMENTS, self._read_documents))
        if sight.search is not None:
            turns.append(("search", _SEARCH, self._search))
        if sight.in_full:
            turns.append((f"full {sight.in_full}", _IN_FULL, self._read_in_full))
        if sight.unfolded:
            turns.append(("below", _SEARCH, self._read_children))
        now = time.monotonic()
        overdue = [
            ((now - self._done.get(name, 0.0)) / every, name, task) for name, every, task in turns
        ]
        _, name, task = max(overdue, key=lambda turn: turn[0])
        self._done[name] = now
        return task

    def _ask(self, question: Callable[[], T]) -> T:
        """Ask, and note how long the answer took.

        Raises:
            ApiError.
        """
        self._asked_at = began = time.monotonic()
        try:
            answer = question()
        except (NotFound, ApiRefused):
            self._live(time.monotonic() - began)
            raise
        finally:
            self._asked_at = None
        self._live(time.monotonic() - began)
        return answer

    def _live(self, latency: float) -> None:
        health = self._store.picture.api
        # A latency that wavers is no news: the screen would never rest.
        usual = latency if self._latency is None else 0.8 * self._latency + 0.2 * latency
        self._latency = usual
        shown = health.latency
        if shown is None or not 0.5 < max(usual, _FAST) / shown < 2:
            shown = max(usual, _FAST)
        if not health.is_live or shown != health.latency:
            live = replace(health, condition=Condition.LIVE, latency=shown, error=None)
            self._store.report("api", replace(live, read_at=datetime.now(UTC)))

    def _stale(self, reason: str) -> None:
        health = self._store.picture.api
        if health.condition is Condition.STALE and health.error == reason:
            return
        read_at = datetime.now(UTC) if health.is_live else health.read_at
        self._store.report(
            "api", replace(health, condition=Condition.STALE, error=reason, read_at=read_at)
        )

    def _failed(self, error: ApiError) -> None:
        if isinstance(error, ApiRefused | NotFound):
            return  # it answered; who asked has shown what it refused
        if not self._stopping:
            self._stale(clean(str(error), limit=400))

    def _count(self) -> None:
        page = self._ask(
            lambda: self._client.search_jobs(
                filter="state=['QUEUED','RUNNING'] and execution-mode!='pull'",
                last=0,
                aggregation="terms:state,terms:action",
            )
        )
        self._done["counts"] = time.monotonic()
        before = self._store.picture.counts
        found = JobCounts(
            taken_at=page.taken_at,
            states=counts.by_state(page),
            actions=counts.by_action(page),
            other_actions=counts.of_other_actions(page),
            finished=before.finished if before else {},
        )
        # What is as it was is no news: the screen would never rest.
        if before is None or replace(found, taken_at=before.taken_at) != before:
            self._store.publish(counts=found)

    def _count_finished(self) -> None:
        page = self._ask(
            lambda: self._client.search_jobs(
                filter="state=['SUCCESS','FAILED','CANCELED'] and updated>'now-1m'",
                last=0,
                aggregation="terms:state",
            )
        )
        before = self._store.picture.counts or JobCounts(taken_at=page.taken_at)
        finished = counts.by_state(page)
        if before.finished != finished:
            self._store.publish(counts=replace(before, finished=finished))

    def _read_failures(self) -> None:
        page = self._ask(
            lambda: self._client.search_jobs(
                filter="state='FAILED' and updated>'now-1h'",
                orderby="updated:desc",
                first=1,
                last=_FAILURES,
                select=FIELDS,
            )
        )
        if self._store.picture.failures != page.jobs:
            self._store.publish(failures=page.jobs)

    def _read_documents(self) -> None:
        """Read the documents in sight: those not at hand first, then those that can change."""
        sight = self._sight.jobs
        wanted = (self._documents.unknown(sight) or self._documents.passing(sight))[:_AT_ONCE]
        if not wanted:
            self._count_finished()
            return
        listed = ",".join(f"'{job}'" for job in wanted)
        page = self._ask(
            lambda: self._client.search_jobs(
                filter=f"id=[{listed}]", first=1, last=len(wanted), select=FIELDS
            )
        )
        found = {record.id: record for record in page.jobs}
        self._keep(self._documents.keep(found, wanted))

    def _keep(self, changed: bool) -> None:
        if changed:
            self._store.publish(jobs=self._documents.jobs)

    def _read_in_full(self) -> None:
        job = self._sight.in_full
        if job is None:
            return
        self._done[f"full {job}"] = time.monotonic()
        try:
            record = JobRecord.from_json(self._ask(lambda: self._client.get_job(job)))
        except NotFound:
            self._keep(self._documents.lack(job))
            return
        self._keep(self._documents.keep({job: record}, [job]))

    def _search(self) -> None:
        asked = self._sight.search
        if asked is None:
            return
        try:
            page = self._ask(
                lambda: self._client.search_jobs(
                    filter=asked.filter,
                    orderby=asked.orderby,
                    first=1,
                    last=asked.limit,
                    select=FIELDS,
                )
            )
        except ApiRefused as error:
            self._answered = replace(
                asked, error=clean(str(error), limit=400), taken_at=datetime.now(UTC)
            )
        else:
            self._answered = replace(
                asked,
                taken_at=page.taken_at,
                jobs=page.jobs,
                count=page.count,
                unreadable=page.unreadable,
                error=None,
            )
        before = self._store.picture.search
        if before is None or replace(before, taken_at=None) != replace(
            self._answered, taken_at=None
        ):
            self._store.publish(search=self._answered)

    def _read_children(self) -> None:
        below = dict(self._store.picture.children)
        for parent in self._sight.unfolded:
            page = self._ask(
                lambda parent=parent: self._client.search_jobs(  # type: ignore[misc]
                    filter=f"parent-job='{parent}'",
                    orderby="created:asc",
                    first=1,
                    last=500,
                    select=FIELDS,
                )
            )
            below[parent] = page.jobs
            self._done[f"below {parent}"] = time.monotonic()
        kept = {parent: below[parent] for parent in self._sight.unfolded if parent in below}
        if kept != self._store.picture.children:
            self._store.publish(children=kept)


def _same_question(one: Search, other: Search | None) -> bool:
    return other is not None and (one.filter, one.orderby, one.limit) == (
        other.filter,
        other.orderby,
        other.limit,
    )
