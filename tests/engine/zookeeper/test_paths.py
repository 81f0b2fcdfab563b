"""Names of entries and contenders, at their edges."""

from __future__ import annotations

import pytest

from engine.zookeeper import paths


@pytest.mark.parametrize(
    ("name", "priority", "sequence"),
    [
        ("entry-999-0000000005", 999, 5),
        ("entry-010-2147483647", 10, 2147483647),
        ("entry-999--000000005", 999, -5),
        ("entry-000--2147483648", 0, -2147483648),
    ],
)
def test_an_entry_tells_its_priority_and_its_sequence_past_the_overflow_too(
    name: str, priority: int, sequence: int
) -> None:
    assert paths.is_entry_name(name)
    assert (paths.entry_priority(name), paths.entry_sequence(name)) == (priority, sequence)


@pytest.mark.parametrize(
    "name",
    [
        "aaa",
        "entry-1",
        "entry-9999-0000000001",
        "entry-999-1",
        "zzz",
        "entry-999-\u0660\u0660\u0660\u0660\u0660\u0660\u0660\u0660\u0660\u0661",
    ],
)
def test_a_name_that_the_recipe_does_not_make_is_foreign(name: str) -> None:
    assert not paths.is_entry_name(name)
    assert not paths.are_entry_names(["entry-999-0000000001", name])


def test_many_names_of_the_usual_length_are_told_at_once() -> None:
    names = ["entry-999-0000000001", "entry-010-2147483647"]
    assert paths.are_entry_names(names)
    assert paths.are_entry_names([])
    for other in ("entry-999--000000005", "entry-99x-0000000001", "entry_999-0000000001"):
        assert not paths.are_entry_names([*names, other])
    assert not paths.are_entry_names(["entry-999-000000000", "entry-999-00000000011"])


@pytest.mark.parametrize(
    "data",
    [
        b"",
        None,
        b"\xff\xfe",
        b"job/../user/x",
        b"job/x?y",
        b"http://evil/",
        b"job/",
        b"job/a\n",
        b"job/" + b"a" * 300,
        "job/é".encode(),
    ],
)
def test_data_that_is_no_job_id_is_none(data: bytes | None) -> None:
    assert paths.parse_job_id(data) is None


def test_contenders_are_known_by_the_end_of_their_name_as_kazoo_knows_them() -> None:
    assert paths.contender_sequence("0" * 32 + "__lock__0000000012") == 12
    assert paths.contender_sequence("by-hand__lock__0000000001") == 1
    assert paths.contender_sequence("0" * 32 + "__rlock__0000000001") is None
    assert paths.contender_sequence("config") is None
