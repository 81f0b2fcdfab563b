"""The course of a drill: plant the faults, then tell each that was mended."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable
from pathlib import Path

from engine.act.audit import Audit
from engine.act.audit_nodes import AuditNodes
from engine.errors import EngineError
from engine.local.drill.faults import Fault, plant
from engine.local.drill.world import World
from engine.local.folder import DataFolder
from engine.local.platform import Platform
from engine.nuvla.client import NuvlaClient
from engine.zookeeper.connection import ZooKeeper
from engine.zookeeper.paths import OwnPaths

ACTIONS = Path(__file__).parent / "actions"
EXECUTOR_FLAGS = ("--on-unknown-action", "leave", "--actions-path", str(ACTIONS))
"""What the executors of a drill take besides."""
SHARED = 1000
"""Acts that are on record in ZooKeeper."""
EVERY = 1.0
"""Seconds between two looks at what is mended."""


def write_settings(platform: Platform) -> Path:
    """Write the settings that lead a learner's commands here, and return their file.

    Raises:
        OSError: it cannot be written.
    """
    folder = DataFolder(Path(platform.data))
    settings: dict[str, str | int] = {
        "zk-hosts": platform.zk_hosts,
        "api-url": platform.api_url,
        "api-user": platform.api_user,
        "api-pass-file": str(folder.password_file),
        "audit-file": str(folder.path / "audit.jsonl"),
        "audit-zookeeper": SHARED,
    }
    path = folder.path / "settings.toml"
    # A JSON string or number is one of TOML, too.
    path.write_text("".join(f"{key} = {json.dumps(value)}\n" for key, value in settings.items()))
    return path


def run_drill(
    client: NuvlaClient,
    zk: ZooKeeper,
    folder: Path,
    *,
    stop: threading.Event,
    tell: Callable[[str], None],
) -> None:
    """Plant the faults and tell what is mended, until all is or it is told to stop.

    Args:
        client: the API of the local platform.
        zk: a connected session.
        folder: where the acts of a colleague are on record.
        stop: ends it.
        tell: takes a line for the learner.

    Raises:
        EngineError: a fault could not be planted.
    """
    own = OwnPaths()
    audit = Audit(folder / "colleague.jsonl", nodes=AuditNodes(zk, own, keep=SHARED))
    faults = list(plant(World(client, zk, own, audit=audit, stop=stop)))
    tell(f"{len(faults)} faults are planted; docs/on-call.md says how to find and mend them")
    left = list(faults)
    while left and not stop.wait(EVERY):
        for fault in [fault for fault in left if _is_mended(fault)]:
            left.remove(fault)
            tell(f"mended: {fault.name}; {len(left)} of {len(faults)} are left")


def _is_mended(fault: Fault) -> bool:
    try:
        return fault.is_mended()
    except (EngineError, KeyError):
        return False  # it cannot be read at this moment; the next look tells
