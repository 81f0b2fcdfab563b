"""The verb `config`: what the settings are and where they come from, and whether they work."""

from __future__ import annotations

import sys
from argparse import ArgumentParser, Namespace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from engine.cli.config_check import Finding, State, check
from engine.cli.exit_codes import ExitCode
from engine.cli.output import Column, Output, Report, write_report
from engine.cli.verbs import Verb
from engine.cli.wiring import add_settings
from engine.settings import MASK, Secret, without_login
from engine.settings.declare import EVERY_COMMAND
from engine.settings.load import Examined, Origin, examine
from engine.text import clean
from engine.wording import counted

DEFAULT = "default"
_SHOW, _CHECK = "show", "check"
_MARKS = {State.GOOD: "ok", State.NOTE: "!", State.WRONG: "!!", State.UNREACHED: "!!"}


def _configure(parser: ArgumentParser) -> None:
    parser.add_argument(
        "what",
        choices=(_SHOW, _CHECK),
        help="show every setting with its origin, or check that the settings work",
    )
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    add_settings(parser, EVERY_COMMAND)


def _run(arguments: Namespace) -> ExitCode:
    examined = examine(arguments)
    output = Output.of(sys.stdout, sys.stderr)
    if arguments.what == _SHOW:
        write_report(show_report(examined), output, as_json=arguments.json)
        is_wrong = any(origin.problem for origin in examined.origins)
        return ExitCode.USAGE if is_wrong else ExitCode.OK
    findings = tuple(check(examined))
    write_report(check_report(findings), output, as_json=arguments.json)
    states = {finding.state for finding in findings}
    if State.WRONG in states:
        return ExitCode.USAGE
    return ExitCode.UNREACHED if State.UNREACHED in states else ExitCode.OK


def show_report(examined: Examined) -> Report:
    """Return every setting with its value and its origin; secrets are masked."""
    wrong = sum(origin.problem is not None for origin in examined.origins)
    given = sum(origin.given is not None for origin in examined.origins)
    return Report(
        schema="nuvla-engine/config/1",
        taken_at=datetime.now(UTC),
        sources=(),
        facts={"profile": examined.profile, "files": [str(path) for path in examined.files]},
        items_name="settings",
        items=map(_origin_json, examined.origins),
        columns=(Column("SETTING"), Column("VALUE"), Column("FROM")),
        rows=[(each.key.label, shown(each), _source(each)) for each in examined.origins],
        summary=(
            f"{counted(given, 'setting')} of {len(examined.origins)} set, {wrong} wrong; "
            f"profile {examined.profile or 'none'}"
        ),
        empty="",
    )


def check_report(findings: tuple[Finding, ...]) -> Report:
    """Return what was checked, in order."""
    bad = sum(finding.state in (State.WRONG, State.UNREACHED) for finding in findings)
    return Report(
        schema="nuvla-engine/config-check/1",
        taken_at=datetime.now(UTC),
        sources=(),
        facts={"good": bad == 0},
        items_name="checks",
        items=(
            {"state": each.state.value, "subject": each.subject, "detail": each.detail}
            for each in findings
        ),
        columns=(Column(""), Column("CHECKED"), Column("RESULT")),
        rows=[(_MARKS[each.state], each.subject, each.detail) for each in findings],
        summary=f"{counted(len(findings), 'check')}, {bad} failed",
        empty="",
        is_sheet=True,
    )


def shown(origin: Origin) -> str:
    """Return a value as an operator would write it; a secret as its mask."""
    if origin.problem is not None:
        return f"WRONG: {origin.problem}"
    return _text(origin.value)


def _text(value: Any) -> str:
    if value is None or value == ():
        return "-"
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, Secret):
        return MASK
    if isinstance(value, tuple):
        return " ".join(map(_word, value))
    return f"{value:g}" if isinstance(value, float) else _word(value)


def _word(item: Any) -> str:
    if isinstance(item, tuple):
        name, seconds = item
        return f"{clean(name, limit=100)}={seconds:g}"
    return clean(without_login(str(item)), limit=400)


def _source(origin: Origin) -> str:
    given = origin.given
    if given is None:
        return DEFAULT
    file = f", in {clean(str(given.value), limit=200)}" if given.names_file else ""
    return clean(given.source, limit=400) + file


def _origin_json(origin: Origin) -> dict[str, Any]:
    return {
        "key": origin.key.label,
        "group": origin.key.group,
        "value": _plain(origin.value) if origin.problem is None else None,
        "secret": origin.key.is_secret,
        "from": _source(origin),
        "problem": origin.problem,
    }


def _plain(value: Any) -> Any:
    if isinstance(value, Secret):
        return MASK
    if isinstance(value, Path):
        return str(value)
    if isinstance(value, tuple):
        return [_plain(item) for item in value]
    return without_login(value) if isinstance(value, str) else value


VERBS = {"config": Verb(_configure, _run)}
