"""The verbs that act on what is there: each made from its act in the registry."""

from __future__ import annotations

import json
import sys
from argparse import ArgumentParser, ArgumentTypeError, Namespace
from collections.abc import Callable

from engine.act.acts import ACTS, Act, Argument
from engine.act.apply import apply
from engine.act.audit import Audit, who_acts
from engine.act.plan import Options, Plan
from engine.act.selecting import SCOPES
from engine.act.sources import Sources
from engine.cli.act_sources import ask, open_sources
from engine.cli.bulk import add_bulk_flags, is_bulk, run_bulk
from engine.cli.documents import job_id
from engine.cli.exit_codes import ExitCode
from engine.cli.plan_report import act_json, outcome_line, plan_lines
from engine.cli.verbs import Verb
from engine.cli.wiring import add_settings, read_settings, refuse_if_read_only
from engine.models import Outcome
from engine.settings import Settings
from engine.text import clean
from engine.zookeeper.paths import ENTRIES, is_entry_name

DESCRIPTIONS = {
    Argument.JOB: ("JOB", 'the job\'s id; "job/" may be left out'),
    Argument.ENTRY: ("JOB|ENTRY", "the job's id, or the name of one entry of the queue"),
    Argument.MEMBER: ("MEMBER", "its name or instance, or the id of a job that it holds"),
}


def entry_or_job(text: str) -> str:
    """Return the name of an entry, or a job id."""
    name = text.removeprefix(f"{ENTRIES}/")
    if is_entry_name(name):
        return name
    if name.startswith("entry-") or name != text:
        raise ArgumentTypeError(f"{clean(text, limit=80)!r} is not the name of an entry")
    return job_id(text)


def member(text: str) -> str:
    """Return what names a member."""
    if not text.strip():
        raise ArgumentTypeError("it is blank")
    return text


def priority(text: str) -> int:
    """Return a job's priority."""
    if not text.isdecimal() or int(text) > 999:
        raise ArgumentTypeError(f"{text!r} is not within 0 to 999")
    return int(text)


_PARSERS: dict[Argument, Callable[[str], str]] = {
    Argument.JOB: job_id,
    Argument.ENTRY: entry_or_job,
    Argument.MEMBER: member,
}


def add_act_flags(parser: ArgumentParser) -> None:
    """Add what every act takes."""
    parser.add_argument("--reason", metavar="TEXT", default="", help="why, for the record")
    parser.add_argument("--dry-run", action="store_true", help="show the plan, change nothing")
    parser.add_argument("--yes", action="store_true", help="do not ask")
    parser.add_argument("--json", action="store_true", help="print one JSON object")


def verb_of(act: Act) -> Verb:
    """Return the verb of an act."""

    def configure(parser: ArgumentParser) -> None:
        if act.argument in DESCRIPTIONS:
            metavar, text = DESCRIPTIONS[act.argument]
            kind, nargs = _PARSERS[act.argument], "?" if act.name in SCOPES else None
            parser.add_argument("subject", metavar=metavar, type=kind, nargs=nargs, help=text)
        if "priority" in act.takes:
            words = "0 to 999, lower runs sooner"
            parser.add_argument("priority", metavar="N", type=priority, help=words)
        if "force" in act.takes:
            words = "do it although it may do harm, which the plan names; needs --reason"
            parser.add_argument("--force", action="store_true", help=words)
        add_bulk_flags(parser, act)
        add_act_flags(parser)
        add_settings(parser, "verb")

    def run(arguments: Namespace) -> ExitCode:
        if is_bulk(act, arguments):
            return run_bulk(act, arguments)
        options = Options(
            by=str(who_acts()),
            reason=arguments.reason,
            force=getattr(arguments, "force", False),
            priority=getattr(arguments, "priority", None),
        )
        settings = read_settings(arguments)
        with open_sources(settings, act.needs) as (sources, audit):
            plan = act.plan(sources, getattr(arguments, "subject", ""), options)
            return carry_through(plan, sources, audit, arguments, settings)

    return Verb(configure, run)


def carry_through(
    plan: Plan, sources: Sources, audit: Audit, arguments: Namespace, settings: Settings
) -> ExitCode:
    """Show a plan, ask where nobody said yes, apply it, and say what became of it."""
    outcome = None
    if not arguments.json:
        _show(plan, arguments)
    if not (plan.is_refused or arguments.dry_run):
        refuse_if_read_only(settings)
        if not arguments.yes:
            code = ask(f"{plan.act} {plan.subject}".rstrip())
            if code is not ExitCode.OK:
                return code
        by = who_acts()
        outcome = apply(plan, sources, by=by, reason=arguments.reason, audit=audit)
    if arguments.json:
        print(json.dumps(act_json(plan, outcome, dry_run=arguments.dry_run)))
    elif outcome is not None:
        print(outcome_line(outcome), file=sys.stdout if outcome.done else sys.stderr)
    return _code(plan, outcome)


def _show(plan: Plan, arguments: Namespace) -> None:
    """Show the plan where it is the result, or what the operator is asked about; else what they
    should know."""
    if arguments.dry_run:
        print("\n".join(plan_lines(plan)))
    elif plan.is_refused:
        what = f"{plan.act} {plan.subject}".rstrip()
        for refusal in plan.refusals:
            print(f"nuvla-engine: {what}: refused: {refusal}", file=sys.stderr)
    elif not arguments.yes:
        print("\n".join(plan_lines(plan)), file=sys.stderr)
    else:
        for warning in plan.warnings:
            print(f"nuvla-engine: warning: {warning}", file=sys.stderr)


def _code(plan: Plan, outcome: Outcome | None) -> ExitCode:
    if outcome is None:
        return ExitCode.REFUSED if plan.is_refused else ExitCode.OK
    if outcome.is_unknown:
        return ExitCode.UNREACHED
    return ExitCode.OK if outcome.done else ExitCode.REFUSED


_OWN_VERBS = ("start", "restore")
"""Those whose verbs are more than their act (see `engine.cli.acts`)."""
VERBS = {name: verb_of(act) for name, act in ACTS.items() if name not in _OWN_VERBS}
