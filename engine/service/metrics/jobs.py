"""What an executor counts of its jobs."""

from __future__ import annotations

from datetime import UTC, datetime

from engine.measures import LONG, Histogram, Tally, Timer
from engine.states import JobState

PUT_BACK = "put-back"
NO_ACTION = "none"
"""Stands for the action of a job that was left before its action was found."""


class JobMeasures:
    """Counters of one executor; its threads share them."""

    def __init__(self) -> None:
        self.claimed = Tally()
        self.waits = Histogram(LONG)
        self.ended = Tally()
        self.runs = Timer(LONG)

    def note_claim(self, enqueued_at: datetime) -> None:
        """Count a claim. Args: enqueued_at: by the server's clock, which may be ahead of ours."""
        self.claimed.add()
        self.waits.observe(max(0.0, (datetime.now(UTC) - enqueued_at).total_seconds()))

    def note_end(self, action: str, state: JobState | None, seconds: float) -> None:
        """Count a job that left.

        Args:
            action: the name of a loaded action; "" where there is none.
            state: what it was left in; None where it was put back.
            seconds: since its claim.
        """
        label = action or NO_ACTION
        self.ended.add(label, state.value if state else PUT_BACK)
        self.runs.observe(label, seconds)
