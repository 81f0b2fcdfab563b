"""Where thread stacks come from. Now: this process. Other processes answer over ZooKeeper later."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from engine.models import ThreadStack
from engine.service.stacks import capture


@dataclass(frozen=True, slots=True, kw_only=True)
class StackSample:
    """The stacks of one process at one moment."""

    source: str
    """Whose they are, and how they were taken."""
    taken_at: datetime
    stacks: tuple[ThreadStack, ...]


class StackSource(Protocol):
    """Answers with the stacks of a process."""

    def sample(self, now: datetime) -> StackSample:
        """Return the stacks as they are now."""


class LocalSource:
    """The threads of this process, by `sys._current_frames`."""

    def sample(self, now: datetime) -> StackSample:
        """Return the stacks of this process."""
        return StackSample(
            source="this console, taken from inside",
            taken_at=now,
            stacks=capture({}).threads,
        )
