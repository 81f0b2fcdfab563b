"""The units and the other files that the packages bring, as the system's own tools judge them."""

from __future__ import annotations

import re
import shutil
import subprocess
from pathlib import Path

import pytest

from engine.service.notify import LOOK_EVERY, READY_WITHIN
from engine.settings.table import Settings
from tests.support import program

PACKAGING = Path(__file__).parents[2] / "packaging"
UNITS = ("nuvla-job-executor.service", "nuvla-job-distributor@jobs_cleanup.service")
DROPINS = ("10-service.conf", "20-hardening.conf")
EXPOSURE = 1.5
"""Points out of ten that `systemd-analyze security` may give; docs/install.md names the score."""


def value(name: str, key: str) -> str:
    """Return the one value of a key in a file of units."""
    text = (PACKAGING / "systemd" / name).read_text("utf-8")
    (found,) = re.findall(rf"^{key}=(.*)$", text, flags=re.MULTILINE)
    return str(found)


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """A root with the units as they are installed, and what they refer to."""
    units = tmp_path / "usr/lib/systemd/system"
    (units / "nuvla-job-.service.d").mkdir(parents=True)
    for unit in (PACKAGING / "systemd").glob("*.service"):
        shutil.copy(unit, units)
    for name in DROPINS:
        shutil.copy(PACKAGING / "systemd" / name, units / "nuvla-job-.service.d")
    (units / "nuvla-job-@.service.d").symlink_to("nuvla-job-.service.d")
    targets = ("basic", "sysinit", "shutdown", "multi-user", "network-online", "network")
    for target in targets:
        (units / f"{target}.target").write_text(f"[Unit]\nDescription={target}\n", "utf-8")
    command = tmp_path / "usr/bin/nuvla-engine"
    command.parent.mkdir()
    command.touch(0o755)
    return tmp_path


def analyze(verb: str, *arguments: str) -> str:
    """Run systemd-analyze and return all that it printed."""
    done = subprocess.run(
        [program("systemd-analyze"), verb, *arguments],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout + done.stderr


def test_systemd_has_nothing_to_say_against_the_units(root: Path) -> None:
    said = analyze("verify", "--man=no", f"--root={root}", *UNITS)
    assert [line for line in said.splitlines() if "nuvla" in line] == []


@pytest.mark.parametrize("unit", UNITS)
def test_the_services_are_exposed_to_little(root: Path, unit: str) -> None:
    said = analyze("security", "--offline=yes", f"--root={root}", unit)
    score = re.search(r"Overall exposure level for .*: ([\d.]+)", said)
    assert score is not None, said
    assert float(score[1]) <= EXPOSURE


def test_the_flags_of_the_former_engine_s_files_are_taken_as_they_stand() -> None:
    for service, command in (("executor", "executor"), ("distributor", "distributor %i")):
        unit = "nuvla-job-executor.service"
        if service == "distributor":
            unit = "nuvla-job-distributor@.service"
        assert value(unit, "EnvironmentFile") == f"-/etc/default/nuvla-job-{service}"
        assert value(unit, "ExecStart") == f"/usr/bin/nuvla-engine {command} $DAEMON_ARGS"


def test_the_manager_waits_longer_than_the_services_need() -> None:
    assert float(value("nuvla-job-executor.service", "TimeoutStopSec")) >= Settings().grace + 30
    # Ready, or waiting for ZooKeeper, long before the manager's default of 90 s.
    assert READY_WITHIN < 60
    assert float(value("10-service.conf", "WatchdogSec")) >= 4 * LOOK_EVERY
    assert value("10-service.conf", "Type") == "notify"


def test_logrotate_takes_its_file_and_keeps_off_the_names_of_our_own_rotation(
    tmp_path: Path,
) -> None:
    logs = tmp_path / "log"
    logs.mkdir(mode=0o755)
    text = (PACKAGING / "files/logrotate").read_text("utf-8")
    text = text.replace("/var/log/nuvla/log", str(logs)).replace("    su nuvla nuvla\n", "")
    file = tmp_path / "logrotate.conf"
    file.write_text(text, "utf-8")
    file.chmod(0o644)
    for name in ("nuvla-executor.log", "nuvla-executor.log.1"):
        (logs / name).write_text("a line\n", "utf-8")
    done = subprocess.run(
        [program("logrotate"), "--force", "--state", str(tmp_path / "state"), str(file)],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert (done.returncode, done.stderr) == (0, "")
    left = {path.name for path in logs.iterdir()}
    assert "nuvla-executor.log" not in left  # the service makes it anew
    assert "nuvla-executor.log.1" in left
    assert any(re.fullmatch(r"nuvla-executor\.log-\d{8}", name) for name in left)
