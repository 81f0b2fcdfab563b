"""The verbs that show job documents: jobs, job."""

from __future__ import annotations

from argparse import ArgumentParser, ArgumentTypeError, Namespace
from collections.abc import Sequence
from datetime import UTC, datetime

from engine.cli.job_report import job_report, jobs_report
from engine.cli.output import Report
from engine.cli.verbs import Verb
from engine.cli.views import positive, show
from engine.cli.wiring import add_settings, open_zookeeper
from engine.errors import SettingsError, ZooKeeperError
from engine.models import JobRecord, JoinedJob, Source
from engine.nuvla.client import NuvlaClient
from engine.settings import Settings
from engine.text import clean
from engine.view.jobs import join_queue, read_job, read_jobs
from engine.view.query import BadQuery, to_filter
from engine.zookeeper.paths import is_job_id

DEFAULT_LIMIT = 100
MOST = 10_000
"""The API pages no further."""


def job_id(text: str) -> str:
    """Return a job id; the part before the slash may be left out."""
    whole = text if text.startswith("job/") else f"job/{text}"
    if not is_job_id(whole):
        raise ArgumentTypeError(f"{clean(text, limit=80)!r} is no job id")
    return whole


def page(text: str) -> int:
    """Return a number that the API can show at once."""
    number = positive(text)
    if number > MOST:
        raise ArgumentTypeError(f"the API shows at most {MOST} documents; narrow the filter")
    return number


def api_filter(words: str) -> str | None:
    """Return the API's filter for what an operator typed; None for all jobs.

    Raises:
        SettingsError: a word means nothing.
    """
    try:
        return to_filter(words)
    except BadQuery as error:
        raise SettingsError(f"the filter {clean(words, limit=200)!r}: {error}") from error


def _jobs(arguments: Namespace, settings: Settings) -> Report:
    wanted = api_filter(arguments.filter or arguments.filter_flag or "")
    with NuvlaClient.from_settings(settings) as client:
        found = read_jobs(client, filter=wanted, limit=arguments.limit)
    read_at = datetime.now(UTC)
    joined, zookeeper = _join(settings, found.jobs)
    sources = [Source(name="api", read_at=read_at), zookeeper]
    return jobs_report(found, joined, sources, is_filtered=bool(wanted))


def _job(arguments: Namespace, settings: Settings) -> Report:
    with NuvlaClient.from_settings(settings) as client:
        record = read_job(client, arguments.job)
    read_at = datetime.now(UTC)
    joined, zookeeper = _join(settings, [record])
    return job_report(joined[0], read_at, [Source(name="api", read_at=read_at), zookeeper])


def _join(settings: Settings, records: Sequence[JobRecord]) -> tuple[list[JoinedJob], Source]:
    """Join with the queue; without ZooKeeper the documents are still worth showing."""
    try:
        with open_zookeeper(settings) as zk:
            joined = join_queue(zk, records)
    except ZooKeeperError as error:
        alone = [JoinedJob(record=record, is_located=False) for record in records]
        return alone, Source(name="zookeeper", error=clean(str(error)))
    return joined, Source(name="zookeeper", read_at=datetime.now(UTC))


def _configure_jobs(parser: ArgumentParser) -> None:
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    parser.add_argument(
        "--limit",
        type=page,
        default=DEFAULT_LIMIT,
        metavar="N",
        help=f"show the newest N (default {DEFAULT_LIMIT})",
    )
    filters = parser.add_mutually_exclusive_group()
    filters.add_argument(
        "filter",
        nargs="?",
        metavar="FILTER",
        help="such as 'state=running action=cleanup_jobs age>10m', or in the API's language: "
        "\"state='RUNNING' and action='cleanup_jobs'\"",
    )
    # Under a name of its own: the positional's default would overwrite it.
    filters.add_argument("--filter", dest="filter_flag", metavar="FILTER", help="the same")
    add_settings(parser, "verb")


def _configure_job(parser: ArgumentParser) -> None:
    parser.add_argument("job", type=job_id, metavar="JOB", help="its id, with or without 'job/'")
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    add_settings(parser, "verb")


VERBS = {
    "jobs": Verb(_configure_jobs, lambda arguments: show("nuvla-engine/jobs/1", _jobs, arguments)),
    "job": Verb(_configure_job, lambda arguments: show("nuvla-engine/job/1", _job, arguments)),
}
