"""What a run says: ratios of medians, targets met or not, errors in their place."""

from __future__ import annotations

import json

import pytest

from benchmarks.measure import Figures
from benchmarks.report import as_json, show
from benchmarks.rows import ROWS, Result, Row

FACTS = {"cores": 2}


def figures(rate: float, resident: float = 50.0) -> Figures:
    return Figures(jobs=100, seconds=100 / rate, cpu_ms_per_job=1.0, resident_megabytes=resident)


def row(name: str) -> Row:
    return next(row for row in ROWS if row.name == name)


def result(**runs: list[Figures]) -> Result:
    made = Result()
    for part, several in runs.items():
        for each in several:
            made.add(part, each)
    return made


@pytest.mark.parametrize(("ours", "met"), [([790.0, 800.0, 810.0], True), ([790.0] * 3, False)])
def test_a_target_is_held_against_the_median_of_the_ratios(ours: list[float], met: bool) -> None:
    made = result(ours=[figures(rate) for rate in ours], upstream=[figures(100.0)] * 3)
    assert row("noop-1k").is_met(made) is met


def test_memory_is_held_against_the_largest_process_that_was_seen() -> None:
    made = result(ours=[figures(1.0, 149.0), figures(1.0, 151.0)], upstream=[figures(1.0)] * 2)
    assert not row("memory").is_met(made)


def test_a_row_that_could_not_be_measured_says_why(capsys: pytest.CaptureFixture[str]) -> None:
    made = result(ours=[figures(900.0)], upstream=[figures(100.0)])
    results: list[tuple[Row, Result | str]] = [(row("noop-1k"), made), (row("depth"), "no java")]
    show(FACTS, results)
    shown = capsys.readouterr().out
    assert "9.00 x" in shown and "no java" in shown and "cores 2" in shown
    told = json.loads(json.dumps(as_json(FACTS, results)))
    assert told["rows"][0]["value"] == 9.0 and told["rows"][0]["met"] is True
    assert told["rows"][1]["error"] == "no java"
