"""docs/diagnosis.md says of each verdict what the code says."""

from __future__ import annotations

import re
from pathlib import Path

import engine
from engine.cli.diagnosis_report import HEALTH
from engine.models import Verdict
from engine.view.diagnosis.advice import acts_for

PAGE = Path(engine.__file__).parent.parent / "docs" / "diagnosis.md"


def test_each_verdict_has_its_row_with_its_health_and_its_first_act() -> None:
    rows = re.findall(r"^\| `([a-z-]+)` \| (\w+) \|.*\| (?:`(\w+)`|-) \|$", PAGE.read_text(), re.M)
    said = {name: (health, act) for name, health, act in rows}
    known = {
        verdict.value: (
            HEALTH[verdict.severity],
            next((act.act for act in acts_for(verdict)), ""),
        )
        for verdict in Verdict
    }
    assert said == known
