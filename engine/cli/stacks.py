"""The verb that shows where threads stand: stacks."""

from __future__ import annotations

import sys
from argparse import ArgumentParser, ArgumentTypeError, Namespace
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime

from engine.act.audit import who_acts
from engine.cli.documents import job_id
from engine.cli.exit_codes import ExitCode
from engine.cli.output import Output, write_report
from engine.cli.stacks_report import detail_lines, fleet_report, troubles
from engine.cli.verbs import Verb
from engine.cli.views import positive
from engine.cli.wiring import add_settings, open_zookeeper, own_paths, read_settings
from engine.errors import MemberGone, StacksUnavailable
from engine.models import Member, Source
from engine.settings import Settings
from engine.text import clean
from engine.view.stacks import MemberStacks, local_stacks, read_fleet, read_known

LONGEST_INTERVAL = 3600.0


def seconds(text: str) -> float:
    """Return seconds between two samples."""
    try:
        value = float(text)
    except ValueError:
        value = -1.0
    if not 0 <= value <= LONGEST_INTERVAL:
        raise ArgumentTypeError(f"{text!r} is not within 0 to {LONGEST_INTERVAL:g} seconds")
    return value


def _configure(parser: ArgumentParser) -> None:
    whose = parser.add_mutually_exclusive_group()
    whose.add_argument(
        "member", nargs="?", metavar="MEMBER", help="its name or instance; none: all, grouped"
    )
    whose.add_argument("--all", action="store_true", help="all members, equal stacks in one line")
    whose.add_argument(
        "--pid", type=positive, metavar="N", help="a Python process of this host, by py-spy"
    )
    whose.add_argument("--job", type=job_id, metavar="JOB", help="the thread that works on a job")
    parser.add_argument(
        "--samples", type=positive, default=1, metavar="N", help="take so many, and compare them"
    )
    parser.add_argument(
        "--interval", type=seconds, default=1.0, metavar="SECONDS", help="between two (default 1)"
    )
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    add_settings(parser, "verb")


def _stacks(arguments: Namespace) -> ExitCode:
    if arguments.pid is not None:
        pid, samples, interval = arguments.pid, arguments.samples, arguments.interval
        reports = local_stacks(pid, samples=samples, interval=interval)
        return _show(arguments, [MemberStacks(name=f"process {pid}", reports=reports)], ())
    fleet = _read(arguments, read_settings(arguments))
    return _show(arguments, fleet, (Source(name="zookeeper", read_at=datetime.now(UTC)),))


def _read(arguments: Namespace, settings: Settings) -> Sequence[MemberStacks]:
    own = own_paths(settings)
    with open_zookeeper(settings) as zk:
        known: Mapping[str, Member | None] = read_known(zk, own)
        if arguments.member is not None:
            known = _named(arguments.member, known)
        elif arguments.job is not None:
            known = _owners(arguments.job, known)
        by = str(who_acts())
        samples, interval = arguments.samples, arguments.interval
        return read_fleet(zk, own, known, by=by, samples=samples, interval=interval)


def _named(name: str, known: Mapping[str, Member | None]) -> Mapping[str, Member | None]:
    """Return the one instance, or all members of a name."""
    if name in known:
        return {name: known[name]}
    of_name = [key for key, each in known.items() if each is not None and each.name == name]
    found = of_name or [key for key in known if key.startswith(name)]
    if not found:
        raise MemberGone(
            f"there is no member {clean(name, limit=200)}: "
            "`nuvla-engine members` shows who is there"
        )
    return {key: known[key] for key in found}


def _owners(job: str, known: Mapping[str, Member | None]) -> Mapping[str, Member | None]:
    """Return the members that say they work on a job; a second one means that it runs twice."""
    found = [
        key
        for key, each in known.items()
        if each is not None and any(running.job_id == job for running in each.jobs)
    ]
    if not found:
        raise StacksUnavailable(
            f"no member says that it works on {job}: `nuvla-engine job {job}` shows who holds it; "
            "a published executor answers to --pid only, on its host"
        )
    return {key: known[key] for key in found}


def _show(
    arguments: Namespace, fleet: Sequence[MemberStacks], sources: Sequence[Source]
) -> ExitCode:
    now = datetime.now(UTC)
    output = Output.of(sys.stdout, sys.stderr)
    is_one = arguments.pid is not None or arguments.member is not None or arguments.job is not None
    if arguments.json or not is_one:
        write_report(fleet_report(fleet, now, sources), output, as_json=arguments.json)
    else:
        _write_each(fleet, output, now, arguments.job)
    if not is_one and not arguments.json:
        for line in troubles(fleet):
            print(f"! {line}", file=output.remarks)
    return ExitCode.UNREACHED if any(each.error for each in fleet) else ExitCode.OK


def _write_each(
    fleet: Sequence[MemberStacks], output: Output, now: datetime, job: str | None
) -> None:
    for place, each in enumerate(fleet):
        if each.error:
            print(f"nuvla-engine: {each.name}: {each.error}", file=output.remarks)
            continue
        if place:
            print(file=output.results)
        for line in detail_lines(each, now, job_id=job, width=output.width):
            print(line, file=output.results)


VERBS = {"stacks": Verb(_configure, _stacks)}
