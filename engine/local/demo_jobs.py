"""Demo jobs: quick, slow and failing ones in a mix, and one that hangs."""

from __future__ import annotations

import random

from engine.models import JobRequest

KINDS = {"demo_quick": 70, "demo_slow": 20, "demo_failing": 10}
"""Actions and how often each comes, of a hundred."""
URGENT = 10
"""Priority of the few jobs that overtake the others."""


def random_job() -> JobRequest:
    """Return a job of the mix."""
    action = random.choices(list(KINDS), weights=list(KINDS.values()))[0]
    priority = URGENT if random.random() < 0.05 else None
    return JobRequest(action=action, target=_some_target(), priority=priority)


def hanging_job() -> JobRequest:
    """Return a job that never ends by itself."""
    return JobRequest(action="demo_hanging", target=_some_target())


def _some_target() -> str:
    return f"deployment/demo-{random.randrange(1, 40)}"
