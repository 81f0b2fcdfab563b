"""What the documents tell of the past, counted by the API: no document is read for it."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

from engine.models import Pace, RunTimes
from engine.nuvla import filters
from engine.nuvla.client import NuvlaClient
from engine.states import JobState
from engine.view.diagnosis import limits
from engine.zookeeper import paths

PACE_SECONDS = 300
"""Long enough for a rate, short enough to be of now."""
_PAST = "created>='now-30d'"


def read_run_times(client: NuvlaClient, action: str) -> RunTimes | None:
    """Return how long the action's jobs ran that ended well within thirty days; None where there
    are none, or where its name cannot be asked for.

    Raises:
        ApiError: the API could not be asked.
    """
    try:
        of_action = filters.equals("action", action)
    except ValueError:
        return None
    ended = filters.equals("state", JobState.SUCCESS)
    page = client.search_jobs(
        filter=filters.all_of(of_action, ended, _PAST), last=0, aggregation="stats:duration"
    )
    found = page.aggregations.get("stats:duration")
    if not isinstance(found, dict) or not found.get("count"):
        return None
    count, average, longest = (_number(found.get(key)) for key in ("count", "avg", "max"))
    return RunTimes(count=int(count), average=average, longest=longest)


def read_pace(client: NuvlaClient, *, priority: int | None = None) -> Pace:
    """Return what the queue did lately.

    Args:
        client: the API.
        priority: also tell what overtook jobs of this priority, as far as it can matter.

    Raises:
        ApiError: the API could not be asked.
    """
    window = PACE_SECONDS if priority is None else int(limits.STARVED)
    started = f"started>='now-{window}s'"
    page = client.search_jobs(filter=started, last=0, aggregation="value_count:id,max:started")
    pace = Pace(
        window=window,
        started=int(_value(page.aggregations, "value_count:id")),
        last_started=_moment(page.aggregations.get("max:started")),
    )
    if priority is None or not pace.started:
        return pace
    own = f"{paths.ENTRIES}/entry-{priority:03d}-"
    others = _count(client, f"{started} and tags>='{own}'")
    if others:
        # Its priority has its turn: what else comes and goes is not worth the question.
        return replace(pace, others_started=others)
    better = f"tags>='{paths.ENTRIES}/entry-' and tags<'{own}'"
    return replace(
        pace,
        others_started=others,
        better_started=_count(client, f"{started} and {better}"),
        better_arrived=_count(client, f"created>='now-{window}s' and {better}"),
    )


def _count(client: NuvlaClient, filter: str) -> int:
    page = client.search_jobs(filter=filter, last=0, aggregation="value_count:id")
    return int(_value(page.aggregations, "value_count:id"))


def _value(found: Any, key: str) -> float:
    inner = found.get(key)
    return _number(inner.get("value")) if isinstance(inner, dict) else 0.0


def _moment(found: object) -> datetime | None:
    """Return a date as aggregations give it: milliseconds since the epoch."""
    value = found.get("value") if isinstance(found, dict) else None
    if not isinstance(value, (int, float)) or value <= 0:
        return None
    return datetime.fromtimestamp(value / 1000, UTC)


def _number(value: object) -> float:
    return float(value) if isinstance(value, (int, float)) else 0.0
