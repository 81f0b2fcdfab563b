"""What a judge says: a verdict in a sentence, with what settled it."""

from __future__ import annotations

from typing import NamedTuple

from engine.models import Evidence, Verdict


class Ruling(NamedTuple):
    """A verdict, before the facts of the job are added to its evidence."""

    verdict: Verdict
    summary: str
    evidence: tuple[Evidence, ...] = ()
