"""Acts for the tests of their record."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from engine.models import Who

JOB = "job/3d2f7a10-0000-4000-8000-000000000001"
WHO = Who(user="root", host="node1", pid=4121, login="jane")


@dataclass(frozen=True)
class Planned:
    """A plan, as far as its record is concerned."""

    act: str = "cancel"
    subject: str = JOB
    body: Mapping[str, Any] = field(default_factory=dict)

    def to_json(self) -> Mapping[str, Any]:
        """Return it for a record."""
        return {"act": self.act, "subject": self.subject, **self.body}
