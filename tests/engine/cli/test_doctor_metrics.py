"""`doctor --prometheus`."""

from __future__ import annotations

from pathlib import Path

import pytest
from kazoo.client import KazooClient

from engine.cli import wiring
from engine.cli.exit_codes import ExitCode
from engine.models import Verdict
from engine.service.metrics import catalogue as m
from engine.zookeeper.paths import election_path, entry_prefix
from tests.engine.cli.conftest import Run
from tests.engine.service.metrics.test_prometheus import parsed

pytestmark = pytest.mark.usefixtures("reach")


@pytest.fixture(autouse=True)
def _patient(monkeypatch: pytest.MonkeyPatch) -> None:
    """A busy machine may take its time to connect; tests of servers that are away do not wait."""
    monkeypatch.setattr(wiring, "CONNECT_SECONDS", 60.0)


def test_a_healthy_installation_has_every_finding_at_zero(run: Run) -> None:
    ended = run("doctor", "--prometheus")
    assert ended.code == ExitCode.OK, ended.err
    values = parsed(ended.out)
    verdicts = {dict(labels)["verdict"] for labels in values[m.FINDINGS.name]}
    assert verdicts == {verdict.value for verdict in Verdict if not verdict.is_healthy}
    assert set(values[m.FINDINGS.name].values()) == {0.0}
    assert set(values[m.SOURCE_UP.name].values()) == {1.0}
    assert values[m.CHECKED_AT.name][()] > 1.7e9


def test_findings_go_to_a_file_which_is_replaced_as_a_whole(
    run: Run, kazoo: KazooClient, tmp_path: Path
) -> None:
    kazoo.ensure_path(election_path("jobs_cleanup"))  # nobody contends
    target = tmp_path / "nuvla.prom"
    target.write_text("old")
    ended = run("doctor", "--prometheus", str(target))
    assert (ended.code, ended.out) == (ExitCode.REFUSED, "")
    found = parsed(target.read_text())[m.FINDINGS.name]
    assert found[("severity", "bad"), ("verdict", "no-distributor")] == 1
    assert target.stat().st_mode & 0o777 == 0o644
    assert [file.name for file in tmp_path.glob("*nuvla.prom*")] == ["nuvla.prom"]


def test_a_source_that_cannot_be_read_is_told(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(wiring, "CONNECT_SECONDS", 0.5)
    ended = run("doctor", "--prometheus", "--zk-hosts", "127.0.0.1:1")
    assert ended.code == ExitCode.UNREACHED
    values = parsed(ended.out)
    assert values[m.SOURCE_UP.name][(("source", "zookeeper"),)] == 0
    assert m.ENTRIES.name not in values


def test_a_file_that_cannot_be_written_is_a_usage_error(run: Run, tmp_path: Path) -> None:
    ended = run("doctor", "--prometheus", str(tmp_path / "nowhere" / "nuvla.prom"))
    assert ended.code == ExitCode.USAGE
    assert "cannot be written: No such file" in ended.err


def test_the_forms_exclude_each_other(run: Run, kazoo: KazooClient) -> None:
    kazoo.ensure_path(entry_prefix(999).rpartition("/")[0])
    assert run("doctor", "--prometheus", "--json").code == ExitCode.USAGE
