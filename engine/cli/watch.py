"""The verb `watch`: changes of the queue, the locks, the elections and the members, as lines."""

from __future__ import annotations

import json
import select
import sys
import threading
import time
from argparse import ArgumentParser, Namespace
from collections.abc import Collection
from datetime import UTC, datetime
from typing import TextIO

from engine.cli.exit_codes import ExitCode
from engine.cli.signals import on_stop
from engine.cli.verbs import Verb
from engine.cli.views import seconds
from engine.cli.wiring import add_settings, make_zookeeper, own_paths, read_settings
from engine.errors import ZooKeeperUnavailable
from engine.models import format_time
from engine.view.changes import Change, Differ, Kind, What
from engine.view.live_queue import LiveQueue
from engine.view.picture import Picture
from engine.wording import counted

_STEP = 0.5
"""Seconds after which a reader that went away is noticed, and a source that fell silent."""
_MARKS = {What.CAME: "+", What.WENT: "-", What.CHANGED: "~"}


def _watch(arguments: Namespace) -> ExitCode:
    settings = read_settings(arguments)
    kinds = frozenset(map(Kind, arguments.only)) if arguments.only else frozenset(Kind)
    live = LiveQueue(make_zookeeper(settings), own_paths(settings))
    until = float("inf") if arguments.seconds is None else time.monotonic() + arguments.seconds
    stopping = threading.Event()

    def stop() -> None:
        stopping.set()
        live.wake()

    with on_stop(stop):
        live.start()
        try:
            was_whole = _follow(live, kinds, stopping, until, as_json=arguments.json)
        finally:
            live.stop()
    if was_whole or stopping.is_set():
        return ExitCode.OK
    raise ZooKeeperUnavailable(
        f"ZooKeeper at {live.picture.zookeeper.where} was not reached: is it up, and is "
        "--zk-hosts right?"
    )


def _follow(
    live: LiveQueue,
    kinds: Collection[Kind],
    stopping: threading.Event,
    until: float,
    *,
    as_json: bool,
) -> bool:
    """Print what changes until it is time to end; return whether everything was seen once."""
    differ = Differ()
    was_whole = False
    while not stopping.is_set() and time.monotonic() < until:
        picture = live.wait(min(_STEP, max(0.0, until - time.monotonic())))
        # The time is taken once for all that is noticed together.
        now = datetime.now(UTC)
        lines = [_line(c, as_json) for c in differ.changes(picture, now) if c.kind in kinds]
        if lines:
            sys.stdout.write("".join(lines))
            sys.stdout.flush()
        if differ.is_whole and not was_whole:
            was_whole = True
            _begin(picture, now, as_json=as_json)
        if _is_unread(sys.stdout):
            raise BrokenPipeError
    return was_whole


def _begin(picture: Picture, now: datetime, *, as_json: bool) -> None:
    """Say what is there before the first change."""
    depth = picture.queue.depth if picture.queue else 0
    held = len(picture.taken.locks) if picture.taken else 0
    members = len(picture.members.members) if picture.members else 0
    elections = len(picture.elections.elections) if picture.elections else 0
    if as_json:
        start = {
            "schema": "nuvla-engine/watch/1",
            "at": format_time(now),
            "entries": depth,
            "locks": held,
            "members": members,
            "elections": elections,
        }
        sys.stdout.write(json.dumps(start) + "\n")
        sys.stdout.flush()
        return
    print(
        f"watching {counted(depth, 'entry', 'entries')}, {counted(held, 'lock')}, "
        f"{counted(members, 'member')} and {counted(elections, 'election')}",
        file=sys.stderr,
    )


def _line(change: Change, as_json: bool) -> str:
    if as_json:
        raw = {
            "at": format_time(change.at),
            "kind": change.kind,
            "what": change.what,
            "subject": change.subject,
            "job": change.job_id,
            "text": change.text,
        }
        return json.dumps(raw) + "\n"
    clock = change.at.astimezone().strftime("%H:%M:%S")
    words = (clock, _MARKS[change.what], f"{change.kind:<9}", change.subject, change.job_id or "")
    return "  ".join(filter(None, (*words, change.text))) + "\n"


def _is_unread(stream: TextIO) -> bool:
    """Whether the reader of a pipe went away, though nothing is written to it at the moment."""
    try:
        poll = select.poll()
        poll.register(stream.fileno(), select.POLLERR)
        return any(event & select.POLLERR for _, event in poll.poll(0))
    except (OSError, ValueError):
        return False


def _configure(parser: ArgumentParser) -> None:
    parser.add_argument("--json", action="store_true", help="print one JSON object a line")
    parser.add_argument(
        "--only",
        action="append",
        choices=list(Kind),
        metavar="KIND",
        help=f"print changes of this kind only, of {', '.join(Kind)}; can be given again",
    )
    parser.add_argument(
        "--for",
        dest="seconds",
        type=seconds,
        metavar="SECONDS",
        help="end after so many seconds; else Ctrl-C ends it",
    )
    add_settings(parser, "verb")


VERBS = {"watch": Verb(_configure, _watch)}
