"""The closed schema of a job (contract, section 3.1), one wrong value at a time."""

from __future__ import annotations

import contextlib
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.local.api import attributes, instants, schema
from engine.local.api.caller import INTERNAL
from engine.local.api.faults import Fault
from engine.local.api.jobs import Document, cut_message, edited, new_job

NOW = 1_800_000_000_000


def made(**body: Any) -> Document:
    sent = {key.replace("_", "-"): value for key, value in body.items()}
    return new_job({"action": "x", **sent}, job_id="job/a-1", caller=INTERNAL, now=NOW)


ACCEPTED: list[tuple[str, Any]] = [
    ("progress", 0),
    ("progress", 100),
    ("priority", 0),
    ("priority", 999),
    ("version", 0),
    ("return_code", 0),
    ("execution_mode", "mixed"),
    ("target_resource", {"href": "job"}),
    ("target_resource", {"href": "deployment/A_b-1", "more": {"deep": [1, True, None]}}),
    ("affected_resources", [{"href": "a/1"}, {"href": "a/2"}]),
    ("parent_job", "job/abc-1"),
    ("nested_jobs", []),
    ("nested_jobs", ["job/a", "job/b"]),
    ("payload", "{}"),
    ("expiry", "2026-11-23T10+02:00"),
    ("expiry", "2026-11-23T10:00:00.1Z"),
    ("name", ""),
    ("acl", {"owners": ["user/jane"], "manage": [], "delete": ["group/a"]}),
]

REFUSED: list[tuple[str, Any]] = [
    ("action", ""),
    ("action", "  "),
    ("action", 1),
    ("name", None),
    ("description", 3),
    ("progress", -1),
    ("progress", 101),
    ("progress", 1.5),
    ("progress", "50"),
    ("progress", True),
    ("priority", 1000),
    ("priority", None),
    ("priority", "10"),
    ("version", -1),
    ("return_code", -1),
    ("execution_mode", None),
    ("execution_mode", "pushed"),
    ("target_resource", "deployment/1"),
    ("target_resource", {}),
    ("target_resource", {"href": "Deployment/1"}),
    ("target_resource", {"href": "deployment/1/2"}),
    ("target_resource", {"href": "deployment/-1"}),
    ("target_resource", {"href": "deployment/1", "number": 2**70}),
    ("affected_resources", []),
    ("affected_resources", {"href": "a/1"}),
    ("parent_job", "job/A"),
    ("parent_job", "deployment/1"),
    ("nested_jobs", ["x"]),
    ("tags", ["a", 1]),
    ("payload", " "),
    ("payload", {"a": 1}),
    ("output", ""),
    ("status_message", 3),
    ("expiry", "2026-11-23T10:00:00"),
    ("expiry", "2026-11-23T10:00:00+0200"),
    ("expiry", "2026-11-23"),
    ("expiry", "2026-11-23 10:00:00Z"),
    ("expiry", "2026-11-23T10:00:00.123456Z"),
    ("expiry", "2026-11-23T24:00:00Z"),
    ("expiry", "2026-02-30T10:00:00Z"),
    ("expiry", "2026-11-23T10:00:00+19:00"),
    ("expiry", 1_800_000_000_000),
    ("created_by", ""),
    ("acl", {}),
    ("acl", {"owners": []}),
    ("acl", {"owners": ["jane"]}),
    ("acl", {"owners": ["user/jane", "user/jane"]}),
    ("acl", {"owners": ["user/jane"], "view": ["user/a"]}),
    ("acl", ["user/jane"]),
    ("nosuch", 1),
    ("return", "x"),
]


@pytest.mark.parametrize(("attribute", "value"), ACCEPTED)
def test_values_that_a_job_may_have(attribute: str, value: Any) -> None:
    job = made(**{attribute: value})

    if attribute != "acl":
        assert job[attribute.replace("_", "-")] == value


@pytest.mark.parametrize(("attribute", "value"), REFUSED)
def test_values_that_a_job_may_not_have(attribute: str, value: Any) -> None:
    mode = {} if attribute == "execution_mode" else {"execution_mode": "pull"}
    with pytest.raises(Fault) as refused:
        made(**mode, **{attribute: value})

    assert refused.value.status == 400
    message = "resource job/a-1 does not satisfy defined schema:\n"
    assert refused.value.message.startswith(message)
    assert attribute.replace("_", "-") in refused.value.message


def test_tags_are_distinct() -> None:
    with pytest.raises(Fault):
        made(execution_mode="pull", tags=["a", "a"])


def test_half_a_surrogate_pair_is_refused_not_lost() -> None:
    for body in ({"name": "\ud800"}, {"target-resource": {"href": "a/1", "x": ["\udc00"]}}):
        with pytest.raises(Fault):
            made(**body)


def test_every_required_attribute_is_missed() -> None:
    found = schema.problems({})

    assert len(found) == len(schema.REQUIRED)


def test_a_long_status_message_loses_its_middle_once() -> None:
    message = "a" * 60_000 + "b" * 60_000
    cut = cut_message(message)

    assert len(cut) == 100_005
    assert cut == "a" * 50_000 + "\n...\n" + "b" * 50_000
    assert cut_message(cut) == cut
    assert cut_message("x" * 100_000) == "x" * 100_000


def test_timestamps_have_three_digits_and_a_z() -> None:
    assert instants.to_text(0) == "1970-01-01T00:00:00.000Z"
    assert instants.to_text(1_700_000_000_047) == "2023-11-14T22:13:20.047Z"
    assert instants.parse("1970-01-01T01:00:00.5+01:00") == 500


anything = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=5,
) | st.sampled_from(["SUCCESS", "pull", "2026-11-23T10Z", "job/a", {"href": "a/1"}])
any_body = st.dictionaries(st.sampled_from([*schema.ATTRIBUTES, "nosuch"]), anything, max_size=4)


@given(body=any_body, changes=any_body)
def test_whatever_is_sent_is_stored_or_refused_never_an_accident(
    body: dict[str, Any], changes: dict[str, Any]
) -> None:
    stored = made()
    with contextlib.suppress(Fault):
        stored = made(**body)
    with contextlib.suppress(Fault):
        stored = edited(stored, changes, caller=INTERNAL, now=NOW)

    assert schema.problems(stored) == []
    job_columns = attributes.column_values(stored)
    assert job_columns["id"] == "job/a-1"
    assert attributes.leaves(stored)
