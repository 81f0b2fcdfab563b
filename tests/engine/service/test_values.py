"""Values as the job schema takes them."""

from __future__ import annotations

import json

import pytest

from engine.service import values


@pytest.mark.parametrize(
    ("code", "stored"), [(0, 0), (7, 7), (-9, 137), (-999, 255), (2**70, 2**31 - 1)]
)
def test_a_return_code_is_one_that_the_schema_takes(code: int, stored: int) -> None:
    assert values.return_code(code) == stored


def test_a_return_code_that_is_no_integer_is_a_type_error() -> None:
    with pytest.raises(TypeError, match="not a str"):
        values.return_code("1")


@pytest.mark.parametrize(("given", "stored"), [(-1, 0), (0, 0), (99.9, 99), (100, 100), (250, 100)])
def test_progress_stays_within_0_and_100(given: float, stored: int) -> None:
    assert values.progress(given) == stored


def test_a_huge_status_message_is_cut_as_the_server_cuts_it() -> None:
    text = values.status_text("a" * 6_000_000 + "b" * 6_000_000)
    assert text == "a" * 50_000 + "\n...\n" + "b" * 50_000
    assert values.status_text(text)[:50_000] == "a" * 50_000


def test_a_status_message_of_escapes_stays_within_the_limit() -> None:
    assert len(values.status_text("\x00\ud800" * 100_000)) <= values.STATUS_LIMIT + 5


def test_a_hostile_status_message_can_be_stored() -> None:
    text = values.status_text("nul \x00 surrogate \ud800\n\x1b[31m\x9b\tend")
    kept = "nul \\x00 surrogate \\ud800\n\\x1b[31m\\x9b\tend"
    assert json.loads(json.dumps(text).encode()) == kept
    text.encode("utf-8")


def test_a_status_message_of_another_type_is_written_out() -> None:
    assert values.status_text({"a": 1}) == "{'a': 1}"
    assert values.status_text(None) == ""


def test_an_unknown_state_is_a_value_error() -> None:
    with pytest.raises(ValueError, match="STOPPED"):
        values.state("STOPPED")


def test_a_traceback_that_cannot_be_written_does_not_hide_the_error() -> None:
    class Hostile(Exception):
        def __str__(self) -> str:
            raise RuntimeError("no text")

    assert values.traceback_text(Hostile()).startswith("Hostile: ")
