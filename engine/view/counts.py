"""Reads the API's aggregations: an answer that follows no contract counts as none."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from engine.models import JobPage
from engine.states import JobState
from engine.text import clean


def by_state(page: JobPage) -> dict[JobState, int]:
    """Return the jobs of `terms:state`."""
    known = set(JobState)
    return {JobState(name): count for name, count in _buckets(page, "state") if name in known}


def by_action(page: JobPage) -> tuple[tuple[str, int], ...]:
    """Return the jobs of `terms:action`, most first; the API names ten at most."""
    return tuple(_buckets(page, "action"))


def of_other_actions(page: JobPage) -> int:
    """Return the jobs of the actions that `terms:action` does not name."""
    answer: Any = page.aggregations.get("terms:action")
    count = answer.get("sum_other_doc_count") if isinstance(answer, Mapping) else 0
    return count if isinstance(count, int) else 0


def _buckets(page: JobPage, attribute: str) -> list[tuple[str, int]]:
    answer: Any = page.aggregations.get(f"terms:{attribute}")
    buckets = answer.get("buckets") if isinstance(answer, Mapping) else None
    found = []
    for bucket in buckets if isinstance(buckets, list) else ():
        if isinstance(bucket, Mapping) and isinstance(bucket.get("doc_count"), int):
            found.append((clean(str(bucket.get("key")), limit=256), bucket["doc_count"]))
    return found
