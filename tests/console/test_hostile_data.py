"""Ten thousand hostile strings, wherever strangers can write, through every screen.

Under a real terminal, whose input is taken apart: what is not text must be of the few kinds of
sequences that Textual itself sends, within their own bounds.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from kazoo.client import KazooClient
from rich.cells import cell_len
from wcwidth import wcswidth

from engine.models import JobRecord, Member, MemberSnapshot
from engine.view.picture import Search
from tests.console.hostile import document, encode, member, node_name, note, plant, strings
from tests.console.planted import NOW, StillStore, console, picture
from tests.console.sequences import is_ours, pieces
from tests.console.terminal import Terminal
from tests.faults.api_faults import changed
from tests.faults.job_api import JobApi
from tests.faults.job_store import PASSWORD, USER, Document, JobStore
from tests.support import eventually

COLUMNS, LINES = 160, 90
ENTRIES, LOCKS, ELECTIONS, CONTENDERS, MEMBERS, JOBS = 4_000, 2_000, 60, 20, 140, 190
PARENTS = ("/job/entries", "/job/taken", "/election", "/nuvla-engine/members")
ESCAPE = "\x1b[27u"
"""The escape key in the protocol that the console asks for. A lone ESC is told from the beginning
of another key by nothing but the time that follows it."""
NEXT_PAGE = "\x06"
AGES = re.compile(r"\d+[smhd]\d*")
TITLES = {
    "1": "done/min",
    "2": "entries",
    "3": "locks",
    "4": "jobs",
    "5": "elections",
    "6": "executors",
    "7": "threads",
    "8": "notes",
    "9": "findings",
}
"""What stands in the third line of each area, or in the fourth."""


@pytest.fixture
def planted(zk_hosts: str, kazoo: KazooClient, tmp_path: Path) -> Iterator[dict[str, str]]:
    """How to reach a ZooKeeper and an API that are full of hostile strings."""
    supply = strings()
    made = 0

    def take() -> str:
        nonlocal made
        made += 1
        return next(supply)

    for parent in PARENTS:
        kazoo.ensure_path(parent)
    names = [f"entry-999-{number:010d}" for number in range(ENTRIES)]
    jobs = [f"job/{number:08x}-0000-4000-8000-000000000000" for number in range(JOBS)]
    # Every second entry of the first screens is a job with a hostile document.
    data = [
        jobs[n // 2].encode() if n % 2 and n < 2 * JOBS else encode(take()) for n in range(ENTRIES)
    ]
    plant(kazoo, ((f"/job/entries/{n}", d, False) for n, d in zip(names, data, strict=True)))
    foreign = (node_name(take()) for _ in range(100))
    plant(kazoo, ((f"/job/entries/{name}", b"", False) for name in foreign))
    locks = ((n, note(take) if i % 4 else encode(take())) for i, n in enumerate(names[:LOCKS]))
    plant(kazoo, ((f"/job/taken/{name}", data, True) for name, data in locks))
    elections = [node_name(take()) for _ in range(ELECTIONS)]
    plant(kazoo, ((f"/election/{name}", b"", False) for name in elections))
    plant(
        kazoo,
        (
            (f"/election/{name}/{n:032x}__lock__{n:010d}", encode(take()), True)
            for name in elections
            for n in range(CONTENDERS)
        ),
    )
    instances = [node_name(take()) for _ in range(MEMBERS)]
    plant(
        kazoo,
        (
            (f"/nuvla-engine/members/{name}", json.dumps(member(take, name)).encode(), True)
            for name in instances
        ),
    )
    api = JobApi(JobStore(lambda job, priority: ""))
    states = ("RUNNING", "QUEUED", "FAILED", "CANCELED", "SUCCESS")
    for number, job in enumerate(jobs):
        api.store.put(document(take, job, states[number % 5]))
    api.rule(changed(lambda answer: counted(answer, take())), path="job", method="PUT")
    assert made > 10_000
    yield {
        "NUVLA_ZK_HOSTS": zk_hosts,
        "NUVLA_API_URL": api.url,
        "NUVLA_API_USER": USER,
        "NUVLA_API_PASS": PASSWORD,
        "XDG_CONFIG_HOME": str(tmp_path),
        "TZ": "America/St_Johns",
    }
    api.close()
    flight = []
    for start in range(0, ENTRIES, 250):
        transaction = kazoo.transaction()
        for name in names[start : start + 250]:
            transaction.delete(f"/job/entries/{name}")
        flight.append(transaction.commit_async())
    for answer in flight:
        answer.get(timeout=60)


def counted(answer: Document, text: str) -> Document:
    """Add aggregations with a hostile key to an answer."""
    buckets = [{"key": text, "doc_count": 3}, {"key": "QUEUED", "doc_count": 10**30}]
    kinds = ("terms:state", "terms:action")
    return {**answer, "aggregations": {kind: {"buckets": buckets} for kind in kinds}}


class Hands:
    """Presses keys, and waits until the console has done what they ask and has drawn it."""

    def __init__(self, terminal: Terminal) -> None:
        self.terminal = terminal
        self._pressed = 0

    def press(self, *keys: str) -> None:
        """Press keys one after the other; each is drawn before the next."""
        for key in keys:
            self.terminal.press(key)
            self._settle()

    def go(self, area: str) -> None:
        """Go to an area, and wait until it is shown."""
        self.terminal.press(area)
        try:
            eventually(lambda: TITLES[area] in "".join(self.lines()[2:4]), within=60)
        except AssertionError:
            raise AssertionError(f"area {area} is not shown:\n{self.terminal.text()}") from None

    def page_through(self) -> None:
        """See every row of the area."""
        before = ""
        while (now := self.cursor_line()) != before:
            before = now
            self.press(NEXT_PAGE)

    def cursor_line(self) -> str:
        """Return the row under the cursor, but for its ages."""
        row = next((line for line in self.lines() if line.startswith("▌")), "")
        return AGES.sub("", row)

    def lines(self) -> list[str]:
        """Return what the window shows."""
        return self.terminal.text().split("\n")

    def _settle(self) -> None:
        # Keys are worked off in their order, and what is no command is said to be none.
        self._pressed += 1
        self.terminal.press(f":key{self._pressed}\r")
        said = f"key{self._pressed} is no command here"
        try:
            eventually(lambda: said in self.lines()[-1], within=60)
        except AssertionError:
            raise AssertionError(f"{said!r} is not said:\n{self.terminal.text()}") from None


@pytest.mark.timeout(300)
def test_ten_thousand_hostile_strings_put_no_foreign_byte_on_the_terminal(
    planted: dict[str, str],
) -> None:
    with Terminal([], columns=COLUMNS, lines=LINES, environ=planted) as terminal:
        eventually(lambda: "zk ●" in terminal.text(), "ZooKeeper is read", within=60)
        eventually(lambda: "api ●" in terminal.text(), "the API is read", within=60)
        hands = Hands(terminal)
        for area in "23456789":
            hands.go(area)
            hands.page_through()
            if area == "2":
                assert f"▌{ENTRIES:>6,}" in hands.cursor_line().replace("▌ ", "▌")
            hands.press("g", "<", ">", "=", "\r", ESCAPE)
        hands.go("4")
        hands.press("\r", "G", "y", "G", ESCAPE, "l", "G", ESCAPE, "s", "4", f"?{ESCAPE}")
        hands.press(f"/[red]{ESCAPE}", f"/!{ESCAPE}", ":jobs action=[@click=x]\r")
        hands.press(":job [x]\x9b\r", ":ctx {}\r")
        hands.go("1")
        assert terminal.process.poll() is None
        terminal.press("q")
        assert terminal.process.wait(20) == 0
        stream = terminal.since(0)
    foreign = [piece for piece in pieces(stream) if not is_ours(piece, COLUMNS, LINES)]
    assert foreign == []
    assert b"Traceback" not in stream
    assert "owned" not in terminal.screen.title + terminal.screen.icon_name


@pytest.mark.parametrize("size", [(80, 24), (161, 48)])
async def test_rows_stay_as_wide_as_the_screen_whatever_they_hold(size: tuple[int, int]) -> None:
    supply = strings(seed=11)
    jobs = tuple(
        JobRecord.from_json(document(supply.__next__, f"job/{n:08x}", "FAILED")) for n in range(100)
    )
    found = (
        Member.from_node(next(supply), json.dumps(member(supply.__next__, "x")).encode(), session=n)
        for n in range(40)
    )
    shown = picture(
        search=Search(limit=200, taken_at=NOW, jobs=jobs, count=len(jobs)),
        failures=jobs[:10],
        members=MemberSnapshot(taken_at=NOW, members=tuple(m for m in found if m)),
    )
    app = console(StillStore(shown))
    async with app.run_test(size=size) as pilot:
        for keys in (
            "1",
            "2",
            "3",
            "4",
            "d",
            "G",
            "escape",
            "l",
            "escape",
            "y",
            "escape",
            "5",
            "6",
        ):
            for _ in range(3):
                await pilot.press(keys)
                await pilot.pause()
                for strip in app.screen._compositor.render_strips():
                    text = "".join(segment.text for segment in strip)
                    assert cell_len(text) == size[0], (keys, text)
                    assert wcswidth(text) == size[0], (keys, text)
