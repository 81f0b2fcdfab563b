"""The packages, built from this checkout, installed into an empty root, used and removed again."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from contextlib import suppress
from pathlib import Path

import pytest

pytestmark = pytest.mark.packaging
TRY = Path(__file__).parents[2] / "packaging" / "try-install"


@pytest.mark.timeout(620)
@pytest.mark.skipif(os.geteuid() != 0, reason="packages are installed by root only")
@pytest.mark.parametrize("kind", ["rpm", "deb"])
def test_a_package_runs_jobs_where_it_is_installed_and_leaves_logs_and_flags(kind: str) -> None:
    process = subprocess.Popen(
        [sys.executable, TRY, kind],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        start_new_session=True,
    )
    try:
        said, _ = process.communicate(timeout=600)
    finally:
        with suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.communicate()
    assert process.returncode == 0, said[-4000:]
    assert f"the {kind} package is in order" in said
