"""The verbs that serve: executor, distributor. Here their parts are put together."""

from __future__ import annotations

import logging
import os
import re
import socket
import sys
import uuid
from argparse import ArgumentParser, Namespace
from collections.abc import Mapping
from contextlib import closing
from datetime import UTC, datetime
from typing import NoReturn

from engine.cli.about import own_version
from engine.cli.exit_codes import ExitCode
from engine.cli.isolating import fork_nursery, isolation_of, stacks_of
from engine.cli.logs import Logs, configure_logs
from engine.cli.metrics import distributor_metrics, executor_metrics
from engine.cli.service_manager import distributor_notifier, executor_notifier
from engine.cli.signals import on_stop
from engine.cli.steering import answering, distributor_control, executor_control
from engine.cli.verbs import Verb
from engine.cli.watchdog import fork_guard
from engine.cli.wiring import add_settings, make_zookeeper, own_paths
from engine.errors import SettingsError
from engine.models import Member, MemberKind, RemoteControl
from engine.nuvla.client import NuvlaClient
from engine.service.discovery import ACTIONS_GROUP, DISTRIBUTORS_GROUP, discover
from engine.service.distributor import Distributor, chosen, intervals
from engine.service.executor import Executor
from engine.service.intake import IntakeRules
from engine.service.job_board import JobBoard
from engine.service.one_job import OneJob
from engine.service.pause import PauseNode
from engine.service.registry import Plugins
from engine.service.runner import RunnerRules
from engine.service.stacks import log_on_signal
from engine.settings import Settings, load
from engine.states import JobState
from engine.text import clean
from engine.zookeeper.election import Election
from engine.zookeeper.members import Presence
from engine.zookeeper.paths import is_job_id
from engine.zookeeper.queue import JobQueue

log = logging.getLogger(__name__)

LOOK_SECONDS = 0.5
_NOT_IN_A_NODE = re.compile(r"[^A-Za-z0-9_.-]+")


def _configure_executor(parser: ArgumentParser) -> None:
    add_settings(parser, "executor")


def _executor(arguments: Namespace) -> ExitCode:
    settings, logs = _service_settings(arguments, "executor")
    board = JobBoard(settings.threads)
    # First of all: it is a fork, which must come before any thread.
    guard = None if settings.job_id else fork_guard(settings, board)
    plugins = discover(["actions"], settings.actions_path, [ACTIONS_GROUP], settings.actions_from)
    _log_plugins(plugins, plugins.actions)
    nursery = None if settings.job_id else fork_nursery(settings, plugins, rules=_rules(settings))
    with NuvlaClient.from_settings(settings) as client:
        if settings.job_id is not None:
            return _run_one_job(settings.job_id, settings, client, plugins)
        isolation = isolation_of(nursery, client)
        member = _member(MemberKind.EXECUTOR, settings, plugins, tuple(plugins.actions))
        own = own_paths(settings)
        with closing(make_zookeeper(settings)) as zk:
            queue = JobQueue(zk, instance=member.instance)
            presence = Presence(zk, own, member)
            executor = Executor(
                queue,
                client,
                plugins.actions,
                presence,
                threads=settings.threads,
                name=member.name,
                grace=settings.grace,
                rules=_rules(settings),
                paused_by=PauseNode(zk, own.pause).reason,
                job_limit=settings.job_limit,
                last_errors=logs.last_errors,
                noted=board.note,
                isolation=isolation,
            )
            if guard is not None:
                guard.start(member.instance)
            logs.name_jobs(executor.jobs_by_thread)
            log_on_signal(executor.jobs_by_thread)
            notifier = executor_notifier(
                executor, queue, zk, presence, threads=settings.threads, grace=settings.grace
            )
            control = executor_control(member, executor, queue, stacks_of(executor, isolation))
            with (
                on_stop(notifier.stopping, executor.stop),
                notifier,
                answering(zk, own, member, control),
                executor_metrics(settings, member, executor, queue, client, zk),
            ):
                zk.start()
                queue.start()
                log.info("executor %s: %d threads", member.instance, settings.threads)
                put_back = executor.run()
    _leave(ExitCode.REFUSED if put_back else ExitCode.OK)


def _run_one_job(
    job_id: str, settings: Settings, client: NuvlaClient, plugins: Plugins
) -> ExitCode:
    if not is_job_id(job_id):
        raise SettingsError(f"job-id: {clean(job_id, limit=80)!r} is no job id")
    name = settings.name or str(MemberKind.EXECUTOR)
    job = OneJob(
        job_id, client, plugins.actions, name=name, grace=settings.grace, rules=_rules(settings)
    )
    log_on_signal()
    with on_stop(job.stop):
        job.start()
        while not job.wait(LOOK_SECONDS):
            pass
    _leave(ExitCode.OK if job.state is JobState.SUCCESS else ExitCode.REFUSED)


def _configure_distributor(parser: ArgumentParser) -> None:
    parser.add_argument("names", nargs="*", metavar="NAME", help="distributors to contend for")
    parser.add_argument("--all", action="store_true", help="contend for all that are found")
    add_settings(parser, "distributor")


def _distributor(arguments: Namespace) -> ExitCode:
    if bool(arguments.names) == arguments.all:
        raise SettingsError("name the distributors to run, or say --all")
    settings, logs = _service_settings(arguments, "distributor")
    plugins = discover(["distributors"], settings.distributors_path, [DISTRIBUTORS_GROUP])
    _log_plugins(plugins, plugins.distributors)
    wanted = chosen(
        plugins.distributors, arguments.names, all_of_them=arguments.all, exclude=settings.exclude
    )
    every = intervals(plugins.distributors, dict(settings.interval))
    member = _member(MemberKind.DISTRIBUTOR, settings, plugins, tuple(wanted))
    own = own_paths(settings)
    with (
        NuvlaClient.from_settings(settings) as client,
        closing(make_zookeeper(settings)) as zk,
    ):
        presence = Presence(zk, own, member)
        distributor = Distributor(
            zk,
            client,
            wanted,
            presence,
            elect=lambda name: Election(zk, name, member.name),
            own=own,
            instance=member.instance,
            intervals=every,
            last_errors=logs.last_errors,
        )
        log_on_signal()
        notifier = distributor_notifier(distributor, zk, presence, count=len(wanted))
        control = distributor_control(member)
        with (
            on_stop(notifier.stopping, distributor.stop),
            notifier,
            answering(zk, own, member, control),
            distributor_metrics(settings, member, distributor, client, zk),
        ):
            zk.start()
            log.info("distributor %s: %s", member.instance, ", ".join(wanted))
            distributor.run()
    _leave(ExitCode.OK)


def _service_settings(arguments: Namespace, service: str) -> tuple[Settings, Logs]:
    """Return the settings, and the log that goes where they say."""
    settings = load(arguments)
    logs = configure_logs(settings, service=service)
    for warning in settings.warnings:
        log.warning("%s", warning)
    return settings, logs


def _rules(settings: Settings) -> RunnerRules:
    return RunnerRules(
        intake=IntakeRules(leave_unknown=settings.on_unknown_action == "leave"),
        settings={"es_hosts": settings.es_hosts, "cleanup_days": settings.cleanup_days},
        nuvlaedge_shared_path=str(settings.nuvlaedge_fs),
    )


def _member(
    kind: MemberKind, settings: Settings, plugins: Plugins, offers: tuple[str, ...]
) -> Member:
    host = socket.gethostname()
    name = settings.name or str(kind)
    parts = (name, host, str(os.getpid()), uuid.uuid4().hex[:8])
    return Member(
        instance="-".join(_NOT_IN_A_NODE.sub("-", part)[:64] for part in parts),
        kind=kind,
        name=name,
        host=host,
        pid=os.getpid(),
        version=own_version(),
        started=datetime.now(UTC),
        threads=settings.threads if kind is MemberKind.EXECUTOR else 0,
        offers=offers,
        broken=tuple(str(broken) for broken in plugins.broken),
        remote_control=RemoteControl(settings.remote_control),
    )


def _log_plugins(plugins: Plugins, found: Mapping[str, object]) -> None:
    log.info("%d plug-ins: %s", len(found), ", ".join(found) or "none")
    for broken in plugins.broken:
        log.error("a plug-in cannot be loaded: %s", broken)


def _leave(code: ExitCode) -> NoReturn:
    """End the process at once: threads that actions left behind must not keep it."""
    logging.shutdown()
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(code)


VERBS = {
    "executor": Verb(_configure_executor, _executor),
    "distributor": Verb(_configure_distributor, _distributor),
}
