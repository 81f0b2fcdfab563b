"""Runs the demonstration: `python -m engine.cli.demo [--seconds N]`."""

from __future__ import annotations

import sys
import tempfile
import threading
import time
from argparse import ArgumentParser
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, closing, contextmanager
from pathlib import Path
from typing import NamedTuple

from rich.console import Console
from rich.live import Live

from engine.cli.demo.screen import screen, summary_line
from engine.cli.demo.stream import JobStream
from engine.cli.demo.watch import DemoPicture, DemoWatch
from engine.cli.exit_codes import ExitCode, exit_code_for
from engine.cli.local import open_platform, start_services
from engine.cli.signals import on_stop
from engine.cli.views import positive
from engine.errors import ApiError, EngineError, ZooKeeperError
from engine.local.children import Children
from engine.local.platform import LocalPlatform, Platform
from engine.nuvla.client import NuvlaClient
from engine.settings import load
from engine.zookeeper.connection import ZooKeeper
from engine.zookeeper.paths import OwnPaths

EXECUTORS, THREADS = 2, 4
SESSION_SECONDS, GRACE_SECONDS = "6", "2"
"""Short, so that a demonstration ends soon although one of its jobs hangs."""
RATE = 6.0
"""Jobs a second: about what the threads can do, so that the queue breathes."""
STOP_SECONDS = 6.0
TICK = 1.0
INTERVALS = ("dummy_test_action=5", "jobs_cleanup=15", "monitor_bulk_jobs=10")

Show = Callable[[DemoPicture], None]


class Installation(NamedTuple):
    """What runs for the demonstration."""

    platform: Platform
    client: NuvlaClient
    checks: tuple[Callable[[], None], ...]
    """Each raises where a part has ended."""


def main(argv: Sequence[str] | None = None) -> int:
    """Run the demonstration until Ctrl-C, or for the seconds that were asked for."""
    parser = ArgumentParser(prog="make demo", description=__doc__)
    parser.add_argument("--seconds", type=positive, metavar="N", help="end after N seconds")
    arguments = parser.parse_args(argv)
    stop = threading.Event()
    try:
        with on_stop(stop.set), tempfile.TemporaryDirectory(prefix="nuvla-demo-") as folder:
            demonstrate(Path(folder), stop, arguments.seconds)
    except EngineError as error:
        print(f"demo: {error}", file=sys.stderr)
        return exit_code_for(error)
    except BrokenPipeError:
        return ExitCode.CLOSED_PIPE
    return ExitCode.OK


@contextmanager
def installation(folder: Path) -> Iterator[Installation]:
    """Run everything in a folder for as long as the context lasts.

    Raises:
        EngineError: a part could not be started.
    """
    local = LocalPlatform(folder, jar=load().zk_jar)
    with ExitStack() as stack:
        stack.callback(local.stop)
        platform = local.start()
        children = Children(local.folder.logs, keep_open=(local.folder.lock,))
        stack.callback(children.stop, STOP_SECONDS)
        start_services(
            children,
            [*platform.flags(), "--zk-session-timeout", SESSION_SECONDS],
            executors=EXECUTORS,
            threads=THREADS,
            distributors=["--all", "--interval", *INTERVALS],
            executor_flags=["--grace", GRACE_SECONDS],
        )
        client = stack.enter_context(open_platform(platform))
        stream = JobStream(client, rate=RATE)
        stack.callback(stream.stop)
        stream.start()
        yield Installation(platform, client, (local.check, children.check))


def demonstrate(folder: Path, stop: threading.Event, seconds: int | None) -> None:
    """Start everything, show it until the stop, and end everything.

    Raises:
        EngineError: a part could not be started, or has ended.
    """
    print("demo: starting ZooKeeper, the API, executors and distributors", file=sys.stderr)
    with installation(folder) as running, closing(ZooKeeper(running.platform.zk_hosts)) as zk:
        zk.start()
        watch = DemoWatch(zk, running.client, OwnPaths())
        with display(running.platform) as show:
            _follow(watch, show, stop, seconds, checks=running.checks)
        print("demo: stopping", file=sys.stderr)


@contextmanager
def display(platform: Platform) -> Iterator[Show]:
    """Give a function that shows a picture: on a terminal a screen, elsewhere a line."""
    console = Console()
    if not console.is_terminal:
        yield lambda picture: print(summary_line(picture), flush=True)
        return
    hint = "look from another terminal: nuvla-engine queue " + " ".join(platform.flags())
    with Live(console=console, screen=True, auto_refresh=False) as live:
        yield lambda picture: live.update(screen(picture, hint), refresh=True)


def _follow(
    watch: DemoWatch,
    show: Show,
    stop: threading.Event,
    seconds: int | None,
    checks: Sequence[Callable[[], None]],
) -> None:
    """Show a picture each tick until the stop, or for some seconds."""
    end = None if seconds is None else time.monotonic() + seconds
    while not stop.is_set() and (end is None or time.monotonic() < end):
        for check in checks:
            check()
        try:
            show(watch.take())
        except (ApiError, ZooKeeperError) as error:
            print(f"demo: no picture: {error}", file=sys.stderr)
        stop.wait(TICK)


if __name__ == "__main__":
    sys.exit(main())
