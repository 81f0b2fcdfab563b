"""Whether the settings work: values, files, plug-ins, libraries, ZooKeeper and the API, in order.

It changes nothing. Whether we may make nodes is asked by transactions that make a node and remove
it in one step, which nobody can see in between.
"""

from __future__ import annotations

import importlib.util
import os
from collections.abc import Iterator
from dataclasses import dataclass, replace
from enum import Enum
from pathlib import Path
from uuid import uuid4

from engine.cli.exit_codes import ExitCode, exit_code_for
from engine.cli.wiring import open_zookeeper, own_paths
from engine.errors import EngineError, SettingsError
from engine.nuvla.client import NuvlaClient
from engine.service.discovery import ACTIONS_GROUP, DISTRIBUTORS_GROUP, discover
from engine.settings import Settings
from engine.settings.load import Examined
from engine.text import clean
from engine.wording import counted
from engine.zookeeper import wire
from engine.zookeeper.connection import Answer, ZooKeeper
from engine.zookeeper.paths import ELECTION, ENTRIES, TAKEN

API_SECONDS = 10.0
"""The longest that the API gets for its answer, whatever api-timeout says."""
_FILES = ("api_ca", "zk_ca", "zk_cert", "zk_key")
_FOLDERS = ("actions_path", "distributors_path")


class State(Enum):
    """How a check ended."""

    GOOD = "good"
    NOTE = "note"
    """It works, but an operator should know of it."""
    WRONG = "wrong"
    """A setting has to be changed."""
    UNREACHED = "unreached"
    """A server could not be used."""


@dataclass(frozen=True, slots=True)
class Finding:
    """What one check found."""

    state: State
    subject: str
    detail: str


def check(examined: Examined) -> Iterator[Finding]:
    """Yield what is found; takes some seconds where a server does not answer."""
    for path in examined.files:
        yield Finding(State.GOOD, "settings file", str(path))
    wrong = [origin for origin in examined.origins if origin.problem is not None]
    for origin in wrong:
        yield Finding(State.WRONG, origin.key.label, origin.problem or "")
    if not wrong:
        yield Finding(State.GOOD, "settings", counted(len(examined.origins), "value"))
    settings = examined.settings()
    for warning in settings.warnings:
        yield Finding(State.NOTE, "settings", warning)
    yield from _files(settings)
    yield from _plugins(settings)
    yield from _libraries(settings)
    yield from _zookeeper(settings)
    yield _api(settings)


def _files(settings: Settings) -> Iterator[Finding]:
    for name in _FILES:
        path: Path | None = getattr(settings, name)
        if path is not None:
            yield _readable(name, path)
    if settings.log_dir is not None:
        is_good = settings.log_dir.is_dir() and os.access(settings.log_dir, os.W_OK | os.X_OK)
        state = State.GOOD if is_good else State.WRONG
        detail = str(settings.log_dir) if is_good else f"{settings.log_dir} cannot be written to"
        yield Finding(state, "log-dir", detail)


def _readable(name: str, path: Path) -> Finding:
    label = name.replace("_", "-")
    try:
        path.read_bytes()
    except OSError as error:
        detail = f"{path} cannot be read: {error.strerror or error}"
        return Finding(State.WRONG, label, detail)
    return Finding(State.GOOD, label, str(path))


def _plugins(settings: Settings) -> Iterator[Finding]:
    asked = (
        ("actions", settings.actions_path, ACTIONS_GROUP, settings.actions_from),
        ("distributors", settings.distributors_path, DISTRIBUTORS_GROUP, ()),
    )
    for kind, folders, group, instead in asked:
        try:
            found = discover([kind], folders, [group], instead)
        except EngineError as error:
            yield Finding(State.WRONG, kind, str(error))
            continue
        yield Finding(State.GOOD, kind, f"{len(getattr(found, kind))} loaded")
        for broken in found.broken:
            yield Finding(State.NOTE, kind, f"cannot be loaded: {broken}")


def _libraries(settings: Settings) -> Iterator[Finding]:
    needed = (
        (settings.metrics_port is not None, "metrics-port", "prometheus_client", "metrics"),
        (bool(settings.es_hosts), "es-hosts", "elasticsearch", "elasticsearch"),
    )
    for is_needed, label, module, extra in needed:
        if is_needed and importlib.util.find_spec(module) is None:
            detail = f"needs a library: pip install 'nuvla-console[{extra}]'"
            yield Finding(State.WRONG, label, detail)


def _zookeeper(settings: Settings) -> Iterator[Finding]:
    try:
        with open_zookeeper(settings) as zk:
            granted = f"session timeout {zk.session_timeout:g} s"
            yield Finding(State.GOOD, "zookeeper", f"{clean(settings.zk_hosts)}, {granted}")
            yield from _rights(settings, zk)
    except EngineError as error:
        yield _failed("zookeeper", error)


def _rights(settings: Settings, zk: ZooKeeper) -> Iterator[Finding]:
    """Yield whether we may read the queue, and make and remove nodes beside it."""
    try:
        listed = zk.children(ENTRIES)
    except EngineError as error:
        yield _failed(f"read {ENTRIES}", error)
    else:
        detail = counted(len(listed[0]), "entry", "entries") if listed else "is not there yet"
        yield Finding(State.GOOD, f"read {ENTRIES}", detail)
    for parent in (TAKEN, ELECTION, own_paths(settings).root):
        yield _may_write(zk, parent)


def _may_write(zk: ZooKeeper, parent: str) -> Finding:
    subject, node = f"write {parent}", f"{parent}/check-{uuid4().hex}"
    making = wire.create(node, b"", acl=zk.acl_of(node))
    try:
        answers = zk.transaction(making, wire.delete(node))
    except EngineError as error:
        return _failed(subject, error)
    if all(answer is Answer.DONE for answer in answers):
        return Finding(State.GOOD, subject, "allowed")
    if Answer.NO_NODE in answers:
        return Finding(State.NOTE, subject, "is not there yet: the first to need it makes it")
    if Answer.NO_AUTH in answers:
        detail = "forbidden: services need it, who only reads does not (docs/security.md)"
        return Finding(State.NOTE, subject, detail)
    return Finding(State.UNREACHED, subject, "; ".join(str(each.value) for each in answers))


def _api(settings: Settings) -> Finding:
    limited = replace(settings, api_timeout=min(settings.api_timeout, API_SECONDS))
    try:
        with NuvlaClient.from_settings(limited) as client:
            took = client.probe()
    except EngineError as error:
        return _failed("api", error)
    return Finding(State.GOOD, "api", f"{settings.api_url}, answers in {1000 * took:.0f} ms")


def _failed(subject: str, error: EngineError) -> Finding:
    is_wrong = isinstance(error, SettingsError) or exit_code_for(error) is ExitCode.USAGE
    state = State.WRONG if is_wrong else State.UNREACHED
    return Finding(state, subject, clean(str(error), limit=1000))
