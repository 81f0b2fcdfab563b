"""Fixtures of the verbs' tests: run a verb here, against a real ZooKeeper and the local API."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from engine.cli.main import main
from tests.local_api import LocalApi

Run = Callable[..., "Ended"]


@dataclass(frozen=True)
class Ended:
    """What a verb left behind."""

    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        """The one object on stdout."""
        return json.loads(self.out)


@pytest.fixture
def run(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Run:
    """Run `nuvla-engine` with arguments; no settings file of this machine is read."""
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))
    monkeypatch.setenv("XDG_CONFIG_DIRS", str(tmp_path / "site"))

    def run_verb(*arguments: str) -> Ended:
        capsys.readouterr()
        try:
            code = main(arguments)
        except SystemExit as left:
            code = left.code if isinstance(left.code, int) else 1
        captured = capsys.readouterr()
        return Ended(code, captured.out, captured.err)

    return run_verb


@pytest.fixture
def reach(zk_hosts: str, local_api: LocalApi, monkeypatch: pytest.MonkeyPatch) -> LocalApi:
    """Let the environment say where ZooKeeper and the API are, and who we are."""
    monkeypatch.setenv("NUVLA_ZK_HOSTS", zk_hosts)
    monkeypatch.setenv("NUVLA_API_URL", local_api.url)
    monkeypatch.setenv("NUVLA_API_USER", local_api.user)
    monkeypatch.setenv("NUVLA_API_PASS", local_api.password)
    return local_api
