"""What the screens work with: the store of the present profile, the clock, and what is frozen."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime, timedelta, tzinfo

from engine.models import JobRecord, Member, MemberSnapshot
from engine.view.api_feed import PACE
from engine.view.picture import Picture, Sight
from engine.view.store import Store
from nuvla_console.acting import Acting
from nuvla_console.render.scene import Scene

PACES = (0.5, 1.0, 2.5, 5.0, 15.0)
"""Seconds between two requests to the API that nobody waits for."""
ARMED = timedelta(minutes=15)
"""How long acts are allowed."""
_REST_AFTER = 60.0
"""Seconds without a change and without a key."""


class Desk:
    """The present profile, as the screens see it."""

    def __init__(
        self,
        store: Store,
        *,
        profile: str,
        acting: Acting | None = None,
        protected: bool = False,
        profiles: Sequence[str] = (),
        copy: Callable[[str], str] = lambda text: "nowhere",
        clock: Callable[[], datetime] | None = None,
        zone: tzinfo | None = None,
    ) -> None:
        """Args:
        store: started and stopped by the app.
        profile: its name.
        acting: what can be done there; None where nothing can but look.
        protected: whether a mistake here would be dear.
        profiles: the names of all profiles.
        copy: copies a text and says where to.
        clock: for tests; the time of day otherwise.
        zone: for tests; the local zone otherwise.
        """
        self.store = store
        self.generation = 0
        """Grows with each change of the profile."""
        self.profile = profile
        self.acting = acting
        self.bulk = ""
        """How far an act in bulk has come, in words; empty where none is under way."""
        self._armed_until: datetime | None = None
        self.protected = protected
        self.profiles = tuple(profiles)
        self.copy = copy
        self._clock = clock or (lambda: datetime.now(UTC))
        self._zone = zone or datetime.now().astimezone().tzinfo or UTC
        self._frozen: tuple[datetime, Picture] | None = None
        self._pace = PACES.index(PACE)
        self._moved_at = self.now()
        self._seen: tuple[MemberSnapshot | None, Mapping[str, Member]] = (None, {})

    def go_over(
        self, store: Store, acting: Acting | None, *, profile: str, protected: bool
    ) -> None:
        """Work with another profile from now on; it is read-only there until it is armed."""
        self.store, self.profile, self.protected = store, profile, protected
        self.acting, self._armed_until = acting, None
        self.generation += 1
        self._frozen = None

    def arm(self) -> bool:
        """Allow acts for a while, or no more; returns whether they are allowed now."""
        self._armed_until = None if self.is_armed else self.now() + ARMED
        return self.is_armed

    @property
    def is_armed(self) -> bool:
        """Whether acts are allowed."""
        return self._armed_until is not None and self.now() < self._armed_until

    @property
    def armed_for(self) -> timedelta | None:
        """How long acts are still allowed; None where they are not."""
        if self._armed_until is None or not self.is_armed:
            return None
        return self._armed_until - self.now()

    def now(self) -> datetime:
        """Return the time."""
        return self._clock()

    @property
    def picture(self) -> Picture:
        """What is to be drawn: the live picture, or the one that was frozen."""
        return self._frozen[1] if self._frozen else self.store.picture

    @property
    def frozen_since(self) -> datetime | None:
        """When the screen was frozen."""
        return self._frozen[0] if self._frozen else None

    def freeze(self) -> bool:
        """Hold the picture still, or let it go; returns whether it is still now."""
        self._frozen = None if self._frozen else (self.now(), self.store.picture)
        return self._frozen is not None

    def pace(self, step: int) -> float:
        """Ask the API more (-1) or less (1) often; returns the seconds between requests."""
        self._pace = max(0, min(self._pace + step, len(PACES) - 1))
        self.store.set_pace(PACES[self._pace])
        return PACES[self._pace]

    def stir(self) -> bool:
        """Note a change or a key; returns whether everything was at rest before."""
        rested, self._moved_at = self.at_rest, self.now()
        return rested

    @property
    def at_rest(self) -> bool:
        """Whether nothing has changed and nobody has touched a key for a while."""
        return (self.now() - self._moved_at).total_seconds() > _REST_AFTER

    def look(self, sight: Sight) -> None:
        """Say what is in sight."""
        self.store.look(sight)

    def scene(self) -> Scene:
        """Return what rows are drawn against."""
        picture = self.picture
        return Scene(
            now=self.frozen_since or self.now(),
            coarse=self.at_rest,
            zone=self._zone,
            jobs=picture.jobs,
            members=self._members(picture.members),
            entries=picture.queue.entries if picture.queue else (),
            entries_known=_is_known(picture),
        )

    def job(self, job_id: str) -> JobRecord | None:
        """Return a document at hand."""
        return self.picture.jobs.get(job_id)

    def _members(self, snapshot: MemberSnapshot | None) -> Mapping[str, Member]:
        if self._seen[0] is not snapshot or snapshot is None:
            found = {m.instance: m for m in snapshot.members} if snapshot else {}
            self._seen = (snapshot, found)
        return self._seen[1]


def _is_known(picture: Picture) -> bool:
    """Whether the job of every entry of the queue has been read."""
    queue = picture.queue
    return queue is not None and picture.unread == 0 and bool(queue.entries or not queue.depth)
