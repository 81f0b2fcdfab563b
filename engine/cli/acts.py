"""The verbs that act: start, restore."""

from __future__ import annotations

import json
import sys
from argparse import ArgumentParser, ArgumentTypeError, Namespace

from engine.act.acts import ACTS
from engine.act.apply import apply
from engine.act.audit import who_acts
from engine.act.plan import Options, Plan
from engine.act.restore import RestorePlan, apply_restore, plan_restore, restore_priority
from engine.act.sources import Sources
from engine.cli.act_sources import ask, open_sources
from engine.cli.acting import add_act_flags, carry_through, priority
from engine.cli.documents import job_id
from engine.cli.exit_codes import ExitCode
from engine.cli.verbs import Verb
from engine.cli.wiring import add_settings, read_settings, refuse_if_read_only
from engine.errors import ApiUnavailable
from engine.models import Outcome, format_time
from engine.wording import counted


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
    add_act_flags(parser)
    add_settings(parser, "verb")


def _start(arguments: Namespace) -> ExitCode:
    settings = read_settings(arguments)
    act, by = ACTS["start"], who_acts()
    options = Options(
        by=str(by),
        reason=arguments.reason,
        priority=arguments.priority,
        target=arguments.target,
        payload=arguments.payload,
    )
    if arguments.dry_run:
        _print_start(arguments, act.plan(Sources(), arguments.action, options), None)
        return ExitCode.OK
    refuse_if_read_only(settings)
    with open_sources(settings, act.needs) as (sources, audit):
        plan = act.plan(sources, arguments.action, options)
        outcome = apply(plan, sources, by=by, reason=arguments.reason, audit=audit)
    if outcome.is_unknown or not outcome.made:
        raise ApiUnavailable(outcome.detail)
    _print_start(arguments, plan, outcome.made)
    return ExitCode.OK


def _print_start(arguments: Namespace, plan: Plan, job_id: str | None) -> None:
    (operation,) = plan.to_json()["operations"]
    document = operation["body"]
    if arguments.json:
        facts = {"schema": "nuvla-engine/start/1", "job_id": job_id, "document": document}
        print(json.dumps(facts))
    elif job_id is None:
        print(f"would create: {json.dumps(document)}")
    else:
        print(job_id)


def _configure_restore(parser: ArgumentParser) -> None:
    words = "the job to put back; without it, all that lost their entry"
    parser.add_argument("job", metavar="JOB", nargs="?", type=job_id, help=words)
    add_act_flags(parser)
    add_settings(parser, "verb")


def _restore(arguments: Namespace) -> ExitCode:
    settings = read_settings(arguments)
    act, by = ACTS["restore"], who_acts()
    with open_sources(settings, act.needs) as (sources, audit):
        if arguments.job is not None:
            options = Options(by=str(by), reason=arguments.reason)
            one = act.plan(sources, arguments.job, options)
            return carry_through(one, sources, audit, arguments, settings)
        plan = plan_restore(sources.client, sources.zk)
        if not arguments.json:
            _print_plan(plan)
        if arguments.dry_run or not plan.missing:
            _finish(arguments, plan, [])
            return ExitCode.OK
        refuse_if_read_only(settings)
        if not arguments.yes:
            code = ask(f"put {counted(len(plan.missing), 'job')} back in the queue")
            if code is not ExitCode.OK:
                return code
        outcomes = []
        for outcome in apply_restore(plan, sources, by=by, reason=arguments.reason, audit=audit):
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
