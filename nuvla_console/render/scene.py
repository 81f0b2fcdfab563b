"""What a row is drawn against: the moment, and the facts that rows are joined with."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, tzinfo

from engine.models import JobRecord, Member, QueueEntry
from nuvla_console.render import values
from nuvla_console.render.cells import Cell, Tone


@dataclass(frozen=True, slots=True, kw_only=True)
class Scene:
    """The moment and the facts that rows are joined with."""

    now: datetime
    coarse: bool = False
    """At rest: ages leave their seconds out."""
    zone: tzinfo = UTC
    jobs: Mapping[str, JobRecord | None] = field(default_factory=dict)
    """The documents at hand, by id; None for a job that the API does not have."""
    members: Mapping[str, Member] = field(default_factory=dict)
    """The processes of ours, by instance."""
    entries: Sequence[QueueEntry] = ()
    """The queue, in the order in which it will run."""
    entries_known: bool = False
    """Whether the job of every entry is known: before that, a job without entry says nothing."""

    def age(self, when: datetime | None) -> Cell:
        """Return the time since a moment."""
        if when is None:
            return values.UNKNOWN
        return Cell(values.age((self.now - when).total_seconds(), coarse=self.coarse))

    def clock(self, when: datetime | None) -> Cell:
        """Return a moment in local time."""
        if when is None:
            return values.UNKNOWN
        return Cell(values.clock(when, self.zone, self.now), Tone.DIM)
