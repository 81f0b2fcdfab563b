"""Acts in bulk: one plan, one record and one outcome for each subject, at a pace that servers bear.

It ends when all is done, when it is told to stop, or when there is no point in going on; what is
left is in its file, and `Bulk` takes it up from there.
"""

from __future__ import annotations

import threading
import time
from collections import Counter, deque
from collections.abc import Iterator
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from dataclasses import dataclass

from engine.act.acts import ACTS, Act
from engine.act.apply import Recorder, plan_and_apply
from engine.act.bulk_file import BulkFile, Order
from engine.act.pace import WIDEST, Pace
from engine.act.plan import Options
from engine.act.sources import Sources
from engine.errors import (
    ApiUnavailable,
    AuditError,
    BulkError,
    EngineError,
    LoginRefused,
    SessionLost,
    ZooKeeperUnavailable,
)
from engine.models import Ending, Outcome, Who

ONCE = frozenset({"requeue"})
"""Acts that make something new each time: where nobody knows whether one was done, it is not
repeated, as nothing is that is done by force. All others, planned anew, see for themselves whether
there is something left to do."""
TRIES = 5
"""Times that a subject is tried for which no server answers, while it does for others."""
LOOK = 0.5
"""Seconds between two looks at whether to stop, while acts are under way."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Progress:
    """How far an act in bulk has come."""

    total: int
    endings: Counter[Ending]
    """How many ended in which way."""
    outcome: Outcome | None = None
    """What became of the last one; None for the first report, and while servers do not answer."""
    width: int = 0
    """Acts under way at once."""
    pause: float = 0.0
    """Seconds of waiting for a server that does not answer; 0 where none is needed."""
    trouble: str = ""
    """Why a server did not answer, or why it was given up."""

    @property
    def handled(self) -> int:
        """How many are behind us."""
        return self.endings.total()


def repeats(order: Order) -> bool:
    """Whether what may be done already is done again, where nobody knows."""
    return order.act not in ONCE and not order.force


class Bulk:
    """One act on many subjects. `run` may be iterated in any thread; `stop` called from any."""

    def __init__(
        self,
        file: BulkFile,
        sources: Sources,
        *,
        by: Who,
        audit: Recorder,
        pace: Pace | None = None,
    ) -> None:
        """Args:
        file: what to do; closed at the end of `run`.
        sources: where to read and write.
        by: who acts.
        audit: the record.
        pace: how fast; one of its own where none is given.

        Raises:
            BulkError: there is no such act.
        """
        order = file.order
        if order.act not in ACTS:
            raise BulkError(f"there is no act {order.act!r}")
        self.file = file
        self._act: Act = ACTS[order.act]
        self._options = Options(
            by=str(by), reason=order.reason, force=order.force, priority=order.priority
        )
        self._repeats = repeats(order)
        self._sources, self._by, self._audit = sources, by, audit
        self._pace = pace or Pace()
        self._stop = threading.Event()
        self._unanswered: dict[int, tuple[int, float]] = {}
        """By place: how often no server answered, and since when."""

    def stop(self) -> None:
        """Begin no further act; those under way end."""
        self._stop.set()

    def run(self) -> Iterator[Progress]:
        """Act on all that is left and tell the progress after each.

        Raises:
            AuditError, BulkError: nothing can be written down any more, so nothing more is done.
            LoginRefused: the credentials do not hold any more.
            ApiUnavailable, ZooKeeperUnavailable, SessionLost: no answer for minutes.
        """
        endings = self.file.tally()
        if self._repeats:
            endings.pop(Ending.MAYBE_APPLIED, None)
        waiting = deque(self.file.pending(unknown=self._repeats))
        total = len(self.file.order.subjects)
        flying: dict[Future[_Ended], int] = {}
        pool = ThreadPoolExecutor(WIDEST, thread_name_prefix="bulk")
        try:
            yield Progress(total=total, endings=Counter(endings))
            while flying or (waiting and not self._stop.is_set()):
                self._launch(pool, waiting, flying)
                if not flying:
                    self._stop.wait(min(LOOK, self._pace.pause))
                    continue
                for future in wait(flying, LOOK, FIRST_COMPLETED).done:
                    place = flying.pop(future)
                    ended = future.result()
                    if ended.ending is None:
                        waiting.append(place)
                    else:
                        endings[ended.ending] += 1
                    yield self._progress(total, Counter(endings), ended)
                    self._give_up(ended)
        finally:
            # Also where whoever iterates has had enough: what is under way is still written down.
            self._stop.set()
            pool.shutdown(wait=True)
            if not self.file.pending(unknown=self._repeats):
                self.file.remove()
            self.file.close()

    def _launch(
        self, pool: ThreadPoolExecutor, waiting: deque[int], flying: dict[Future[_Ended], int]
    ) -> None:
        while (
            waiting
            and len(flying) < self._pace.width
            and not self._pace.pause
            and not self._stop.is_set()
        ):
            place = waiting.popleft()
            flying[pool.submit(self._one, place)] = place

    def _one(self, place: int) -> _Ended:
        """Act on one subject, from a thread of the pool."""
        subject, started = self.file.order.subjects[place], time.monotonic()
        self.file.begin(place)
        ending: Ending | None
        try:
            outcome = plan_and_apply(
                self._act, subject, self._options, self._sources, by=self._by, audit=self._audit
            )
            ending, error = _ending(outcome), None
        except (ApiUnavailable, ZooKeeperUnavailable, SessionLost, LoginRefused, AuditError) as e:
            ending, error = (Ending.FAILED, None) if self._is_hopeless(place) else (None, e)
            outcome = self._failed(subject, e)
        except EngineError as e:
            ending, error = Ending.FAILED, None
            outcome = self._failed(subject, e)
        self.file.end(place, ending)
        return _Ended(ending, outcome, time.monotonic() - started, error)

    def _is_hopeless(self, place: int) -> bool:
        """Whether this subject alone is the one that no server answers for."""
        times, since = self._unanswered.get(place, (0, time.monotonic()))
        self._unanswered[place] = times + 1, since
        return times + 1 >= TRIES and self._pace.answered_at > since

    def _failed(self, subject: str, error: EngineError) -> Outcome:
        return Outcome(operation=self._act.name, subject=subject, done=False, detail=str(error))

    def _progress(self, total: int, endings: Counter[Ending], ended: _Ended) -> Progress:
        if ended.error is None:
            self._pace.answered(ended.seconds)
            return Progress(
                total=total, endings=endings, outcome=ended.outcome, width=self._pace.width
            )
        wait_for = ended.error.retry_after if isinstance(ended.error, ApiUnavailable) else None
        self._pace.failed(wait_for)
        return Progress(
            total=total,
            endings=endings,
            width=self._pace.width,
            pause=self._pace.pause,
            trouble=str(ended.error),
        )

    def _give_up(self, ended: _Ended) -> None:
        if ended.error is None:
            return
        if isinstance(ended.error, AuditError | LoginRefused) or self._pace.is_spent:
            raise ended.error


@dataclass(frozen=True, slots=True)
class _Ended:
    """What became of one subject."""

    ending: Ending | None
    """None: nothing was changed, and it is to be tried again."""
    outcome: Outcome
    seconds: float
    error: EngineError | None


def _ending(outcome: Outcome) -> Ending:
    if outcome.done:
        return Ending.DONE
    return Ending.MAYBE_APPLIED if outcome.is_unknown else Ending.REFUSED
