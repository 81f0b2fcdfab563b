"""Presence nodes and lock notes: what we write we can read, and nobody's garbage breaks us."""

from __future__ import annotations

import json
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.models import Distribution, LockNote, Member, MemberKind, RunningJob

NOW = datetime(2026, 11, 23, 17, 52, 6, 47000, tzinfo=UTC)
MEMBER = Member(
    instance="exec-a@node1:4121-1f2e",
    kind=MemberKind.EXECUTOR,
    name="exec-a",
    host="node1",
    pid=4121,
    version="0.1.0",
    started=NOW,
    threads=8,
    offers=("cleanup_jobs", "dummy_test_action"),
    jobs=(RunningJob(job_id="job/1", entry="entry-999-1", action="x", thread="w1", since=NOW),),
    broken=("x.py: SyntaxError",),
    updated=NOW,
    session=77,
)


def test_a_member_reads_back_as_it_was_written() -> None:
    assert Member.from_node(MEMBER.instance, MEMBER.to_node(), session=77) == MEMBER


def test_a_hostile_name_is_made_visible() -> None:
    data = MEMBER.to_node().replace(b"node1", b"\\u001b[2J")

    member = Member.from_node(MEMBER.instance, data, session=1)

    assert member is not None
    assert member.host == "␛[2J"


@given(st.binary(max_size=64) | st.just(b'{"kind": "executor"}') | st.just(b"[" * 50_000))
def test_a_node_that_holds_no_member_reads_as_none(data: bytes) -> None:
    assert Member.from_node("x", data, session=1) is None


@pytest.mark.parametrize(
    "garbage",
    [
        {"pid": float("inf")},
        {"pid": float("nan")},
        {"kind": []},
        {"started": "0001-01-01T00:00:00+10:00"},
        {"jobs": "abc"},
        {"offers": 3},
    ],
)
def test_garbage_in_a_field_is_no_member_and_never_a_crash(garbage: dict[str, object]) -> None:
    data = json.dumps({**json.loads(MEMBER.to_node()), **garbage}).encode()

    assert Member.from_node("x", data, session=1) is None


@pytest.mark.parametrize("interval", ["1e308", "Infinity", "NaN", "-1", "[]"])
def test_a_distribution_that_is_never_due_reads_as_none(interval: str) -> None:
    data = f'{{"last": "2026-01-01T00:00:00Z", "interval": {interval}, "by": "x", "jobs": 1}}'

    assert Distribution.from_node(data.encode()) is None


def test_a_lock_note_reads_back_and_a_foreign_lock_has_none() -> None:
    note = LockNote(instance="exec-a@node1", thread="worker-3", claim="ab12")

    assert LockNote.from_node(note.to_node()) == note
    assert LockNote.from_node(b"0123456789abcdef0123456789abcdef") is None
    assert LockNote.from_node(b'{"instance": 3}') is None
    assert LockNote.from_node(b'{"instance": ["a"], "thread": "b", "claim": "c"}') is None
    assert LockNote.from_node(None) is None
