"""The open console while ZooKeeper and the API stop and start: old facts are marked, none is lost.

The real console under a real terminal, over servers that are killed and started again.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from kazoo.client import KazooClient

from engine.local.zookeeper import ZooKeeperServer
from tests.console.terminal import Terminal
from tests.faults.job_api import JobApi
from tests.faults.job_store import PASSWORD, USER, JobStore, new_document
from tests.faults.ports import steady_port
from tests.faults.proxy import Proxy
from tests.support import eventually

pytestmark = pytest.mark.faults
AREAS = "234567891"
BOUND = 10.0
"""Seconds; it is meant to take two, on a machine that has nothing else to do."""
JOB = "job/3d2f5b0e-5f5e-4a6c-9d5e-0a6b7c8d9e0f"
STALE_ZK = re.compile(r"zk ✗ stale +\d+s")
STALE_API = re.compile(r"api ✗ stale +\d+s")
TROUBLE = re.compile(r"Traceback|Error:|exception", re.IGNORECASE)


@dataclass
class Sources:
    """Both servers, and how a console reaches them."""

    zookeeper: ZooKeeperServer
    api: JobApi
    environ: dict[str, str]

    def put(self, *names: str) -> None:
        """Add entries of the job."""
        client = KazooClient(self.zookeeper.hosts)
        client.start(timeout=15)
        for name in names:
            client.create(f"/job/entries/{name}", JOB.encode(), makepath=True)
        client.ensure_path("/job/taken")
        client.stop()
        client.close()


@pytest.fixture
def sources(tmp_path: Path) -> Iterator[Sources]:
    """Both servers; ZooKeeper is not started."""
    server = ZooKeeperServer(tmp_path / "zk", port=steady_port(), tick=2000, durable=False)
    api = JobApi(JobStore(lambda job, priority: ""))
    api.store.put(new_document(JOB, action="cleanup"))
    environ = {
        "NUVLA_ZK_HOSTS": server.hosts,
        "NUVLA_API_URL": api.url,
        "NUVLA_API_USER": USER,
        "NUVLA_API_PASS": PASSWORD,
        "XDG_CONFIG_HOME": str(tmp_path),
    }
    yield Sources(server, api, environ)
    server.kill()
    api.close()


def shows(terminal: Terminal, *texts: str, within: float = 30.0) -> None:
    """Wait until the window shows all of these."""
    try:
        eventually(lambda: all(text in terminal.text() for text in texts), within=within)
    except AssertionError:
        raise AssertionError(f"{texts} are not on the screen:\n{terminal.text()}") from None


def matches(terminal: Terminal, pattern: re.Pattern[str], *, within: float = BOUND) -> str:
    """Wait until the window shows this, and return it."""
    found = eventually(lambda: pattern.search(terminal.text()), pattern.pattern, within=within)
    return found[0]


def test_what_is_lost_is_marked_old_and_comes_back_by_itself(sources: Sources) -> None:
    sources.zookeeper.start()
    sources.put("entry-999-0000000001")
    with Terminal([], columns=120, lines=30, environ=sources.environ) as terminal:
        shows(terminal, "zk ●", "api ●", within=60)
        terminal.press("2")
        shows(terminal, "1 entry", "cleanup")

        sources.zookeeper.kill()
        matches(terminal, STALE_ZK)
        shows(terminal, "✗ ZooKeeper", "silent for", "cleanup", "api ●")
        age = matches(terminal, STALE_ZK)
        eventually(lambda: matches(terminal, STALE_ZK) != age, "its age grows")

        sources.api.close()
        matches(terminal, STALE_API)
        shows(terminal, "✗ The API", "cleanup")

        sources.zookeeper.start()
        sources.put("entry-999-0000000002")
        shows(terminal, "zk ●", "2 entries")
        assert STALE_API.search(terminal.text()), "one source does not speak for the other"

        sources.api.open()
        shows(terminal, "api ●")
        assert "silent for" not in terminal.text()
        terminal.press("8")
        shows(terminal, "✗  ZooKeeper ", "✗  the API ", "✓  the API answers")
        assert not TROUBLE.search(terminal.text())


def test_a_source_that_is_open_and_mute_is_marked_old_while_nothing_happens(
    sources: Sources,
) -> None:
    sources.zookeeper.start()
    sources.put("entry-999-0000000001")
    with (
        Proxy(int(sources.api.url.rpartition(":")[2])) as link,
        Terminal(
            [],
            columns=120,
            lines=30,
            environ={**sources.environ, "NUVLA_API_URL": f"http://{link.hosts}"},
        ) as terminal,
    ):
        shows(terminal, "zk ●", "api ●", within=60)
        sources.zookeeper.pause()
        try:
            matches(terminal, STALE_ZK)
            shows(terminal, "the connection is open, but silent", "api ●")
        finally:
            sources.zookeeper.resume()
        shows(terminal, "zk ●")
        link.pause()
        matches(terminal, STALE_API)
        shows(terminal, "zk ●")
        link.resume()
        shows(terminal, "api ●")


def test_it_opens_without_both_says_what_is_missing_and_finds_them_later(sources: Sources) -> None:
    sources.api.close()
    with Terminal([], columns=120, lines=30, environ=sources.environ) as terminal:
        shows(terminal, "zk ✗ stale", "api ✗ stale", within=60)
        shows(terminal, "✗ ZooKeeper", "✗ The API", "not reached yet")
        assert sources.zookeeper.hosts in terminal.text(), "it says where it looks"
        assert re.search("(?i)refused", terminal.text()), "and why that fails"
        for area in AREAS:
            mark = terminal.count()
            terminal.press(area)
            eventually(lambda mark=mark: terminal.count() > mark, f"area {area} is drawn")  # type: ignore[misc]
            assert terminal.process.poll() is None
            assert not TROUBLE.search(terminal.text()), terminal.text()
        terminal.press("2")
        sources.zookeeper.start()
        sources.put("entry-999-0000000001")
        sources.api.open()
        shows(terminal, "zk ●", "api ●", within=60)
        shows(terminal, "1 entry", "cleanup")
        assert "not reached" not in terminal.text()


def test_it_leaves_at_once_while_both_are_gone(sources: Sources) -> None:
    sources.zookeeper.start()
    sources.put("entry-999-0000000001")
    with Terminal([], columns=120, lines=30, environ=sources.environ) as terminal:
        shows(terminal, "zk ●", "api ●", within=60)
        sources.zookeeper.kill()
        sources.api.close()
        matches(terminal, STALE_ZK)
        terminal.press("q")
        assert terminal.process.wait(BOUND) == 0
        assert b"Traceback" not in terminal.since(0)
