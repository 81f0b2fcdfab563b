"""Tests of engine.cli.output."""

from __future__ import annotations

import io
import json
from dataclasses import replace
from datetime import UTC, datetime

from engine.cli.output import Column, Output, Report, table_lines, write_failure, write_report
from engine.models import Source

NOW = datetime(2026, 11, 24, 14, 2, 31, tzinfo=UTC)
JOB = "job/3d2f5b0e-5f5e-4a6c-9d5e-0a6b7c8d9e0f"
COLUMNS = (Column("PRIO", right=True), Column("JOB", is_id=True), Column("HELD BY"))
ROWS = [("7", JOB, "exec-a"), ("999", JOB, "foreign, session 0x1000")]


def make_report() -> Report:
    return Report(
        schema="nuvla-engine/things/1",
        taken_at=NOW,
        sources=[Source(name="zookeeper", read_at=NOW)],
        facts={"depth": 2},
        items_name="things",
        items=[{"n": 1}, {"n": 2}],
        columns=COLUMNS,
        rows=ROWS,
        summary="2 things",
        empty="There are no things.",
    )


def written(report: Report, *, as_json: bool) -> tuple[str, str]:
    results, remarks = io.StringIO(), io.StringIO()
    write_report(report, Output.of(results, remarks), as_json=as_json)
    return results.getvalue(), remarks.getvalue()


def test_columns_are_aligned_and_numbers_stand_at_the_right() -> None:
    assert list(table_lines(COLUMNS, ROWS, None)) == [
        "PRIO  JOB                                       HELD BY",
        f"   7  {JOB}  exec-a",
        f" 999  {JOB}  foreign, session 0x1000",
    ]


def test_a_narrow_terminal_shortens_ids_first() -> None:
    lines = list(table_lines(COLUMNS, ROWS, 45))
    assert lines[2] == " 999  job/3d2f5…9e0f  foreign, session 0x1000"


def test_a_very_narrow_terminal_cuts_text_as_well() -> None:
    assert max(len(line) for line in table_lines(COLUMNS, ROWS, 32)) <= 32


def test_the_table_goes_to_stdout_and_the_summary_to_stderr() -> None:
    results, remarks = written(make_report(), as_json=False)
    assert results.splitlines()[0].startswith("PRIO")
    assert len(results.splitlines()) == 3
    assert remarks == "2 things\n"


def test_an_empty_table_says_why() -> None:
    results, remarks = written(replace(make_report(), rows=[]), as_json=False)
    assert results == ""
    assert "There are no things." in remarks


def test_json_is_one_object_with_schema_time_and_sources() -> None:
    results, remarks = written(make_report(), as_json=True)
    found = json.loads(results)
    assert found["schema"] == "nuvla-engine/things/1"
    assert found["taken_at"] == "2026-11-24T14:02:31.000Z"
    assert found["sources"]["zookeeper"]["age_s"] >= 0
    assert found["things"] == [{"n": 1}, {"n": 2}]
    assert found["depth"] == 2
    assert remarks == ""


def test_json_of_no_items_is_still_one_object() -> None:
    results, _ = written(replace(make_report(), items=[]), as_json=True)
    assert json.loads(results)["things"] == []


def test_a_failed_source_stands_in_both_forms() -> None:
    sources = [Source(name="zookeeper", error="no answer")]
    report = replace(make_report(), sources=sources)
    assert "zookeeper: no answer" in written(report, as_json=False)[1]
    found = json.loads(written(report, as_json=True)[0])
    assert found["sources"] == {"zookeeper": {"error": "no answer"}}


def test_a_view_without_its_source_claims_no_facts() -> None:
    stream = io.StringIO()
    write_failure("nuvla-engine/queue/1", NOW, Source(name="zookeeper", error="down"), stream)
    assert json.loads(stream.getvalue()) == {
        "schema": "nuvla-engine/queue/1",
        "taken_at": "2026-11-24T14:02:31.000Z",
        "sources": {"zookeeper": {"error": "down"}},
    }
