"""Acts on all jobs that match a filter: `--filter` and `--continue` of the verbs that act."""

from __future__ import annotations

import json
import sys
from argparse import ArgumentParser, Namespace
from dataclasses import replace
from itertools import islice
from pathlib import Path

from engine.act.acts import Act
from engine.act.audit import audit_file, who_acts
from engine.act.bulk import Bulk, Progress, repeats
from engine.act.bulk_file import BulkFile, Order, place_of
from engine.act.selecting import SCOPES, select
from engine.act.sources import Need, Sources
from engine.cli.act_sources import ask, open_sources
from engine.cli.bulk_report import Teller, continuing
from engine.cli.documents import api_filter
from engine.cli.exit_codes import ExitCode, exit_code_for
from engine.cli.signals import on_stop
from engine.cli.wiring import read_settings, refuse_if_read_only
from engine.errors import BulkError, EngineError, SettingsError
from engine.models import Ending
from engine.settings import Settings
from engine.text import clean
from engine.wording import count, counted

LAST = "last"
MOST_LISTED = 1000
"""Subjects in a JSON object."""


def add_bulk_flags(parser: ArgumentParser, act: Act) -> None:
    """Add the flags of an act in bulk, where the act can be done so."""
    if act.name not in SCOPES:
        return
    many = parser.add_mutually_exclusive_group()
    many.add_argument(
        "--filter",
        metavar="WORDS",
        help="instead of one job, all that match, such as 'state=QUEUED action=cleanup_jobs "
        "age>1h', or a filter in the API's language",
    )
    many.add_argument(
        "--continue",
        dest="continued",
        metavar="ID",
        help=f"go on with what --filter began and did not end; '{LAST}' is the newest",
    )


def is_bulk(act: Act, arguments: Namespace) -> bool:
    """Whether the arguments ask for an act in bulk.

    Raises:
        SettingsError: they name one subject and many, or none.
    """
    if act.name not in SCOPES:
        return False
    many = arguments.filter is not None or arguments.continued is not None
    if many == (arguments.subject is not None):
        raise SettingsError(f"{act.name}: name one job, or many by --filter")
    return many


def run_bulk(act: Act, arguments: Namespace) -> ExitCode:
    """Do an act in bulk; what became of each is on stdout, the progress on stderr.

    Args:
        act: one that `add_bulk_flags` took.
        arguments: with those flags, those that every act takes, and the act's own.

    Raises:
        EngineError: it could not be begun.
    """
    settings = read_settings(arguments)
    if not arguments.dry_run:
        refuse_if_read_only(settings)
    wanted = _wanted(arguments)
    if wanted is not None and getattr(arguments, "force", False) and not arguments.reason.strip():
        raise SettingsError("--force needs a reason: say why with --reason")
    with open_sources(settings, act.needs | {Need.API}) as (sources, audit):
        if wanted is None:
            file = _taken_up(act, arguments, settings)
            if arguments.dry_run:
                file.close()
                _print_order(_left(file), as_json=arguments.json)
                return ExitCode.OK
        else:
            order = _order(act, wanted, arguments, settings, sources)
            if arguments.dry_run or not order.subjects:
                _print_order(order, as_json=arguments.json)
                return ExitCode.OK
            code = ExitCode.OK if arguments.yes else _ask(order)
            if code is not ExitCode.OK:
                return code
            file = BulkFile.create(_folder(settings), order)
        bulk = Bulk(file, sources, by=who_acts(), audit=audit)
        return _run(bulk, Teller(as_json=arguments.json))


def _wanted(arguments: Namespace) -> str | None:
    """Return the filter in the API's language; None where an act is continued."""
    if arguments.continued is not None:
        return None
    wanted = api_filter(arguments.filter)
    if wanted is None:
        raise SettingsError("--filter: say which jobs, such as 'action=cleanup_jobs'")
    return wanted


def _order(
    act: Act, wanted: str, arguments: Namespace, settings: Settings, sources: Sources
) -> Order:
    return Order(
        act=act.name,
        filter=arguments.filter,
        place=place_of(settings),
        reason=arguments.reason or "",
        force=getattr(arguments, "force", False),
        priority=getattr(arguments, "priority", None),
        subjects=tuple(select(act, wanted, sources)),
    )


def _taken_up(act: Act, arguments: Namespace, settings: Settings) -> BulkFile:
    if arguments.continued == LAST:
        file = BulkFile.last(_folder(settings), act.name)
    else:
        file = BulkFile.open(_folder(settings), arguments.continued)
    order, place = file.order, place_of(settings)
    has_other_options = arguments.reason or getattr(arguments, "force", False)
    has_other_priority = getattr(arguments, "priority", None) != order.priority
    if order.act != act.name or has_other_options or has_other_priority:
        trouble = f"{file.id} goes on as it was begun: {continuing(file)}"
    elif order.place != place:
        trouble = f"{file.id} was begun on {order.place}, and these settings name {place}"
    else:
        return file
    file.close()
    raise BulkError(trouble)


def _left(file: BulkFile) -> Order:
    subjects = file.order.subjects
    places = file.pending(unknown=repeats(file.order))
    return replace(file.order, subjects=tuple(subjects[place] for place in places))


def _folder(settings: Settings) -> Path:
    return audit_file(settings).parent


def _print_order(order: Order, *, as_json: bool) -> None:
    if as_json:
        facts = {
            "schema": "nuvla-engine/bulk/1",
            "act": order.act,
            "filter": order.filter,
            "total": len(order.subjects),
            "subjects": order.subjects[:MOST_LISTED],
        }
        print(json.dumps(facts))
        return
    print(f"{_what(order)}; nothing was changed", file=sys.stderr)
    for subject in order.subjects:
        print(clean(subject))


def _ask(order: Order) -> ExitCode:
    for subject in islice(order.subjects, 5):
        print(f"  {clean(subject)}", file=sys.stderr)
    if len(order.subjects) > 5:
        print(f"  ... and {count(len(order.subjects) - 5)} more", file=sys.stderr)
    return ask(_what(order))


def _what(order: Order) -> str:
    return f"{order.act} {counted(len(order.subjects), 'job')} that match {clean(order.filter)}"


def _run(bulk: Bulk, teller: Teller) -> ExitCode:
    failure: EngineError | None = None
    last: Progress | None = None
    with on_stop(bulk.stop):
        try:
            for last in bulk.run():
                teller.tell(last)
        except EngineError as error:
            failure = error
    assert last is not None  # the first report comes before anything can fail
    teller.end(bulk, last, failure)
    if failure is not None:
        return exit_code_for(failure)
    if last.handled < last.total:
        return ExitCode.INTERRUPTED
    return ExitCode.OK if last.endings[Ending.DONE] == last.total else ExitCode.REFUSED
