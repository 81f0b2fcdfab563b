"""The verb `version`."""

from __future__ import annotations

import json
import sys
from argparse import ArgumentParser, Namespace
from importlib.metadata import PackageNotFoundError, version

from engine.cli.exit_codes import ExitCode
from engine.cli.verbs import Verb

DISTRIBUTION = "nuvla-console"


def own_version() -> str:
    """Return the version of the installed distribution; "unknown" where it is not installed."""
    try:
        return version(DISTRIBUTION)
    except PackageNotFoundError:
        return "unknown"


def _configure(parser: ArgumentParser) -> None:
    parser.add_argument("--json", action="store_true", help="print one JSON object")


def _run(arguments: Namespace) -> ExitCode:
    python = sys.version.split()[0]
    if arguments.json:
        facts = {"schema": "nuvla-engine/version/1", "version": own_version(), "python": python}
        print(json.dumps(facts))
    else:
        print(f"nuvla-engine {own_version()} (Python {python})")
    return ExitCode.OK


VERBS = {"version": Verb(_configure, _run)}
