"""The Grafana dashboard and the alert rules name metrics and labels that exist."""

from __future__ import annotations

import json
import re
import subprocess
from pathlib import Path

import pytest

from engine.models import Severity, Verdict
from engine.service.metrics import catalogue as m
from engine.service.metrics.catalogue import Kind
from tests.support import program

FOLDER = Path(__file__).parents[4] / "packaging" / "metrics"
DASHBOARD, ALERTS = FOLDER / "grafana-dashboard.json", FOLDER / "alerts.yml"
CASES = Path(__file__).parent / "alert_cases.yml"
DOCS = FOLDER.parents[1] / "docs" / "metrics.md"
KNOWN = {metric.name: metric for metric in (*m.SERVICE_METRICS, *m.DOCTOR_METRICS)}
LABELS = {"instance", "le"} | {label for metric in KNOWN.values() for label in metric.labels}


def base_name(name: str) -> str:
    """Return the metric that a series belongs to."""
    if name in KNOWN:
        return name
    base = re.sub(r"_(bucket|sum|count)$", "", name)
    assert base in KNOWN and KNOWN[base].kind is Kind.HISTOGRAM, f"there is no metric {name}"
    return base


@pytest.mark.parametrize("file", [DASHBOARD, ALERTS], ids=lambda file: file.name)
def test_every_metric_and_label_that_is_named_exists(file: Path) -> None:
    text = file.read_text(encoding="utf-8").replace('\\"', '"')
    names = set(re.findall(r"\bnuvla_engine_[a-z_]+", text))
    assert len(names) > 10
    for name in names:
        base_name(name)
    for metric, selector in re.findall(r"\b(nuvla_engine_[a-z_]+)\{([^}]*)\}", text):
        used = set(re.findall(r'([a-z_]+)(?:=~|!=|=)"', selector))
        assert used <= {"instance", *KNOWN[base_name(metric)].labels}, (metric, selector)
    for group in re.findall(r"\bby \(([^)]*)\)", text):
        assert {label.strip() for label in group.split(",")} <= LABELS, group
    # Those of the clients' libraries come from prometheus-client itself.
    others = set(re.findall(r"\b(?:process|python)_[a-z_]+", text))
    assert others <= {"process_resident_memory_bytes", "process_cpu_seconds_total"}


def test_the_two_show_every_metric() -> None:
    text = DASHBOARD.read_text(encoding="utf-8") + ALERTS.read_text(encoding="utf-8")
    shown = {base_name(name) for name in re.findall(r"\bnuvla_engine_[a-z_]+", text)}
    assert KNOWN.keys() - shown == {m.UNUSABLE.name, m.FINDING_JOBS.name}


def test_every_verdict_that_is_not_healthy_has_its_alert() -> None:
    text = ALERTS.read_text(encoding="utf-8")
    rules = re.findall(
        r'expr: max\(nuvla_engine_findings\{verdict="([a-z-]+)"\}\) > 0\n.*\n'
        r" *labels: \{severity: (\w+)\}",
        text,
    )
    words = {Severity.BAD: "critical", Severity.DOUBT: "warning"}
    assert dict(rules) == {
        verdict.value: words[verdict.severity] for verdict in Verdict if not verdict.is_healthy
    }


def test_every_alert_says_what_to_do() -> None:
    rules = ALERTS.read_text(encoding="utf-8").split("- alert: ")[1:]
    names = [rule.split()[0] for rule in rules]
    assert len(set(names)) == len(names)
    for rule in rules:
        assert "severity:" in rule and "summary:" in rule and "action:" in rule, rule


def test_promtool_finds_the_rules_valid_and_firing_when_they_should() -> None:
    for words in (["check", "rules", str(ALERTS)], ["test", "rules", str(CASES)]):
        command = [program("promtool"), *words]
        done = subprocess.run(command, capture_output=True, timeout=60)
        assert done.returncode == 0, done.stdout + done.stderr


def test_the_panels_of_the_dashboard_do_not_overlap() -> None:
    panels = json.loads(DASHBOARD.read_text(encoding="utf-8"))["panels"]
    places = [
        (x, y)
        for panel in panels
        for x in range(panel["gridPos"]["x"], panel["gridPos"]["x"] + panel["gridPos"]["w"])
        for y in range(panel["gridPos"]["y"], panel["gridPos"]["y"] + panel["gridPos"]["h"])
    ]
    assert len(set(places)) == len(places)
    assert max(x for x, _ in places) == 23


def test_the_documentation_lists_every_metric() -> None:
    text = DOCS.read_text(encoding="utf-8")
    listed = set(re.findall(r"^\| `(nuvla_engine_[a-z_]+)`", text, re.MULTILINE))
    assert listed == KNOWN.keys()
