"""The thread that speaks to ZooKeeper for the queue: it claims, settles, lists and sweeps.

Whatever waits when a flight of requests is made up goes with it: claims for all idle workers, and
all finished claims, in one transaction each as long as nobody else competes.

One cure serves every doubt (a lost answer, a release, an entry deleted by hand, a revived session):
the sweep, which asks for the locks of this session and frees those that belong to no claim.
"""

from __future__ import annotations

import logging
import threading
import time
from collections import deque
from collections.abc import Callable, Iterable, Sequence

from engine.errors import AccessDenied, SessionLost, ZooKeeperError, ZooKeeperUnavailable
from engine.text import clean
from engine.zookeeper import paths
from engine.zookeeper.backlog import Backlog
from engine.zookeeper.claiming import Attempt, Claiming, Landing
from engine.zookeeper.claims import Claim, Reclaim, Seeker, Settled, Settlement, StraySearch
from engine.zookeeper.connection import ZooKeeper
from engine.zookeeper.guarding import Guarding
from engine.zookeeper.inbox import Inbox, Item
from engine.zookeeper.listing import Listed, Listing
from engine.zookeeper.patience import Patience
from engine.zookeeper.settling import Settling
from engine.zookeeper.sweeping import sweep

log = logging.getLogger(__name__)

SWEEP_EVERY = 60.0
_IDLE_NAP = 60.0
_RECLAIM_EVERY = 0.2


class Keeper:
    """Keeps what a process knows of the queue; only its own thread touches that."""

    def __init__(
        self, zk: ZooKeeper, *, instance: str, on_lost: Callable[[Claim], None] | None
    ) -> None:
        """Args: as `JobQueue`."""
        self._zk = zk
        self._on_lost = on_lost
        self.held: dict[str, Claim] = {}
        """By the entry's name, what workers have."""
        self._backlog = Backlog()
        self._listing = Listing(zk, self._backlog, self.held, self.poke)
        self._claiming = Claiming(zk, instance)
        self._settling = Settling()
        self._guarding = Guarding(zk, self.held, self.poke)
        self._patience = Patience()
        self._inbox = Inbox()
        self._thread = threading.Thread(target=self._run, name="job-queue", daemon=True)
        self._seekers: deque[Seeker] = deque()
        self._lost: dict[str, Claim] = {}
        self._releases: list[Settlement] = []
        self._reclaims: list[Reclaim] = []
        self._searches: list[StraySearch] = []
        self._epoch = zk.epoch
        self._sweep_wanted = False
        self._swept_at = time.monotonic()
        self.is_stopping = False
        self.pauses: dict[str, None] = {}
        """Why nothing is claimed now, in the order in which it was said."""
        self.unusable = 0
        """Entries without a job id that were removed."""
        self.turned_at = time.monotonic()
        """When the thread looked around last: it naps for a minute at most."""

    def start(self) -> None:
        """Start the thread."""
        self._inbox.open()
        self._zk.add_listener(self.poke)
        self._thread.start()

    def join(self, timeout: float) -> bool:
        """Wait for the end of the thread, for some seconds at most; whether it has ended."""
        if self._thread.is_alive():
            self._thread.join(timeout)
        return not self._thread.is_alive()

    def post(self, item: Item) -> bool:
        """Ask for something; False where the thread does not run, and so will never answer."""
        return self._inbox.post(item)

    def poke(self) -> None:
        """Have the thread look around: something changed."""
        self._inbox.poke()

    def _run(self) -> None:
        while not self._is_done():
            self.turned_at = time.monotonic()
            for item in self._inbox.receive(self._nap(time.monotonic())):
                self._accept(item)
            try:
                self._round(time.monotonic())
                self._patience.succeeded()
            except ZooKeeperError as error:
                self._back_off(error)
            except Exception:
                # Workers wait for this thread: it outlives its own faults.
                log.exception("the job queue's thread failed, and goes on")
                self._back_off(None)
            self._answer_expired(time.monotonic())
        self._end()

    def _is_done(self) -> bool:
        busy = self.held or self._releases or self._reclaims or self._settling.waiting
        return self.is_stopping and not busy and not self._inbox

    def _end(self) -> None:
        self._zk.remove_listener(self.poke)
        self._inbox.close()
        while self._seekers:
            self._seekers.popleft().answer(None)
        for search in self._searches:
            search.answer(None)

    def _accept(self, item: Item) -> None:
        if isinstance(item, Seeker):
            self._seekers.append(item)
        elif isinstance(item, Reclaim):
            self._reclaims.append(item)
        elif isinstance(item, StraySearch):
            self._searches.append(item)
            self._sweep_wanted = True
        else:
            self._accept_settlement(item)

    def _accept_settlement(self, item: Settlement) -> None:
        claim = item.claim
        if self.held.get(claim.entry) is not claim:
            self._forget_lost(claim)
            item.answer(Settled.LOST)
        elif item.is_release or claim.is_entry_gone:
            self._release(item)
        else:
            self._settling.waiting.append(item)

    def _forget_lost(self, claim: Claim) -> None:
        """The worker of a lost claim is done with it: its entry may be claimed here again."""
        if self._lost.get(claim.entry) is claim:
            del self._lost[claim.entry]
            self._listing.expire()

    def _release(self, item: Settlement) -> None:
        self.held.pop(item.claim.entry, None)
        self._backlog.cool(item.claim.entry, item.cooldown, now=time.monotonic())
        self._releases.append(item)
        self._sweep_wanted = True

    def _nap(self, now: float) -> float:
        """Return the seconds until something is due without being asked for."""
        asking: list[Seeker | Reclaim] = [*self._seekers, *self._reclaims]
        due = [now + _IDLE_NAP, *(each.deadline for each in asking)]
        if self._zk.is_connected:
            at = max(now, self._patience.not_before)
            due += [max(at, reclaim.next_try) for reclaim in self._reclaims]
            due.append(max(at, self._swept_at + SWEEP_EVERY))
            due.append(max(at, self._guarding.due_at()))
            if self._settling.waiting or self._sweep_wanted:
                due.append(at)
            if self._may_claim():
                claim_at = max(at, self._patience.claim_not_before)
                due.append(
                    claim_at if len(self._backlog) else max(claim_at, self._listing.due_at())
                )
        return max(0.0, min(due) - now)

    def _may_claim(self) -> bool:
        return bool(self._seekers) and not self.pauses and not self.is_stopping

    def _round(self, now: float) -> None:
        if self._zk.epoch != self._epoch:
            self._begin_epoch()
        if not self._zk.is_connected or now < self._patience.not_before:
            return
        if now >= self._guarding.due_at():
            self._guard()
        if self._sweep_wanted or now - self._swept_at >= SWEEP_EVERY:
            self._sweep()
        if self._may_claim() and now >= max(
            self._listing.due_at(), self._patience.claim_not_before
        ):
            self._list()
        self._fly(now)
        self._try_reclaims()

    def _begin_epoch(self) -> None:
        """The session was lost: so are all claims of it, and all that waits for them."""
        self._epoch = self._zk.epoch
        settling = {item.claim.entry for item in self._settling.waiting}
        for item in (*self._settling.waiting, *self._releases):
            item.answer(Settled.LOST)
        self._settling.waiting, self._releases = [], []
        lost = [claim for name, claim in self.held.items() if name not in settling]
        self.held.clear()
        self._lose(lost)
        self._sweep_wanted = True
        self._listing.expire()
        self._patience.begin_again()

    def _lose(self, claims: Iterable[Claim]) -> None:
        for claim in claims:
            self.held.pop(claim.entry, None)
            # Not claimed again by this process while its worker still runs the job.
            self._lost[claim.entry] = claim
            log.warning("the claim on %s (%s) is lost", claim.job_id, clean(claim.entry))
            if self._on_lost is not None:
                try:
                    self._on_lost(claim)
                except Exception:
                    log.exception("the callback for lost claims failed")

    def _fly(self, now: float) -> None:
        has_failed = False
        consumption = self._settling.attempt()
        seekers, attempt = self._next_attempt(now)
        requests = [] if consumption is None else list(consumption.requests)
        split = len(requests)
        if attempt is not None:
            requests += attempt.requests
        if not requests:
            return
        try:
            answers = self._zk.exchange(requests, epoch=self._epoch)
        except (ZooKeeperUnavailable, SessionLost):
            self._undo(seekers, [] if attempt is None else attempt.claims)
            raise
        if consumption is not None:
            settled = consumption.land(answers[:split])
            self._settling.learn(consumption, settled)
            for item, outcome in settled.items():
                self._finish(item, outcome)
            has_failed = not settled and not consumption.together
        if attempt is not None:
            landing = attempt.land(answers[split:])
            self._claiming.learn(attempt, landing)
            self._hand_out(attempt, landing, seekers)
        if has_failed or any(isinstance(answer, Exception) for answer in answers):
            raise ZooKeeperUnavailable("requests for the queue have failed")

    def _next_attempt(self, now: float) -> tuple[list[Seeker], Attempt | None]:
        if not self._may_claim() or now < self._patience.claim_not_before:
            return [], None
        names = self._backlog.take(self._claiming.room(len(self._seekers)))
        if not names:
            return [], None
        seekers = [self._seekers.popleft() for _ in names]
        workers = [seeker.worker for seeker in seekers]
        return seekers, self._claiming.attempt(self._epoch, names, workers)

    def _undo(self, seekers: Sequence[Seeker], claims: Sequence[Claim]) -> None:
        self._seekers.extendleft(reversed(seekers))
        self._backlog.put_back(claim.entry for claim in claims)

    def _finish(self, item: Settlement, outcome: Settled) -> None:
        name = item.claim.entry
        self.held.pop(name, None)
        if outcome is Settled.REFUSED:
            self._backlog.quarantine(name)
        if outcome in (Settled.GONE, Settled.REFUSED):
            self._sweep_wanted = True
        item.answer(outcome)

    def _hand_out(self, attempt: Attempt, landing: Landing, seekers: Sequence[Seeker]) -> None:
        waiting = {
            claim.token: seeker for claim, seeker in zip(attempt.claims, seekers, strict=True)
        }
        for claim in landing.claims:
            self.held[claim.entry] = claim
            if self._may_hand_out():
                waiting.pop(claim.token).answer(claim)
            else:
                self._release(Settlement(claim))
        self._seekers.extendleft(reversed(list(waiting.values())))
        self._consume_unusable(landing.unusable)
        self._backlog.put_back(landing.again)
        if landing.beaten or landing.gone:
            self._backlog.conflict(len(landing.beaten) + len(landing.gone))
        self._mend(landing)

    def _may_hand_out(self) -> bool:
        return not self.is_stopping and not self.pauses

    def _consume_unusable(self, claims: Sequence[Claim]) -> None:
        self.unusable += len(claims)
        for claim in claims:
            self.held[claim.entry] = claim
            self._settling.waiting.append(Settlement(claim))

    def _mend(self, landing: Landing) -> None:
        if landing.is_doubtful:
            self._sweep_wanted = True
        if landing.is_taken_missing:
            self._zk.ensure(paths.TAKEN)
        if landing.is_denied:
            self._patience.denied("locks cannot be made below /job/taken, or entries not be read")
        elif landing.claims:
            self._patience.claimed()

    def _try_reclaims(self) -> None:
        now = time.monotonic()
        for request in [each for each in self._reclaims if each.next_try <= now]:
            name, worker = request.claim.entry, request.claim.worker
            attempt = Attempt(
                self._zk, self._epoch, self._claiming.instance, [name], [worker], together=False
            )
            landing = attempt.land(self._zk.exchange(attempt.requests, epoch=self._epoch))
            self._conclude(request, landing)
            self._mend(landing)

    def _conclude(self, request: Reclaim, landing: Landing) -> None:
        old = request.claim
        for claim in (*landing.claims, *landing.unusable):
            self.held[claim.entry] = claim
            if claim.czxid != old.czxid or claim in landing.unusable:
                self._release(Settlement(claim))
                self._drop_reclaim(request, None)
            else:
                self._drop_reclaim(request, claim)
        if landing.gone:
            self._drop_reclaim(request, None)
        request.next_try = time.monotonic() + _RECLAIM_EVERY

    def _drop_reclaim(self, request: Reclaim, claim: Claim | None) -> None:
        if request in self._reclaims:
            self._reclaims.remove(request)
            self._forget_lost(request.claim)
            request.answer(claim)

    def _sweep(self) -> None:
        releases = list(self._releases)
        searches = list(self._searches)
        swept = sweep(self._zk, self._epoch, self.held.keys())
        self._releases = [item for item in self._releases if item not in releases]
        self._sweep_wanted = False
        self._swept_at = time.monotonic()
        if swept.is_denied:
            self._patience.denied("locks of ours cannot be deleted")
        freed = swept.freed - {item.claim.entry for item in releases}
        for search in searches:
            self._searches.remove(search)
            search.answer(freed)
        for item in releases:
            was_ours = item.claim.entry in swept.freed
            if item.claim.is_entry_gone:
                item.answer(Settled.GONE)
            else:
                item.answer(Settled.RELEASED if was_ours else Settled.LOST)

    def _list(self) -> None:
        try:
            listed = self._listing.read(self._epoch)
        except AccessDenied as error:
            self._patience.denied(str(error))
            return
        if listed is None:
            return
        self._compare(listed)
        if listed.entries is None:
            return
        busy = {item.claim.entry for item in self._releases}
        self._backlog.refill(
            listed.entries,
            listed.taken,
            {*self.held, *self._lost, *busy},
            now=time.monotonic(),
            rivals=max(0, len(listed.taken) - len(self.held)),
            wanted=len(self._seekers),
        )

    def _compare(self, listed: Listed) -> None:
        """Notice claims whose lock or entry somebody deleted while the session lives."""
        if listed.is_new_queue:
            for claim in self.held.values():
                claim.is_entry_gone = True
        self._revoke([self.held[name] for name in self.held.keys() - set(listed.taken)])

    def _guard(self) -> None:
        self._revoke(self._guarding.look(self._epoch))
        for item in [each for each in self._settling.waiting if each.claim.is_entry_gone]:
            if not item.unsure:  # else it may have gone by our own hand: the next try tells
                self._settling.waiting.remove(item)
                self._release(item)

    def _revoke(self, claims: Iterable[Claim]) -> None:
        """Somebody took the locks of these away: whoever has them now may already work."""
        waiting = {item.claim.entry: item for item in self._settling.waiting}
        for claim in claims:
            item = waiting.get(claim.entry)
            if item is not None and item.unsure:
                continue  # the lock may have gone by our own hand: the next try tells
            claim.is_revoked = True
            if item is None:
                self._lose([claim])
            else:
                self._settling.waiting.remove(item)
                self.held.pop(claim.entry, None)
                item.answer(Settled.LOST)

    def _answer_expired(self, now: float) -> None:
        kept = [s for s in self._seekers if s.deadline > now and not self.is_stopping]
        if len(kept) < len(self._seekers):
            for seeker in self._seekers:
                if seeker.deadline <= now or self.is_stopping:
                    seeker.answer(None)
            self._seekers = deque(kept)
        for request in [each for each in self._reclaims if each.deadline <= now]:
            self._drop_reclaim(request, None)

    def _back_off(self, error: Exception | None) -> None:
        delay = self._patience.failed()
        if error is not None and not self._zk.is_connected:
            log.debug("the job queue waits for ZooKeeper: %s", error)
        elif error is not None:
            log.warning("the job queue tries again in %.1f s: %s", delay, error)
