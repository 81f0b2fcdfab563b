"""The verb `audit`: what was done to the queue and its jobs, by whom, and how it ended."""

from __future__ import annotations

import re
from argparse import ArgumentParser, ArgumentTypeError, Namespace
from datetime import UTC, datetime, timedelta
from typing import Any

from engine.act.audit import audit_file
from engine.cli.documents import job_id
from engine.cli.json_forms import optional_time
from engine.cli.output import Column, Report
from engine.cli.verbs import Verb
from engine.cli.views import positive, show
from engine.cli.wiring import add_settings, open_zookeeper, own_paths
from engine.models import ActRecord, AuditLog, Ending, Source, format_time, parse_time
from engine.settings import Settings
from engine.view.audit import Wanted, read_audit_file, read_audit_nodes
from engine.wording import counted

DEFAULT_LIMIT = 100
COLUMNS = (
    Column("WHEN (UTC)"),
    Column("ACT"),
    Column("SUBJECT", is_id=True),
    Column("OUTCOME"),
    Column("BY"),
    Column("REASON AND RESULT"),
)
UNKNOWN = "unknown"
_SPAN = re.compile(r"(\d{1,6})([smhdw])", re.ASCII)
_UNITS = {"s": "seconds", "m": "minutes", "h": "hours", "d": "days", "w": "weeks"}


def moment(text: str) -> datetime:
    """Return the moment that `--since` names: so long ago, or a time of the API."""
    span = _SPAN.fullmatch(text)
    if span is not None:
        return datetime.now(UTC) - timedelta(**{_UNITS[span[2]]: int(span[1])})
    when = parse_time(text) or parse_time(f"{text}T00:00:00Z")
    if when is None:
        raise ArgumentTypeError(f"{text!r} is neither 30m, 12h or 7d nor 2026-11-26T09:00:00Z")
    return when


def _configure(parser: ArgumentParser) -> None:
    parser.add_argument("--json", action="store_true", help="print one JSON object, with the plans")
    parser.add_argument(
        "--limit",
        type=positive,
        default=DEFAULT_LIMIT,
        metavar="N",
        help=f"show the newest N (default {DEFAULT_LIMIT})",
    )
    parser.add_argument(
        "--since", type=moment, metavar="WHEN", help="from 30m, 12h, 7d ago or from a date on"
    )
    parser.add_argument("--act", metavar="NAME", help="only acts of this name, such as release")
    parser.add_argument("--job", type=job_id, metavar="JOB", help="only acts that name this job")
    parser.add_argument(
        "--shared", action="store_true", help="read the record in ZooKeeper, not this host's file"
    )
    add_settings(parser, "verb")


def _audit(arguments: Namespace, settings: Settings) -> Report:
    wanted = Wanted(
        since=arguments.since, act=arguments.act, job=arguments.job, limit=arguments.limit
    )
    if arguments.shared:
        with open_zookeeper(settings) as zk:
            log = read_audit_nodes(zk, own_paths(settings), wanted)
        return _report(log, "zookeeper", settings.zk_root)
    path = audit_file(settings)
    return _report(read_audit_file(path, wanted), "file", str(path))


def _report(log: AuditLog, source: str, place: str) -> Report:
    unknown = sum(record.ending is None for record in log.records)
    summary = f"{counted(len(log.records), 'act')} in {place}"
    if log.left_out:
        summary += f", {log.left_out:,} older not shown"
    if unknown:
        summary += f"; the outcome of {unknown:,} is unknown"
    if log.damaged:
        summary += f"; {counted(log.damaged, 'damaged line')}"
    return Report(
        schema="nuvla-engine/audit/1",
        taken_at=log.taken_at,
        sources=[Source(name=source, read_at=log.taken_at)],
        facts={"place": place, "left_out": log.left_out, "damaged": log.damaged},
        items_name="acts",
        items=(act_json(record) for record in log.records),
        columns=COLUMNS,
        rows=(_row(record) for record in log.records),
        summary=summary,
        empty="No such act is on record; every act leaves one, also from the console.",
    )


def act_json(record: ActRecord) -> dict[str, Any]:
    """Return an act as one JSON object."""
    return {
        "id": record.id,
        "at": format_time(record.at),
        "act": record.act,
        "subject": record.subject,
        "who": {
            "user": record.who.user,
            "host": record.who.host,
            "pid": record.who.pid,
            "login": record.who.login,
        },
        "profile": record.profile,
        "reason": record.reason,
        "outcome": str(record.ending or UNKNOWN),
        "detail": record.detail,
        "ended_at": optional_time(record.ended_at),
        "plan": record.plan,
    }


def _row(record: ActRecord) -> tuple[str, ...]:
    return (
        f"{record.at:%Y-%m-%d %H:%M:%S}",
        record.act,
        record.subject,
        str(record.ending or UNKNOWN),
        str(record.who),
        "; ".join(text for text in (record.reason, record.detail, _look(record)) if text),
    )


def _look(record: ActRecord) -> str:
    """Return how to find out what an act did whose end nobody knows."""
    if record.ending not in (None, Ending.MAYBE_APPLIED):
        return ""
    if record.subject.startswith("job/"):
        return f"look at: nuvla-engine why {record.subject}"
    return "look before it is repeated"


VERBS = {
    "audit": Verb(_configure, lambda arguments: show("nuvla-engine/audit/1", _audit, arguments))
}
