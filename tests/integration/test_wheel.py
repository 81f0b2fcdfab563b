"""The built wheel, installed into an empty environment, works from any folder."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import zipfile
from collections.abc import Sequence
from pathlib import Path

import pytest

from engine.cli.verbs import LISTINGS
from tests.support import eventually

pytestmark = pytest.mark.packaging
ROOT = Path(__file__).parents[2]
SOURCES = ("engine", "actions", "distributors", "nuvla_console")


def environment(home: Path, **more: str) -> dict[str, str]:
    """Return an environment without a setting or a library of whoever runs the tests."""
    return {"PATH": os.environ["PATH"], "HOME": str(home), "LANG": "C.UTF-8", **more}


def run(command: Sequence[object], *, cwd: Path, timeout: float = 240, **more: str) -> str:
    """Run a command and return what it printed; fail with it where the command fails."""
    done = subprocess.run(
        [str(part) for part in command],
        cwd=cwd,
        env=environment(cwd, **more),
        capture_output=True,
        text=True,
        timeout=timeout,
        check=False,
    )
    assert done.returncode == 0, f"{command}: {done.stdout[-2000:]}{done.stderr[-2000:]}"
    return done.stdout


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The wheel of this checkout, built from a copy so that nothing is written into it."""
    folder = tmp_path_factory.mktemp("wheel")
    source = folder / "source"
    ignore = shutil.ignore_patterns("__pycache__")
    for name in SOURCES:
        shutil.copytree(ROOT / name, source / name, ignore=ignore)
    for name in ("pyproject.toml", "README.md", "LICENSE"):
        shutil.copy(ROOT / name, source / name)
    command = [sys.executable, "-m", "build", "--wheel", "--no-isolation", "-o", folder / "dist"]
    run([*command, source], cwd=folder)
    return next((folder / "dist").glob("*.whl"))


def test_the_wheel_holds_every_file_that_the_packages_need(wheel: Path) -> None:
    source = wheel.parents[1] / "source"
    with zipfile.ZipFile(wheel) as archive:
        inside = set(archive.namelist())
    needed = {
        str(path.relative_to(source))
        for name in SOURCES
        for path in (source / name).rglob("*")
        if path.is_file()
    }
    assert "engine/local/api/filter.lark" in needed
    assert needed <= inside
    assert not {name for name in inside if name.startswith("tests/")}


@pytest.mark.timeout(300)
def test_an_empty_environment_runs_the_installed_wheel_from_any_folder(
    wheel: Path, tmp_path: Path
) -> None:
    engine = install(wheel, tmp_path / "env")
    folder = tmp_path / "elsewhere"
    folder.mkdir()
    # A module of the current folder must not stand in for one of ours.
    (folder / "kazoo.py").write_text("raise SystemExit('the wrong kazoo')", encoding="utf-8")
    found = json.loads(run([engine, "version", "--json"], cwd=folder))
    assert f"-{found['version']}-" in wheel.name
    for verb in LISTINGS:
        assert verb in run([engine, verb, "--help"], cwd=folder)
    run_jobs(engine, folder)


def install(wheel: Path, target: Path) -> Path:
    """Install the wheel into an empty environment and return its `nuvla-engine`."""
    folder = target.parent
    run([sys.executable, "-m", "venv", target], cwd=folder)
    command = [target / "bin" / "pip", "install", "--quiet", "--disable-pip-version-check"]
    run([*command, "-c", ROOT / "constraints.txt", f"{wheel}[local]"], cwd=folder)
    return target / "bin" / "nuvla-engine"


def run_jobs(engine: Path, folder: Path) -> None:
    """Start a local platform with two jobs, and wait until an executor has done them."""
    local = subprocess.Popen(
        [engine, "local", "--data", "data", "--executors", "1", "--jobs", "2"],
        cwd=folder,
        env=environment(folder),
        stdout=subprocess.PIPE,
        text=True,
    )
    try:
        assert local.stdout is not None
        line = json.loads(local.stdout.readline())
        reach = {
            "NUVLA_ZK_HOSTS": line["zk_hosts"],
            "NUVLA_API_URL": line["api_url"],
            "NUVLA_API_USER": line["api_user"],
            "NUVLA_API_PASS": line["api_pass"],
        }

        def is_done() -> bool:
            jobs = json.loads(run([engine, "jobs", "--json"], cwd=folder, **reach))["jobs"]
            return len(jobs) == 2 and all(job["state"] in ("SUCCESS", "FAILED") for job in jobs)

        eventually(is_done, "both demo jobs are done", within=60, every=0.5)
        local.terminate()
        assert local.wait(60) == 0
    finally:
        local.kill()
        local.communicate()
