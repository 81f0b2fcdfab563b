"""The console under a real terminal: how it opens and leaves, and how little it writes."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from kazoo.client import KazooClient

from tests.console.terminal import Terminal
from tests.local_api import LocalApi
from tests.support import eventually


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
    """A console at 80 by 24 that has read both sources."""
    kazoo.ensure_path("/job/entries")
    kazoo.ensure_path("/job/taken")
    with Terminal([], environ=environ) as terminal:
        shows(terminal, "api ●", within=60)
        shows(terminal, "zk ●", within=60)
        yield terminal


def shows(terminal: Terminal, text: str, *, within: float = 30) -> None:
    """Wait until the window shows a text."""
    eventually(lambda: text in terminal.text(), f"{text!r} on the screen", within=within)


def test_it_opens_on_the_overview_and_leaves_the_terminal_as_it_was(terminal: Terminal) -> None:
    shows(terminal, "1 overview 2 queue")
    terminal.press("q")
    assert terminal.process.wait(20) == 0
    end = terminal.since(0)[-400:]
    assert b"\x1b[?1049l" in end, "the alternate screen is left"
    assert b"\x1b[?25h" in end, "the cursor is shown"


def test_a_resting_screen_writes_next_to_nothing(terminal: Terminal, kazoo: KazooClient) -> None:
    for number in range(30):
        kazoo.create("/job/entries/entry-999-", f"job/{number:032d}".encode(), sequence=True)
    terminal.press("2")
    shows(terminal, "30 entries")
    # 18 rows, each with an age that moves: about 25 bytes for each cell that changed. What is drawn
    # for the first time, however late on a busy machine, passes.
    eventually(lambda: written_in(terminal, 2.0) < 3000, "little is written", within=60)


def written_in(terminal: Terminal, seconds: float) -> int:
    """Return how many bytes are written within the next seconds."""
    mark = terminal.count()
    time.sleep(seconds)
    return terminal.count() - mark


def test_keys_that_come_in_one_piece_do_their_work_in_order(terminal: Terminal) -> None:
    escape = "\x1b[27u"

    def titled(text: str, *, not_: str = "no such") -> None:
        def is_titled() -> bool:
            title = terminal.text().split("\n")[2]
            return text in title and not_ not in title

        eventually(is_titled, f"{text!r} in the title", within=30)

    for number in range(10):
        terminal.press(":queue\r5")
        titled("elections")
        terminal.press(f"2/{number}\r1:none{number}\r")
        shows(terminal, f"none{number} is no command here")
        titled("", not_="entries")
        terminal.press(f"2?q:was{number}\r")
        shows(terminal, f"was{number} is no command here")
        titled(f"/{number} ")
        terminal.press(f"/{escape}?q:none{number}\r")
        shows(terminal, f"none{number} is no command here")
        titled("entries", not_=f"/{number} ")
