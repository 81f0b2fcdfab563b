"""The demonstration, without a terminal and on one."""

from __future__ import annotations

import os
import pty
import re
import signal
import subprocess
import sys
from pathlib import Path

import psutil

from tests.support import eventually

COMMAND = [sys.executable, "-m", "engine.cli.demo"]


def leftovers(folder: Path) -> list[str]:
    """Return the command lines of processes that use the folder."""
    found = []
    for process in psutil.process_iter(["cmdline"]):
        line = " ".join(process.info["cmdline"] or ())
        if str(folder) in line:
            found.append(line)
    return found


def environment(folder: Path) -> dict[str, str]:
    """Return an environment in which all temporary files go into the folder."""
    return {"PATH": os.environ["PATH"], "HOME": str(folder), "TMPDIR": str(folder), "TERM": "xterm"}


def test_without_a_terminal_it_prints_lines_and_ends_by_itself(tmp_path: Path) -> None:
    done = subprocess.run(
        [*COMMAND, "--seconds", "8"],
        capture_output=True,
        text=True,
        env=environment(tmp_path),
        cwd=tmp_path,
        timeout=100,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    lines = done.stdout.splitlines()
    assert len(lines) >= 2
    assert all(re.match(r"queue [\d,]+ waiting, \d+ held; running ", line) for line in lines)
    assert re.search(r"done [1-9]", lines[-1])
    assert leftovers(tmp_path) == []
    assert list(tmp_path.glob("nuvla-demo-*")) == []


def test_ctrl_c_ends_it_on_a_terminal(tmp_path: Path) -> None:
    terminal, end = pty.openpty()
    demo = subprocess.Popen(
        COMMAND,
        stdin=end,
        stdout=end,
        stderr=end,
        env=environment(tmp_path),
        cwd=tmp_path,
        start_new_session=True,
    )
    os.close(end)
    seen = bytearray()
    try:

        def has_drawn() -> bool:
            seen.extend(os.read(terminal, 65_536))
            return b"demo_quick" in seen

        eventually(has_drawn, "the screen shows jobs", within=60)
        demo.send_signal(signal.SIGINT)
        drain(terminal)
        assert demo.wait(60) == 0
    finally:
        demo.kill()
        os.close(terminal)
    assert b"Traceback" not in seen
    assert leftovers(tmp_path) == []


def drain(terminal: int) -> None:
    """Read until the other end is closed, so that nobody waits for us to read."""
    while True:
        try:
            if not os.read(terminal, 65_536):
                return
        except OSError:
            return
