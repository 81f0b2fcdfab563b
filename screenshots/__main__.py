"""Takes the pictures: the real app over the local platform with the demonstration's services.

Run: python -m screenshots. What a demonstration seldom shows is planted beside it: a bulk job with
children, a foreign executor, an executor of another version that drains, a vacant election.
"""

from __future__ import annotations

import asyncio
import tempfile
import time
import uuid
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path

from textual.pilot import Pilot

from engine.cli.demo.__main__ import Installation, installation
from engine.local.demo_jobs import random_job
from engine.models import JobRequest, Member, MemberKind, MemberState
from engine.zookeeper.connection import ZooKeeper
from engine.zookeeper.paths import OwnPaths, election_path, entry_prefix, lock_path
from nuvla_console.app import ConsoleApp
from nuvla_console.demo import local_profile
from screenshots.picture import picture

FOLDER = Path(__file__).parent
ROOT = FOLDER.parent
ELSEWHERE = "/opt/nuvla-console".ljust(len(str(ROOT)), "-")[: len(str(ROOT))]
"""Stands in for this checkout's path, and is as long: it shows in tracebacks."""
SIZES = ((80, 24), (160, 48))
WARM_UP = 45.0
"""Seconds of the demonstration before the pictures: charts and ages need some past."""
WAITING = 90
VIEWS: tuple[tuple[str, Sequence[str]], ...] = (
    ("overview", ("1",)),
    ("queue", ("2",)),
    ("taken", ("3",)),
    ("jobs", ("4", ":", *"jobs", "enter")),
    ("failed", (":", *"jobs state=failed", "enter")),
    ("job", ("enter",)),
    ("document", ("y",)),
    ("bulk", ("escape", "escape", ":", *"jobs action=bulk_update", "enter", "x")),
    ("elections", ("5",)),
    ("executors", ("6",)),
    ("stacks", (":", *"stacks executor-1", "enter")),
    ("log", ("8",)),
    ("findings", ("9", "r")),
    ("dossier", ("3", "enter")),
    ("plan", ("escape", "w", "U")),
    ("bulk-plan", ("escape", "2", *["space"] * 12, "X")),
    ("help", ("escape", "escape", "w", "2", "?")),
)
"""Names of the pictures, and the keys that lead from the one before."""


def main() -> None:
    """Take all pictures."""
    with (
        tempfile.TemporaryDirectory(prefix="nuvla-pictures-") as folder,
        installation(Path(folder)) as running,
    ):
        zk = ZooKeeper(running.platform.zk_hosts)
        zk.start()
        try:
            zk.wait_connected(15)
            time.sleep(WARM_UP)
            plant(running, zk)
            for size in SIZES:
                asyncio.run(take(running, size))
        finally:
            zk.close()


def plant(running: Installation, zk: ZooKeeper) -> None:
    """Add what the demonstration does not show by itself."""
    client = running.client
    parent = client.add_job(JobRequest(action="bulk_update", target="deployment"))
    for _ in range(3):
        client.add_job(JobRequest(action="demo_slow", parent=parent, target="deployment/demo-7"))
    for _ in range(WAITING):
        client.add_job(random_job())
    zk.ensure(election_path("restart_watchdog"))
    foreign = zk.create(entry_prefix(5), f"job/{uuid.uuid4()}".encode(), sequential=True)
    zk.create(lock_path(foreign.rpartition("/")[2]), uuid.uuid4().hex.encode(), ephemeral=True)
    now = datetime.now(UTC)
    old = Member(
        instance="executor-0.node2.1880.5f3a",
        kind=MemberKind.EXECUTOR,
        name="executor-0",
        host="node2.example.org",
        pid=1880,
        version="0.0.9",
        started=now - timedelta(days=12),
        state=MemberState.DRAINING,
        threads=4,
        offers=("demo_quick", "demo_slow"),
        last_errors=("13:58:40 demo_slow: ConnectionError: 10.0.0.5:443 refused the connection",),
        updated=now,
    )
    zk.create(OwnPaths().member(old.instance), old.to_node(), ephemeral=True)


async def take(running: Installation, size: tuple[int, int]) -> None:
    """Take every view at one size."""
    profile = local_profile(running.platform)
    app = ConsoleApp({profile.name: profile}, start=profile.name)
    async with app.run_test(size=size) as pilot:
        await asyncio.sleep(12)
        for name, keys in VIEWS:
            await show(pilot, keys)
            drawn = picture(app, f"nuvla-console: {name}").replace(str(ROOT), ELSEWHERE)
            path = FOLDER / f"{name}-{size[0]}x{size[1]}.svg"
            path.write_text(drawn, "utf-8")
            print(path.relative_to(ROOT))


async def show(pilot: Pilot[None], keys: Sequence[str]) -> None:
    """Press keys, and wait until what they ask for is there."""
    for key in keys:
        await pilot.press(key)
        await pilot.pause()
    await asyncio.sleep(3)
    await pilot.pause()


if __name__ == "__main__":
    main()
