"""What every verb that acts begins with: its sources, the record of acts, and the question."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager

from engine.act.audit import Audit
from engine.act.sources import Need, Sources
from engine.cli.exit_codes import ExitCode
from engine.cli.wiring import open_zookeeper, own_paths
from engine.nuvla.client import NuvlaClient
from engine.settings import Settings
from engine.zookeeper.opening import tls_context


@contextmanager
def open_sources(settings: Settings, needs: frozenset[Need]) -> Iterator[tuple[Sources, Audit]]:
    """Hold the sources that acts need, and the record of acts.

    Raises:
        EngineError: a source cannot be reached, or the settings are wrong.
    """
    with ExitStack() as stack:
        zk = client = None
        if Need.ZOOKEEPER in needs or settings.audit_zookeeper:
            zk = stack.enter_context(open_zookeeper(settings))
        if Need.API in needs:
            client = stack.enter_context(NuvlaClient.from_settings(settings))
        sources = Sources(zk=zk, client=client, own=own_paths(settings), tls=tls_context(settings))
        yield sources, Audit.from_settings(settings, zk)


def ask(question: str) -> ExitCode:
    """Ask the operator. Without a terminal there is nobody to ask."""
    if not sys.stdin.isatty():
        print("nuvla-engine: say --yes to do it, or --dry-run", file=sys.stderr)
        return ExitCode.USAGE
    sys.stdout.flush()
    print(f"{question[0].upper()}{question[1:]}? [y/N] ", end="", file=sys.stderr)
    sys.stderr.flush()
    if sys.stdin.readline().strip().casefold() in ("y", "yes"):
        return ExitCode.OK
    print("nothing was changed", file=sys.stderr)
    return ExitCode.REFUSED
