"""Requests, replies and the pause node: strict where they come from, safe where they are drawn."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.models import (
    Command,
    Hold,
    Member,
    MemberKind,
    Pause,
    RemoteControl,
    Reply,
    Request,
)
from engine.models.control import MAX_PATIENCE, PATIENCE, Outcome

NOW = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)
HOSTILE = "\x1b[2J\u202eevil\x00"


def reply(**changes: Any) -> Reply:
    values = {"request_id": "a" * 32, "outcome": Outcome.DONE, "detail": "", "instance": "x"}
    return Reply(**{**values, "answered_at": NOW, **changes})


def raw_request(**changes: Any) -> bytes:
    asked = Request.new(Command.RELEASE, by="ann", now=NOW, job_id="job/1", reason="stuck")
    return json.dumps({**json.loads(asked.to_json()), **changes}).encode()


def test_a_request_comes_back_as_it_was() -> None:
    asked = Request.new(
        Command.INTERRUPT, by="ann", now=NOW, job_id="job/1", reason="hangs", patience=2.5
    )
    assert Request.from_json(asked.to_json()) == asked
    assert (asked.reason, asked.patience, asked.entry) == ("hangs", 2.5, None)
    other = Request.new(Command.PING, by="ann", now=NOW)
    assert other.id != asked.id
    assert len(other.id) == 32


def test_a_request_about_a_job_names_one() -> None:
    with pytest.raises(ValueError, match="release"):
        Request.new(Command.RELEASE, by="ann", now=NOW)
    with pytest.raises(ValueError, match="release"):
        Request.from_json(raw_request(job_id=None))


@pytest.mark.parametrize(
    "changes",
    [
        {"command": "explode"},
        {"command": 5},
        {"by": None},
        {"asked_at": "yesterday"},
        {"id": "A" * 32},
        {"id": "a" * 31},
        {"job_id": 5},
        {"options": []},
        {"options": {"reason": ["a"]}},
        {"options": {"reason": None}},
        {"options": {"patience": 10**30}},
        {"options": {str(number): 1 for number in range(17)}},
    ],
)
def test_what_is_no_request_is_refused(changes: dict[str, Any]) -> None:
    with pytest.raises(ValueError):
        Request.from_json(raw_request(**changes))


@pytest.mark.parametrize("data", [b"NaN", b"[]", b"5", b"", b"\xff", b"[" * 100_000])
def test_what_is_no_object_is_neither_request_nor_reply(data: bytes) -> None:
    for read in (Request.from_json, Reply.from_json):
        with pytest.raises(ValueError):
            read(data)


@pytest.mark.parametrize(
    ("patience", "taken"),
    [(5, 5.0), (-1, 0.0), (10**9, MAX_PATIENCE), ("long", PATIENCE), (True, PATIENCE)],
)
def test_patience_stays_within_bounds(patience: Any, taken: float) -> None:
    asked = Request.from_json(raw_request(options={"patience": patience}))
    assert asked.patience == taken


@pytest.mark.parametrize("text", ["NaN", "Infinity", "-Infinity"])
def test_a_number_that_is_none_is_refused(text: str) -> None:
    with pytest.raises(ValueError):
        Request.from_json(raw_request(options={"patience": float(text.lower())}))


def test_texts_of_strangers_are_safe_to_draw() -> None:
    asked = Request.from_json(
        raw_request(by=HOSTILE, job_id=HOSTILE, options={"reason": HOSTILE, HOSTILE: 1})
    )
    answered = Reply.from_json(reply(detail=HOSTILE, instance=HOSTILE).to_json())
    for text in (asked.by, asked.job_id, asked.reason, *asked.options, answered.detail):
        assert text is not None
        assert text.isprintable()
    assert answered.instance.isprintable()


@given(st.dictionaries(st.text(max_size=12), st.none() | st.integers() | st.text(max_size=20)))
def test_any_object_is_read_or_refused(raw: dict[str, Any]) -> None:
    for read in (Request.from_json, Reply.from_json):
        with pytest.raises(ValueError):
            read(json.dumps(raw).encode())


def test_what_a_setting_allows() -> None:
    allowed = {
        setting: {command for command in Command if setting.allows(command)}
        for setting in RemoteControl
    }
    assert allowed[RemoteControl.ALL] == set(Command)
    assert allowed[RemoteControl.READ_ONLY] == {Command.PING, Command.STACKS}
    assert allowed[RemoteControl.NONE] == set()


def test_the_pause_node_says_who_when_and_why() -> None:
    pause = Pause(by="ann", at=NOW, reason="upgrade")
    assert Pause.from_node(pause.to_node()) == pause
    assert pause.describe() == "upgrade, by ann, since 2026-01-02T03:04:05.000Z"


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (b"", "no reason is given"),
        (None, "no reason is given"),
        (b"by ann: upgrade", "by ann: upgrade"),
        (b'{"reason": 5}', '{"reason": 5}'),
        (b'{"by": "", "at": "never", "reason": ""}', "no reason is given"),
        (b"\x1b[2J\xff", "\u241b[2J\\xff"),
    ],
)
def test_a_pause_node_that_was_made_by_hand_pauses_too(data: bytes | None, words: str) -> None:
    assert Pause.from_node(data).describe() == words


def test_a_member_tells_why_it_claims_nothing_and_what_can_be_asked_of_it() -> None:
    member = Member(
        instance="exec-1-x",
        kind=MemberKind.EXECUTOR,
        name="exec-1",
        host="node",
        pid=7,
        version="1",
        started=NOW,
        holds=(Hold(reason="draining", since=NOW),),
        remote_control=RemoteControl.READ_ONLY,
    )
    read = Member.from_node("exec-1-x", member.to_node(), session=0)
    assert read is not None
    assert (read.holds, read.remote_control) == (member.holds, member.remote_control)


def test_a_member_that_does_not_say_so_answers_nothing() -> None:
    member = Member(
        instance="x", kind=MemberKind.EXECUTOR, name="x", host="h", pid=1, version="1", started=NOW
    )
    raw = json.loads(member.to_node())
    del raw["remote_control"], raw["holds"]
    read = Member.from_node("x", json.dumps(raw).encode(), session=0)
    assert read is not None
    assert (read.remote_control, read.holds) == (RemoteControl.NONE, ())
