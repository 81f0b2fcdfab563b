"""The verbs that diagnose: why, doctor."""

from __future__ import annotations

import gc
import sys
from argparse import ArgumentParser, Namespace
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime

from engine.cli.diagnosis_report import doctor_report, why_report
from engine.cli.doctor_metrics import STDOUT, write_metrics
from engine.cli.documents import job_id
from engine.cli.exit_codes import ExitCode
from engine.cli.output import Output, write_report
from engine.cli.verbs import Verb
from engine.cli.views import positive, seconds
from engine.cli.wiring import (
    add_settings,
    open_zookeeper,
    own_paths,
    read_settings,
)
from engine.errors import ZooKeeperError
from engine.models import Checkup, Diagnosis, Verdict
from engine.nuvla.client import NuvlaClient
from engine.settings import Settings
from engine.view.checkup import read_checkup, without_queue
from engine.view.diagnosis import diagnose
from engine.view.dossier import Closely, look, read_document, without_zookeeper
from engine.view.queue import list_entries
from engine.zookeeper.opening import tls_context


def _why(arguments: Namespace) -> ExitCode:
    closely = Closely(watch=arguments.watch or 0.0, pid=arguments.pid)
    diagnosis = _diagnose(arguments.job, read_settings(arguments), closely)
    output = Output.of(sys.stdout, sys.stderr)
    write_report(why_report(diagnosis), output, as_json=arguments.json)
    return _why_code(diagnosis)


def _diagnose(job: str, settings: Settings, closely: Closely) -> Diagnosis:
    context = tls_context(settings)
    with NuvlaClient.from_settings(settings) as client, ThreadPoolExecutor(1) as meanwhile:
        # The API takes its time for a login; the queue is listed in it.
        document = meanwhile.submit(read_document, job, client)
        try:
            with open_zookeeper(settings) as zk:
                listing = list_entries(zk)
                return look(
                    document.result(),
                    zk,
                    client,
                    own_paths(settings),
                    tls=context,
                    listing=listing,
                    closely=closely,
                )
        except ZooKeeperError as error:
            return diagnose(without_zookeeper(document.result(), error), datetime.now(UTC))


def _why_code(diagnosis: Diagnosis) -> ExitCode:
    if diagnosis.verdict is Verdict.UNKNOWN or any(s.error for s in diagnosis.sources):
        return ExitCode.UNREACHED
    return ExitCode.OK if diagnosis.is_healthy else ExitCode.REFUSED


def _doctor(arguments: Namespace) -> ExitCode:
    settings = read_settings(arguments)
    checkup = _check_up(settings)
    if arguments.prometheus:
        write_metrics(checkup, arguments.prometheus)
    else:
        output = Output.of(sys.stdout, sys.stderr)
        write_report(doctor_report(checkup, output.width), output, as_json=arguments.json)
    if any(source.error for source in checkup.sources):
        return ExitCode.UNREACHED
    return ExitCode.REFUSED if checkup.is_stuck else ExitCode.OK


def _check_up(settings: Settings) -> Checkup:
    """Read everything. Its records all live until they are judged, so that looking for garbage
    among them would cost a third of the time and find none."""
    was_on = gc.isenabled()
    gc.disable()
    try:
        return _read_all(settings)
    finally:
        if was_on:
            gc.enable()


def _read_all(settings: Settings) -> Checkup:
    context = tls_context(settings)
    with NuvlaClient.from_settings(settings) as client:
        try:
            with open_zookeeper(settings) as zk:
                return read_checkup(zk, client, own_paths(settings), tls=context)
        except ZooKeeperError as error:
            return without_queue(client, error)


def _configure_why(parser: ArgumentParser) -> None:
    parser.add_argument("job", type=job_id, metavar="JOB", help="its id, with or without 'job/'")
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    parser.add_argument(
        "--watch",
        type=seconds,
        metavar="SECONDS",
        help="watch the job for so long first, so that takes and releases can be counted",
    )
    parser.add_argument(
        "--pid",
        type=positive,
        metavar="PID",
        help="the process of this host that holds the job, for py-spy; found by itself where it "
        "is of this host and can be told",
    )
    add_settings(parser, "verb")


def _configure_doctor(parser: ArgumentParser) -> None:
    form = parser.add_mutually_exclusive_group()
    form.add_argument("--json", action="store_true", help="print one JSON object")
    form.add_argument(
        "--prometheus",
        nargs="?",
        const=STDOUT,
        metavar="FILE",
        help="write metrics for Prometheus' textfile collector, to stdout or to a file",
    )
    add_settings(parser, "verb")


VERBS = {"why": Verb(_configure_why, _why), "doctor": Verb(_configure_doctor, _doctor)}
