"""The verbs that show the live lists: queue, taken, elections, members."""

from __future__ import annotations

import sys
from argparse import ArgumentParser, ArgumentTypeError, Namespace
from collections.abc import Callable
from datetime import UTC, datetime

from engine.cli.exit_codes import ExitCode, exit_code_for
from engine.cli.output import Output, Report, write_failure, write_report
from engine.cli.report import elections_report, members_report, queue_report, taken_report
from engine.cli.verbs import Verb
from engine.cli.wiring import add_settings, open_zookeeper, own_paths, read_settings
from engine.errors import ApiError, EngineError
from engine.models import Source
from engine.settings import Settings
from engine.text import clean
from engine.view.elections import read_elections
from engine.view.members import read_members
from engine.view.queue import read_queue, read_taken

Reading = Callable[[Namespace, Settings], Report]


def positive(text: str) -> int:
    """Return a number of at least 1, as --limit takes it."""
    if not text.isdecimal() or int(text) < 1:
        raise ArgumentTypeError(f"{text!r} is not a number of 1 or more")
    return int(text)


def seconds(text: str) -> float:
    """Return a time of more than 0 seconds, as --for and --watch take it."""
    try:
        value = float(text)
    except ValueError:
        value = 0.0
    if not 0 < value < 1e9:
        raise ArgumentTypeError(f"{text!r} is not a number of seconds above 0")
    return value


def show(schema: str, reading: Reading, arguments: Namespace) -> ExitCode:
    """Read one view and write it.

    Raises:
        EngineError: a source failed; with --json, the object that says so has been written.
    """
    settings = read_settings(arguments)
    output = Output.of(sys.stdout, sys.stderr)
    try:
        report = reading(arguments, settings)
    except EngineError as error:
        if arguments.json and exit_code_for(error) is ExitCode.UNREACHED:
            name = "api" if isinstance(error, ApiError) else "zookeeper"
            source = Source(name=name, error=clean(str(error)))
            write_failure(schema, datetime.now(UTC), source, output.results)
        raise
    write_report(report, output, as_json=arguments.json)
    failed = any(source.error is not None for source in report.sources)
    return ExitCode.UNREACHED if failed else ExitCode.OK


def _queue(arguments: Namespace, settings: Settings) -> Report:
    # With a filter the limit counts what matches, so all entries are read.
    limit = None if arguments.filter else arguments.limit
    with open_zookeeper(settings) as zk:
        snapshot = read_queue(zk, limit=limit)
    return queue_report(snapshot, text=arguments.filter, limit=arguments.limit)


def _taken(arguments: Namespace, settings: Settings) -> Report:
    with open_zookeeper(settings) as zk:
        snapshot = read_taken(zk)
    return taken_report(snapshot, text=arguments.filter, limit=arguments.limit)


def _elections(arguments: Namespace, settings: Settings) -> Report:
    with open_zookeeper(settings) as zk:
        snapshot = read_elections(zk, own_paths(settings))
    return elections_report(snapshot, text=arguments.filter, limit=arguments.limit)


def _members(arguments: Namespace, settings: Settings) -> Report:
    with open_zookeeper(settings) as zk:
        snapshot = read_members(zk, own_paths(settings))
    return members_report(snapshot, text=arguments.filter, limit=arguments.limit)


def _list_verb(name: str, reading: Reading) -> Verb:
    def configure(parser: ArgumentParser) -> None:
        parser.add_argument("--json", action="store_true", help="print one JSON object")
        parser.add_argument("--limit", type=positive, metavar="N", help="show at most N")
        parser.add_argument(
            "--filter", default="", metavar="TEXT", help="show only lines that hold the text"
        )
        add_settings(parser, "verb")

    def run(arguments: Namespace) -> ExitCode:
        return show(f"nuvla-engine/{name}/1", reading, arguments)

    return Verb(configure, run)


VERBS = {
    "queue": _list_verb("queue", _queue),
    "taken": _list_verb("taken", _taken),
    "elections": _list_verb("elections", _elections),
    "members": _list_verb("members", _members),
}
