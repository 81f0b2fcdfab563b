"""What whoever watches the queue notices: jobs that flap, and priorities that starve."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from engine.models.dossier import Flaps


@dataclass(frozen=True, slots=True, kw_only=True)
class Flapping:
    """An entry that is taken and released again and again."""

    entry: str
    job_id: str | None
    """None where its data is no job id, or has not been read."""
    flaps: Flaps


@dataclass(frozen=True, slots=True, kw_only=True)
class Starving:
    """A priority whose first free entry has kept its place, while better entries came and went."""

    priority: int
    entry: str
    since: datetime
    overtaken: int
    """Entries of better priorities that went meanwhile."""
    waiting: int
    """Entries of the priority."""
