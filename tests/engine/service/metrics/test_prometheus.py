"""Samples as Prometheus reads them."""

from __future__ import annotations

import socket
import sys
import urllib.request

import pytest
from prometheus_client.parser import text_string_to_metric_families

from engine.errors import EngineError, SettingsError
from engine.measures import Histogram
from engine.service.metrics import catalogue as m
from engine.service.metrics import prometheus
from engine.service.metrics.catalogue import Kind, Metric, Sample
from engine.service.metrics.prometheus import exposition, serving


def parsed(text: str) -> dict[str, dict[tuple[tuple[str, str], ...], float]]:
    """Return the values by name and labels, as the official parser reads the text."""
    found: dict[str, dict[tuple[tuple[str, str], ...], float]] = {}
    for family in text_string_to_metric_families(text):
        for sample in family.samples:
            labels = tuple(sorted(sample.labels.items()))
            found.setdefault(sample.name, {})[labels] = sample.value
    return found


def test_each_kind_is_written_as_the_official_parser_reads_it() -> None:
    histogram = Histogram((0.1, 1.0))
    for seconds in (0.05, 0.5, 0.5, 7.0):
        histogram.observe(seconds)
    text = exposition(
        [
            Sample(m.ENDED, 3, ("a", "SUCCESS")),
            Sample(m.ENDED, 1, ('odd"\\\n', "FAILED")),
            Sample(m.ENTRIES, 12_408),
            Sample(m.RUN_SECONDS, histogram.read(), ("a",)),
        ]
    )
    found = parsed(text)
    ended = found["nuvla_engine_jobs_ended_total"]
    assert ended[("action", "a"), ("outcome", "SUCCESS")] == 3
    assert ended[("action", 'odd"\\\n'), ("outcome", "FAILED")] == 1
    assert found["nuvla_engine_queue_entries"] == {(): 12_408}
    buckets = found["nuvla_engine_job_seconds_bucket"]
    assert [value for _, value in sorted(buckets.items(), key=lambda pair: pair[1])] == [1, 3, 4]
    assert found["nuvla_engine_job_seconds_sum"] == {(("action", "a"),): 8.05}
    assert f"# HELP {m.ENTRIES.name} {m.ENTRIES.help}" in text


def test_a_part_that_cannot_be_read_hides_no_other() -> None:
    def broken() -> list[Sample]:
        raise EngineError("away")

    with serving("127.0.0.1", 0, [broken, lambda: [Sample(m.ENTRIES, 7)]]) as port:
        url = f"http://127.0.0.1:{port}/metrics"
        with urllib.request.urlopen(url, timeout=30) as answer:
            text = answer.read().decode()
    assert parsed(text)["nuvla_engine_queue_entries"] == {(): 7}
    assert "process_resident_memory_bytes" in text


def test_a_client_that_says_nothing_is_let_go(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(prometheus, "CLIENT_SECONDS", 0.2)
    with serving("127.0.0.1", 0, []) as port, socket.create_connection(("127.0.0.1", port)) as link:
        link.settimeout(60)
        assert link.recv(1) == b""


def test_a_port_that_is_taken_is_a_settings_error() -> None:
    with (
        serving("127.0.0.1", 0, []) as port,
        pytest.raises(
            SettingsError, match=rf"metrics-port: 127\.0\.0\.1:{port} cannot be listened"
        ),
        serving("127.0.0.1", port, []),
    ):
        pass


def test_without_the_library_the_extra_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "prometheus_client", None)
    with pytest.raises(SettingsError, match=r"nuvla-console\[metrics\]"):
        exposition([])


@pytest.mark.parametrize(
    "metric", [*m.SERVICE_METRICS, *m.DOCTOR_METRICS], ids=lambda one: one.name
)
def test_names_follow_prometheus_rules(metric: Metric) -> None:
    """https://prometheus.io/docs/practices/naming/"""
    assert metric.name.startswith("nuvla_engine_")
    assert metric.name.endswith("_total") == (metric.kind is Kind.COUNTER)
    assert metric.kind is not Kind.HISTOGRAM or metric.name.endswith("_seconds")
    assert metric.help and not metric.help.endswith(".")


def test_no_metric_is_left_out_of_the_catalogue() -> None:
    declared = {value for value in vars(m).values() if isinstance(value, Metric)}
    assert declared == {*m.SERVICE_METRICS, *m.DOCTOR_METRICS}
    assert len({metric.name for metric in declared}) == len(declared)
