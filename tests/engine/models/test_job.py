"""Job documents are read strictly, requests are written as the API wants them."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.errors import MalformedAnswer
from engine.models import JobRecord, JobRequest, format_time, parse_time
from engine.states import ExecutionMode, JobState

DOCUMENT = {
    "id": "job/3d2f5b0e",
    "action": "start_deployment",
    "state": "RUNNING",
    "progress": 10,
    "version": 2,
    "execution-mode": "mixed",
    "target-resource": {"href": "deployment/5b1f"},
    "status-message": "pulling\nimages\x1b[31m",
    "created": "2026-11-23T17:52:06.047Z",
    "parent-job": "job/1",
    "tags": ["/job/entries/entry-999-0000000041"],
}


def test_a_document_is_read_whole() -> None:
    record = JobRecord.from_json(DOCUMENT)

    assert record.state is JobState.RUNNING
    assert record.execution_mode is ExecutionMode.MIXED
    assert record.target == "deployment/5b1f"
    assert record.created == datetime(2026, 11, 23, 17, 52, 6, 47000, tzinfo=UTC)
    assert record.parent == "job/1"
    assert record.priority is None
    assert record.raw is DOCUMENT


def test_text_of_a_document_cannot_drive_a_terminal() -> None:
    record = JobRecord.from_json({**DOCUMENT, "action": "\x1b]52;c;x\x07"})

    assert record.action == "␛]52;c;x␇"
    assert record.status_message == "pulling\nimages␛[31m"


@pytest.mark.parametrize(
    "document",
    [
        None,
        [],
        "job",
        {},
        {**DOCUMENT, "id": 3},
        {**DOCUMENT, "action": ""},
        {**DOCUMENT, "action": None},
        {**DOCUMENT, "state": "STOPPED"},
        {**DOCUMENT, "state": None},
        {**DOCUMENT, "execution-mode": []},
    ],
)
def test_a_document_that_follows_no_contract_is_refused(document: object) -> None:
    with pytest.raises(MalformedAnswer):
        JobRecord.from_json(document)


@given(st.dictionaries(st.sampled_from(sorted(DOCUMENT)), st.none() | st.lists(st.integers())))
def test_garbage_in_a_field_is_left_out_or_refused_never_a_crash(garbage: object) -> None:
    assert isinstance(garbage, dict)
    try:
        record = JobRecord.from_json({**DOCUMENT, **garbage})
    except MalformedAnswer:
        return
    assert record.id == DOCUMENT["id"]


def test_a_progress_beyond_percents_is_bounded() -> None:
    assert JobRecord.from_json({**DOCUMENT, "progress": 10**4000}).progress == 100
    assert JobRecord.from_json({**DOCUMENT, "progress": -5}).progress == 0


def test_a_clock_behind_the_server_gives_no_negative_age() -> None:
    record = JobRecord.from_json(DOCUMENT)
    assert record.created is not None

    assert record.age(record.created - timedelta(hours=1)) == timedelta()


@given(st.datetimes(datetime(1970, 1, 1), datetime(2100, 1, 1), timezones=st.just(UTC)))
def test_a_time_survives_being_written_and_read(when: datetime) -> None:
    read = parse_time(format_time(when))

    assert read == when.replace(microsecond=when.microsecond // 1000 * 1000)


@pytest.mark.parametrize(
    "text",
    [
        "2026-11-23",
        "2026-11-23T17:52:06",
        "2026-11-23 17:52:06Z",
        "2026-13-01T00:00:00Z",
        "0001-01-01T00:00:00+10:00",
        "9999-12-31T23:59:59-10:00",
        5,
        None,
    ],
)
def test_what_is_no_timestamp_reads_as_none(text: object) -> None:
    assert parse_time(text) is None


def test_a_request_names_only_what_it_sets() -> None:
    request = JobRequest(action="cleanup_jobs", target="job", priority=0)

    assert request.to_json() == {
        "action": "cleanup_jobs",
        "execution-mode": "push",
        "target-resource": {"href": "job"},
        "priority": 0,
    }


@pytest.mark.parametrize(
    "request_", [JobRequest(action=" "), JobRequest(action="x", priority=1000)]
)
def test_a_request_that_the_server_would_refuse_is_not_written(request_: JobRequest) -> None:
    with pytest.raises(ValueError):
        request_.to_json()
