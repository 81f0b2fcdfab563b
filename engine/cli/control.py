"""The verb that asks members whether they work: ping."""

from __future__ import annotations

import socket
import sys
from argparse import ArgumentParser, ArgumentTypeError, Namespace
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

from engine.act.audit import who_acts
from engine.cli.exit_codes import ExitCode
from engine.cli.output import Column, Output, Report, write_report
from engine.cli.report import zookeeper_source
from engine.cli.verbs import Verb
from engine.cli.wiring import add_settings, open_zookeeper, own_paths, read_settings
from engine.models import Member
from engine.text import clean
from engine.view.members import read_members
from engine.view.pings import Ping, ping_members
from engine.wording import counted

TIMEOUT = 5.0
LONGEST = 300.0
COLUMNS = (
    Column("MEMBER"),
    Column("PID", right=True),
    Column("ANSWERED", right=True),
    Column("SAYS"),
)


def _seconds(text: str) -> float:
    try:
        value = float(text)
    except ValueError:
        value = 0.0
    if not 0 < value <= LONGEST:
        raise ArgumentTypeError(f"{text!r} is not within 0 to {LONGEST:g} seconds")
    return value


def _configure(parser: ArgumentParser) -> None:
    parser.add_argument(
        "member",
        nargs="?",
        metavar="MEMBER",
        help="its name or instance; none: all members of this host",
    )
    parser.add_argument(
        "--timeout",
        type=_seconds,
        default=TIMEOUT,
        metavar="SECONDS",
        help=f"how long to wait for an answer (default {TIMEOUT:g})",
    )
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    add_settings(parser, "verb")


def _ping(arguments: Namespace) -> ExitCode:
    settings = read_settings(arguments)
    own = own_paths(settings)
    with open_zookeeper(settings) as zk:
        asked = _chosen(read_members(zk, own).members, arguments.member)
        pings = ping_members(zk, own, asked, by=str(who_acts()), timeout=arguments.timeout)
    output = Output.of(sys.stdout, sys.stderr)
    write_report(_report(pings, arguments.member), output, as_json=arguments.json)
    is_well = bool(pings) and all(ping.is_well for ping in pings)
    return ExitCode.OK if is_well else ExitCode.REFUSED


def _chosen(members: Sequence[Member], name: str | None) -> list[Member]:
    """Return the members of this host, the one instance, or all of a name."""
    if name is None:
        host = clean(socket.gethostname(), limit=256)
        return [member for member in members if member.host == host]
    exact = [member for member in members if member.instance == name]
    named = [member for member in members if member.name == name]
    return exact or named or [member for member in members if member.instance.startswith(name)]


def _report(pings: Sequence[Ping], name: str | None) -> Report:
    now = datetime.now(UTC)
    well = sum(ping.is_well for ping in pings)
    if name is None:
        empty = "no member of this engine runs on this host: is the service up?"
    else:
        shown = clean(name, limit=200)
        empty = f"there is no member {shown}: `nuvla-engine members` shows who is there"
    return Report(
        schema="nuvla-engine/ping/1",
        taken_at=now,
        sources=[zookeeper_source(now)],
        items_name="members",
        items=(_item(ping) for ping in pings),
        columns=COLUMNS,
        rows=(_row(ping) for ping in pings),
        summary=f"{well} of {counted(len(pings), 'member')} well" if pings else "nobody answers",
        empty=empty,
    )


def _item(ping: Ping) -> dict[str, Any]:
    return {
        "instance": ping.member.instance,
        "kind": str(ping.member.kind),
        "name": ping.member.name,
        "host": ping.member.host,
        "pid": ping.member.pid,
        "well": ping.is_well,
        "detail": ping.detail,
        "seconds": None if ping.seconds is None else round(ping.seconds, 4),
    }


def _row(ping: Ping) -> tuple[str, ...]:
    took = "no" if ping.seconds is None else f"{ping.seconds * 1000:.0f} ms"
    mark = "" if ping.is_well else "NOT WELL: "
    return ping.member.name, str(ping.member.pid), took, mark + ping.detail


VERBS = {"ping": Verb(_configure, _ping)}
