"""What a console does to its terminal: at rest, resized without end, and when it is taken away."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest
from kazoo.client import KazooClient

from engine.local.zookeeper import four_letters
from tests.console.terminal import ROOT, Terminal
from tests.local_api import LocalApi
from tests.support import eventually

SIZES = ((1, 1), (500, 200), (2, 40), (200, 2), (80, 24), (11, 3), (33, 7), (500, 1), (1, 200))
WINDOW_SECONDS = 5.0


@pytest.fixture
def environ(zk_hosts: str, local_api: LocalApi, tmp_path: Path) -> dict[str, str]:
    """How a console reaches the test's servers."""
    return {
        "NUVLA_ZK_HOSTS": zk_hosts,
        "NUVLA_API_URL": local_api.url,
        "NUVLA_API_KEY": local_api.api_key,
        "NUVLA_API_SECRET": local_api.api_secret,
        "XDG_CONFIG_HOME": str(tmp_path),
    }


@pytest.fixture
def terminal(environ: dict[str, str], kazoo: KazooClient) -> Iterator[Terminal]:
    """A console that shows a queue of thirty."""
    for number in range(30):
        name = f"/job/entries/entry-999-{number:010d}"
        kazoo.create(name, f"job/{number:032d}".encode(), makepath=True)
    kazoo.ensure_path("/job/taken")
    with Terminal([], environ=environ) as terminal:
        eventually(lambda: "zk ●" in terminal.text(), "ZooKeeper is read", within=60)
        eventually(lambda: "api ●" in terminal.text(), "the API is read", within=60)
        terminal.press("2")
        eventually(lambda: "30 entries" in terminal.text(), "the queue is shown", within=30)
        yield terminal


def is_whole(terminal: Terminal) -> bool:
    """Whether the queue stands on the screen from its first line to its last."""
    rows = terminal.text().split("\n")
    return "nuvla-console" in rows[0] and "30 entries" in rows[2] and "command" in rows[-1]


def test_a_resting_log_writes_nothing_but_the_time_of_day(terminal: Terminal) -> None:
    terminal.press("8")
    eventually(lambda: "watching ZooKeeper" in terminal.text(), "the log is shown")
    quiet = terminal.count(), time.monotonic()

    def at_rest() -> bool:
        nonlocal quiet
        if terminal.count() != quiet[0]:
            quiet = terminal.count(), time.monotonic()
        return time.monotonic() - quiet[1] > WINDOW_SECONDS

    # Within a window of rest no more may come than the minute's share of a kilobyte.
    eventually(at_rest, "it rests", within=60)


def test_a_window_that_changes_its_size_without_end_is_drawn_right_in_the_end(
    terminal: Terminal,
) -> None:
    for _ in range(8):
        for columns, lines in SIZES:
            terminal.resize(columns, lines)
            terminal.press("jk")
    for area in "12345678":
        terminal.press(area)
        terminal.resize(1, 1)
        terminal.resize(40, 10)
    assert terminal.process.poll() is None
    terminal.press("2")
    terminal.resize(80, 24)
    terminal.press("\x0c")
    eventually(lambda: is_whole(terminal), "the screen is right again", within=60)
    assert b"Traceback" not in terminal.since(0)


@pytest.mark.parametrize("told", [True, False])
def test_a_terminal_that_is_closed_leaves_no_process_and_no_session_behind(
    terminal: Terminal, zk_hosts: str, told: bool
) -> None:
    process = psutil.Process(terminal.process.pid)
    children = process.children(recursive=True)
    links = {link.laddr.port for link in process.net_connections() if link.status == "ESTABLISHED"}
    assert links & ports_of_clients(zk_hosts)
    terminal.hang_up(told=told)
    assert terminal.process.wait(20) == 0
    assert not [child for child in children if child.is_running()]
    # The session was closed in order, and does not wait for its time to pass.
    eventually(lambda: not links & ports_of_clients(zk_hosts), "no session is left")


def ports_of_clients(hosts: str) -> set[int]:
    """Return the ports of the clients whose sessions a ZooKeeper knows."""
    port = int(hosts.partition("/")[0].rpartition(":")[2])
    return {int(found) for found in re.findall(r"/[^ ]*:(\d+)\[", four_letters(port, "cons"))}


def test_it_gives_the_terminal_back_to_the_shell_and_comes_back(terminal: Terminal) -> None:
    process = psutil.Process(terminal.process.pid)

    def says(text: bytes, since: int) -> None:
        eventually(lambda: text in terminal.since(since), f"{text!r} is written", within=30)

    for keys, shown in (("\x1a", b"30 entries"), ("?\x1a", b"Help: queue")):
        mark = terminal.count()
        terminal.press(keys)
        eventually(lambda: process.status() == psutil.STATUS_STOPPED, "it is stopped", within=30)
        says(b"\x1b[?25h", mark)  # the cursor
        assert b"\x1b[?1049l" in terminal.since(mark), "the alternate screen is left"
        mark = terminal.count()
        terminal.process.send_signal(signal.SIGCONT)
        says(b"\x1b[?1049h", mark)
        says(shown, mark)
    terminal.press("q3")
    eventually(lambda: "0 locks" in terminal.text(), "it takes keys again", within=30)


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_ends_it_and_leaves_the_terminal_as_it_was(
    terminal: Terminal, number: signal.Signals
) -> None:
    mark = terminal.count()
    terminal.process.send_signal(number)
    terminal.process.wait(20)
    end = terminal.since(mark)
    assert b"Traceback" not in end
    assert b"\x1b[?1049l" in end, "the alternate screen is left"
    assert b"\x1b[?25h" in end, "the cursor is shown"


@pytest.mark.parametrize("name", ["dumb", "vt100", "linux", "screen-256color", ""])
def test_any_kind_of_terminal_shows_it_and_ends_in_order(
    environ: dict[str, str], kazoo: KazooClient, name: str
) -> None:
    kazoo.ensure_path("/job/entries")
    with Terminal([], environ={**environ, "TERM": name, "COLORTERM": "", "NO_COLOR": "1"}) as shown:
        eventually(lambda: "zk ●" in shown.text(), "ZooKeeper is read", within=60)
        shown.press("q")
        assert shown.process.wait(20) == 0
        assert b"Traceback" not in shown.since(0)


@pytest.mark.parametrize("closed", ["stdin", "stdout", "both"])
def test_without_a_terminal_it_says_so_and_ends(environ: dict[str, str], closed: str) -> None:
    controller, worker = os.openpty()
    try:
        done = subprocess.run(
            [sys.executable, "-m", "nuvla_console"],
            cwd=ROOT,
            env={**os.environ, **environ},
            stdin=worker if closed == "stdout" else subprocess.DEVNULL,
            stdout=worker if closed == "stdin" else subprocess.PIPE,
            stderr=subprocess.PIPE,
            timeout=60,
            check=False,
        )
    finally:
        os.close(worker)
        os.close(controller)
    assert done.returncode == 2
    assert not done.stdout
    assert b"this is no terminal" in done.stderr
    assert b"\x1b" not in done.stderr
