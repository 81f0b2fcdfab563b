"""The drill as a learner meets it: planted over a local platform, found and mended by the verbs."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from engine.cli.main import main
from engine.local.platform import Platform
from engine.view.diagnosis import limits
from tests.support import eventually

FAULTS = 12


class Drill:
    """A running drill."""

    def __init__(self, folder: Path) -> None:
        self.data, self._errors = folder / "data", folder / "err"
        command = [sys.executable, "-m", "engine.cli.main", "local", "--data", str(self.data)]
        with self._errors.open("wb") as errors:
            self._process = subprocess.Popen(
                [*command, "--drill"], stdout=subprocess.PIPE, stderr=errors, text=True
            )
        assert self._process.stdout is not None
        self.platform = Platform(**json.loads(self._process.stdout.readline()))

    def said(self) -> str:
        """Return what it has told so far."""
        assert self._process.poll() is None, self._errors.read_text("utf-8")[-2000:]
        return self._errors.read_text("utf-8")

    def wait_for(self, text: str) -> None:
        """Wait until it has told something."""
        eventually(lambda: text in self.said(), f"the drill says {text!r}", within=100, every=0.1)

    def stop(self) -> int:
        """Stop it, and return its exit code."""
        self._process.send_signal(signal.SIGTERM)
        return self._process.wait(60)

    def close(self) -> None:
        """End what a failure has left."""
        self._process.kill()
        self._process.wait()
        assert self._process.stdout is not None
        self._process.stdout.close()


@pytest.fixture
def drill(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Drill]:
    drill = Drill(tmp_path)
    try:
        monkeypatch.setenv("NUVLA_CONFIG", str(drill.data / "settings.toml"))
        monkeypatch.delenv("NUVLA_AUDIT_FILE")
        yield drill
    finally:
        drill.close()


@pytest.fixture
def do(capsys: pytest.CaptureFixture[str]) -> Callable[..., Any]:
    """Run a verb as the learner does, and return its JSON object."""

    def do(*arguments: str) -> Any:
        capsys.readouterr()
        main([*arguments, "--json"])
        return json.loads(capsys.readouterr().out)

    return do


def test_twelve_faults_are_found_and_mended(
    drill: Drill, do: Callable[..., Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    # What a learner waits a minute or five for is looked at as if the time had passed.
    monkeypatch.setattr(limits, "ENQUEUE", 0.0)
    monkeypatch.setattr(limits, "NO_START", 0.0)
    monkeypatch.setattr(limits, "HUNG_LEAST", 0.0)
    monkeypatch.setattr(limits, "PROGRESS", 0.0)
    monkeypatch.setattr(limits, "FLAPS", 3)
    for act in ("restore", "restore_one", "drop"):
        monkeypatch.setattr(f"engine.act.{act}.ENQUEUE_WINDOW", 0.0)
    drill.wait_for(f"{FAULTS} faults are planted")
    shown = {*("no-consumer", "hung", "cancelled-running")}
    shown |= {*("duplicate", "lost", "orphan-entry")}
    found = _found(do, shown)
    jobs = {verdict: each["jobs"][0] for verdict, each in found.items() if each["jobs"]}
    assert found["no-consumer"]["acts"][0]["act"] == "unpause"

    do("interrupt", "--filter", "action=drill_wait state=running", "--yes")
    do("interrupt", jobs["cancelled-running"], "--yes")
    do("drop", jobs["duplicate"], "--yes")
    do("drop", jobs["orphan-entry"], "--yes")
    do("restore", jobs["lost"], "--yes")
    do("cancel", "--filter", "action=demo_slow state=queued", "--yes", "--reason", "ran twice")
    do("requeue", "--filter", "action=drill_pull state=failed", "--yes")
    do("resume", "executor-2", "--yes")
    do("unpause", "--yes")
    for fault in ("hung", "cancelled-running", "duplicate", "lost", "orphan-entry", "flood"):
        drill.wait_for(f"mended: {fault};")
    for fault in ("failed", "drained", "paused"):
        drill.wait_for(f"mended: {fault};")

    # With the executors back, what the pause had hidden comes to light.
    _found(do, {"poison", "unknown-action"})
    do("cancel", "--filter", "action=deploy_satellite state=queued", "--yes")
    do("cancel", "--filter", "action=demo_quick state=queued version>2", "--yes")
    do("cancel", "--filter", "action=dummy_test_action state=running", "--yes")
    drill.wait_for("0 of 12 are left")
    acts = do("audit", "--shared", "--limit", "1000")["acts"]
    assert {act["act"] for act in acts if act["who"]["user"] == "mallory"} == {"pause", "drain"}
    assert drill.stop() == 0


def _found(do: Callable[..., Any], verdicts: set[str]) -> dict[str, Any]:
    """Return the findings by verdict, once all of these are among them."""

    def found() -> dict[str, Any] | None:
        findings = {each["verdict"]: each for each in do("doctor")["findings"]}
        return findings if verdicts <= findings.keys() else None

    return eventually(found, f"{verdicts} are found", within=90, every=0.5)
