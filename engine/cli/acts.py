"""The verbs that act: start, restore."""

from __future__ import annotations

import json
import sys
from argparse import ArgumentParser, ArgumentTypeError, Namespace
from typing import Any

from engine.act.restore import RestorePlan, apply_restore, plan_restore, restore_priority
from engine.cli.exit_codes import ExitCode
from engine.cli.verbs import Verb
from engine.cli.wiring import (
    add_settings,
    open_zookeeper,
    own_paths,
    read_settings,
    refuse_if_read_only,
)
from engine.models import JobRequest, Outcome, format_time
from engine.nuvla.client import NuvlaClient
from engine.wording import counted


def priority(text: str) -> int:
    """Return a job's priority."""
    if not text.isdecimal() or int(text) > 999:
        raise ArgumentTypeError(f"{text!r} is not within 0 to 999")
    return int(text)


def not_blank(text: str) -> str:
    """Return text that has something to say."""
    if not text.strip():
        raise ArgumentTypeError("it is blank")
    return text


def _configure_start(parser: ArgumentParser) -> None:
    parser.add_argument("action", metavar="ACTION", type=not_blank, help="such as cleanup_jobs")
    parser.add_argument("--target", metavar="HREF", help="the id of the resource it is about")
    parser.add_argument(
        "--priority", type=priority, metavar="N", help="0 to 999, lower runs sooner (server: 999)"
    )
    parser.add_argument("--payload", type=not_blank, metavar="TEXT", help="by custom JSON")
    parser.add_argument("--dry-run", action="store_true", help="show the document, create nothing")
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    add_settings(parser, "verb")


def _start(arguments: Namespace) -> ExitCode:
    settings = read_settings(arguments)
    request = JobRequest(
        action=arguments.action,
        target=arguments.target,
        priority=arguments.priority,
        payload=arguments.payload,
    )
    document = request.to_json()
    if arguments.dry_run:
        _print_start(arguments, document, None)
        return ExitCode.OK
    refuse_if_read_only(settings)
    with NuvlaClient.from_settings(settings) as client:
        job_id = client.add_job(request)
    _print_start(arguments, document, job_id)
    return ExitCode.OK


def _print_start(arguments: Namespace, document: dict[str, Any], job_id: str | None) -> None:
    if arguments.json:
        facts = {"schema": "nuvla-engine/start/1", "job_id": job_id, "document": document}
        print(json.dumps(facts))
    elif job_id is None:
        print(f"would create: {json.dumps(document)}")
    else:
        print(job_id)


def _configure_restore(parser: ArgumentParser) -> None:
    parser.add_argument("--dry-run", action="store_true", help="show the plan, change nothing")
    parser.add_argument("--yes", action="store_true", help="do not ask")
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    add_settings(parser, "verb")


def _restore(arguments: Namespace) -> ExitCode:
    settings = read_settings(arguments)
    with NuvlaClient.from_settings(settings) as client, open_zookeeper(settings) as zk:
        plan = plan_restore(client, zk)
        if not arguments.json:
            _print_plan(plan)
        if arguments.dry_run or not plan.missing:
            _finish(arguments, plan, [])
            return ExitCode.OK
        refuse_if_read_only(settings)
        if not arguments.yes:
            code = _ask(len(plan.missing))
            if code is not ExitCode.OK:
                return code
        outcomes = []
        for outcome in apply_restore(plan, client, zk, own_paths(settings)):
            outcomes.append(outcome)
            if not arguments.json:
                print(f"{outcome.subject}  {outcome.detail}", flush=True)
    _finish(arguments, plan, outcomes)
    return ExitCode.OK


def _print_plan(plan: RestorePlan) -> None:
    print(
        f"{counted(plan.examined, 'unfinished job')}, {len(plan.missing)} of them lost their "
        f"entry; left alone: {plan.young} too young to tell, {plan.followed} followed by a monitor",
        file=sys.stderr,
    )
    for job in plan.missing:
        print(f"{job.id}  {job.action}  {job.state}  at priority {restore_priority(job):03d}")


def _ask(number: int) -> ExitCode:
    """Ask the operator. Without a terminal there is nobody to ask."""
    if not sys.stdin.isatty():
        print("nuvla-engine: say --yes to put them back, or --dry-run", file=sys.stderr)
        return ExitCode.USAGE
    sys.stdout.flush()
    print(f"Put {counted(number, 'job')} back in the queue? [y/N] ", end="", file=sys.stderr)
    sys.stderr.flush()
    if sys.stdin.readline().strip().casefold() in ("y", "yes"):
        return ExitCode.OK
    print("nothing was changed", file=sys.stderr)
    return ExitCode.REFUSED


def _finish(arguments: Namespace, plan: RestorePlan, outcomes: list[Outcome]) -> None:
    done = sum(outcome.done for outcome in outcomes)
    if arguments.json:
        facts = {
            "schema": "nuvla-engine/restore/1",
            "taken_at": format_time(plan.taken_at),
            "dry_run": arguments.dry_run,
            "examined": plan.examined,
            "young": plan.young,
            "followed": plan.followed,
            "restored": done,
            "jobs": [
                {
                    "job_id": job.id,
                    "action": job.action,
                    "state": str(job.state),
                    "priority": restore_priority(job),
                }
                for job in plan.missing
            ],
            "outcomes": [
                {"job_id": outcome.subject, "done": outcome.done, "detail": outcome.detail}
                for outcome in outcomes
            ],
        }
        print(json.dumps(facts))
    elif outcomes:
        print(f"{counted(done, 'job')} put back", file=sys.stderr)


VERBS = {
    "start": Verb(_configure_start, _start),
    "restore": Verb(_configure_restore, _restore),
}
