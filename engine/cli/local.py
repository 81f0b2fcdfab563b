"""The verb `local`: a whole installation on this machine."""

from __future__ import annotations

import json
import re
import sys
import threading
from argparse import ArgumentParser, ArgumentTypeError, Namespace
from collections.abc import Sequence
from pathlib import Path

from engine.cli.exit_codes import ExitCode
from engine.cli.signals import on_stop
from engine.cli.verbs import Verb
from engine.cli.views import positive
from engine.cli.wiring import add_settings, read_settings
from engine.errors import EngineError
from engine.local.children import Children
from engine.local.demo_jobs import random_job
from engine.local.drill.course import EXECUTOR_FLAGS, run_drill, write_settings
from engine.local.drill.faults import EXECUTORS, THREADS
from engine.local.platform import LocalPlatform, Platform
from engine.nuvla.client import NuvlaClient
from engine.nuvla.credentials import Password
from engine.settings import Secret
from engine.wording import counted
from engine.zookeeper.connection import ZooKeeper

DEMO_ACTIONS = Path(__file__).parents[1] / "local" / "demo" / "actions"
STOP_SECONDS = 15.0
"""For running jobs to end before the processes are killed."""
LOOK_SECONDS = 0.5


def port(text: str) -> int:
    """Return a TCP port; 0 leaves the choice to us."""
    if not text.isdecimal() or int(text) > 65_535:
        raise ArgumentTypeError(f"{text!r} is not a port, 0 to 65535")
    return int(text)


def number(text: str) -> int:
    """Return a number of 0 or more."""
    if not text.isdecimal():
        raise ArgumentTypeError(f"{text!r} is not a number of 0 or more")
    return int(text)


def names(text: str) -> tuple[str, ...]:
    """Return the arguments that name the distributors to run: names, or the flag for all."""
    found = tuple(part for part in re.split(r"[\s,]+", text) if part)
    if any(name.startswith("-") for name in found):
        raise ArgumentTypeError(f"{text!r} is no list of names")
    return ("--all",) if "all" in found else found


def start_services(
    children: Children,
    flags: Sequence[str],
    *,
    executors: int,
    threads: int,
    distributors: Sequence[str],
    executor_flags: Sequence[str] = (),
) -> None:
    """Start executors that know the demo actions, and one process for the distributors.

    Args:
        children: starts and keeps them.
        flags: where they connect to, and what else all of them take.
        executors: how many.
        threads: of each executor.
        distributors: names or flags of distributors; empty for none.
        executor_flags: what the executors take besides.
    """
    for index in range(1, executors + 1):
        name = f"executor-{index}"
        own = ["--name", name, "--threads", str(threads), "--actions-path", str(DEMO_ACTIONS)]
        children.start(name, ["executor", *own, *executor_flags, *flags])
    if distributors:
        own = ["--name", "distributor", *flags]
        children.start("distributor", ["distributor", *distributors, *own])


def open_platform(platform: Platform) -> NuvlaClient:
    """Return a client of a local platform."""
    credentials = Password(platform.api_user, Secret(platform.api_pass))
    return NuvlaClient(platform.api_url, credentials=credentials)


def _configure(parser: ArgumentParser) -> None:
    parser.add_argument("--data", type=Path, required=True, metavar="DIR", help="keeps everything")
    parser.add_argument(
        "--zk-port", type=port, default=0, metavar="P", help="0: the last time's, else any free one"
    )
    parser.add_argument(
        "--api-port",
        type=port,
        default=0,
        metavar="P",
        help="0: the last time's, else any free one",
    )
    parser.add_argument(
        "--host",
        default="127.0.0.1",
        metavar="ADDRESS",
        help="listen there; beyond loopback, whoever reaches it has all rights",
    )
    parser.add_argument("--executors", type=number, default=0, metavar="N", help="start N")
    parser.add_argument("--threads", type=positive, default=4, metavar="T", help="of each executor")
    parser.add_argument(
        "--distributors", type=names, default=(), metavar="NAME,...", help="start these, or 'all'"
    )
    parser.add_argument("--jobs", type=number, default=0, metavar="N", help="create N demo jobs")
    parser.add_argument(
        "--drill",
        action="store_true",
        help="start two executors and plant twelve faults, to practise with docs/on-call.md",
    )
    add_settings(parser, "local")


def _run(arguments: Namespace) -> ExitCode:
    settings = read_settings(arguments)
    stop = threading.Event()
    local = LocalPlatform(
        arguments.data,
        zk_port=arguments.zk_port,
        api_port=arguments.api_port,
        host=arguments.host,
        jar=settings.zk_jar,
    )
    with on_stop(stop.set):
        platform = local.start()
        children = Children(local.folder.logs, keep_open=(local.folder.lock,))
        try:
            _warn_of_host(arguments.host)
            print(json.dumps(platform.to_json()), flush=True)
            start_services(
                children,
                platform.flags(),
                executors=EXECUTORS if arguments.drill else arguments.executors,
                threads=THREADS if arguments.drill else arguments.threads,
                distributors=arguments.distributors,
                executor_flags=EXECUTOR_FLAGS if arguments.drill else (),
            )
            _create_jobs(platform, arguments.jobs, stop)
            if arguments.drill:
                drill = threading.Thread(target=_drill, args=(platform, stop), daemon=True)
                drill.start()
            while not stop.wait(LOOK_SECONDS):
                local.check()
                children.check()
        finally:
            children.stop(STOP_SECONDS)
            local.stop()
    return ExitCode.OK


def _drill(platform: Platform, stop: threading.Event) -> None:
    settings = write_settings(platform)
    _tell_drill("the faults take a moment; meanwhile, in a shell of your own:")
    print(f"  export NUVLA_CONFIG={settings}", file=sys.stderr, flush=True)
    zk = ZooKeeper(platform.zk_hosts)
    zk.start()
    try:
        with open_platform(platform) as client:
            run_drill(client, zk, settings.parent, stop=stop, tell=_tell_drill)
    except EngineError as error:
        if not stop.is_set():
            _tell_drill(str(error))
    finally:
        zk.close()


def _tell_drill(text: str) -> None:
    print(f"nuvla-engine: drill: {text}", file=sys.stderr, flush=True)


def _warn_of_host(host: str) -> None:
    if host not in ("127.0.0.1", "localhost"):
        print(
            f"nuvla-engine: warning: whoever reaches {host} can read, run and delete everything "
            "here: neither ZooKeeper nor the API's nuvla-authn-info header asks for a secret",
            file=sys.stderr,
        )


def _create_jobs(platform: Platform, jobs: int, stop: threading.Event) -> None:
    if not jobs:
        return
    with open_platform(platform) as client:
        for made in range(jobs):
            if stop.is_set():
                print(f"nuvla-engine: {counted(made, 'job')} created", file=sys.stderr)
                return
            client.add_job(random_job())


VERBS = {"local": Verb(_configure, _run)}
