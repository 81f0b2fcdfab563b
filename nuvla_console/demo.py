"""`nuvla-console demo`: the console over a local platform with demo jobs, on this machine alone."""

from __future__ import annotations

import sys
import tempfile
from argparse import ArgumentParser
from collections.abc import Sequence
from pathlib import Path

from engine.cli.demo import __main__ as demo
from engine.cli.exit_codes import ExitCode
from engine.local.platform import Platform
from engine.settings import Secret, Settings
from nuvla_console.app import ConsoleApp
from nuvla_console.profiles import Profile, open_connection


def main(argv: Sequence[str]) -> int:
    """Run the demonstration: the console on a terminal, a line a second elsewhere."""
    parser = ArgumentParser(prog="nuvla-console demo", description=__doc__)
    parser.add_argument("--seconds", metavar="N", help="a line a second for N seconds, no console")
    arguments = parser.parse_args(argv)
    if arguments.seconds or not (sys.stdin.isatty() and sys.stdout.isatty()):
        return demo.main(argv)
    print("demo: starting ZooKeeper, the API, executors and distributors", file=sys.stderr)
    with (
        tempfile.TemporaryDirectory(prefix="nuvla-demo-") as folder,
        demo.installation(Path(folder)) as running,
    ):
        profile = local_profile(running.platform)
        ConsoleApp({profile.name: profile}, start=profile.name).run()
        print("demo: stopping", file=sys.stderr)
    return ExitCode.OK


def local_profile(platform: Platform, name: str = "demo") -> Profile:
    """Return the profile of a local platform."""
    settings = Settings(
        zk_hosts=platform.zk_hosts,
        api_url=platform.api_url,
        api_user=platform.api_user,
        api_pass=Secret(platform.api_pass),
    )
    return Profile(name=name, connect=lambda: open_connection(settings))
