"""What came back when the operations of a plan were carried out."""

from __future__ import annotations

from dataclasses import dataclass

from engine.models import Ending


@dataclass(frozen=True, slots=True, kw_only=True)
class Carried:
    """The answer of the server, the API or the member."""

    ending: Ending
    detail: str = ""
    made: str = ""
    """The id of a new job, where the answer names one."""
