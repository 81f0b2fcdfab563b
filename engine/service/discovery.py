"""Find plug-ins: in packages, in folders and behind entry points; list what is broken."""

from __future__ import annotations

import hashlib
import importlib
import importlib.machinery
import importlib.metadata
import importlib.util
import inspect
import logging
import pkgutil
import sys
import traceback
from collections.abc import Callable, Iterable, Iterator
from functools import partial
from pathlib import Path
from types import FunctionType, MappingProxyType, ModuleType
from typing import Any, TypeVar

from engine.errors import PluginError
from engine.service import upstream
from engine.service.registry import (
    MARK,
    ActionPlugin,
    BrokenPlugin,
    DistributorPlugin,
    Plugins,
    action_plugin,
    plugin_of,
)
from engine.text import clean

log = logging.getLogger(__name__)

ACTIONS_GROUP = "nuvla_engine.actions"
DISTRIBUTORS_GROUP = "nuvla_engine.distributors"

P = TypeVar("P", ActionPlugin, DistributorPlugin)


def discover(
    packages: Iterable[str] = (),
    folders: Iterable[Path] = (),
    groups: Iterable[str] = (),
    instead: Iterable[str] = (),
) -> Plugins:
    """Import every plug-in and return what they register.

    A module that cannot be imported, whatever it raises, is listed as broken and does not stop
    the others. Files whose name starts with "_" are the plug-ins' own helpers: not imported here.

    Args:
        packages: importable packages, each module of which is a plug-in.
        folders: folders, each Python file of which is a plug-in.
        groups: entry point groups; an entry point names a module or a decorated class.
        instead: packages, the published engine's among them, whose actions take the place of those
            of the same name in `packages`.

    Raises:
        PluginError: a folder or a package cannot be read, or two plug-ins have one name.
    """
    found = _Found()
    for package in packages:
        found.import_all(_modules_of_package(package))
    theirs = _Found()
    for package in instead:
        theirs.load_package(package)
    found.put_in_place(theirs)
    for folder in folders:
        found.import_all(_modules_of_folder(folder))
    for group in groups:
        found.load_entry_points(group)
    return Plugins(
        actions=MappingProxyType(found.actions),
        distributors=MappingProxyType(found.distributors),
        broken=tuple(found.broken),
    )


class _Found:
    """What discovery has come across so far."""

    def __init__(self) -> None:
        self.actions: dict[str, ActionPlugin] = {}
        self.distributors: dict[str, DistributorPlugin] = {}
        self.broken: list[BrokenPlugin] = []

    def import_all(self, modules: Iterable[tuple[str, str]]) -> None:
        """Import modules, given as name and place."""
        for name, place in modules:
            module = self._attempt(place, partial(importlib.import_module, name))
            if isinstance(module, ModuleType):
                self._take_module(module)

    def load_entry_points(self, group: str) -> None:
        """Load the entry points of a group."""
        for point in importlib.metadata.entry_points(group=group):
            place = f"entry point {point.name} ({point.value})"
            loaded = self._attempt(place, point.load)
            if isinstance(loaded, ModuleType):
                self._take_module(loaded)
            elif isinstance(loaded, type | FunctionType) and MARK in vars(loaded):
                self._take_class(loaded)
            elif loaded is not None:
                reason = "it is no module and not marked with @action or @distributor"
                self.broken.append(BrokenPlugin(place=place, reason=reason))

    def load_package(self, name: str) -> None:
        """Load the actions of a package: by its own registry if it keeps one, or by our marks."""
        package = upstream.import_package(name)
        registry = upstream.registry_of(package)
        if registry is None:
            return self.import_all(_modules_of_package(name))
        for action_name, cls in registry.items():
            self._take(cls, partial(action_plugin, action_name, cls))
        for module in upstream.missing_modules(package):
            self._attempt(module, partial(importlib.import_module, module))

    def put_in_place(self, other: _Found) -> None:
        """Take the actions of another, instead of those that have the same name."""
        for name in other.actions.keys() & self.actions.keys():
            log.info("the shipped action %s is replaced by %s", name, other.actions[name].place)
        self.actions |= other.actions
        self.broken += other.broken

    def _attempt(self, place: str, load: Callable[[], object]) -> object | None:
        try:
            return load()
        except KeyboardInterrupt:
            raise
        except BaseException as error:  # a module may raise SystemExit; the others still load
            self.broken.append(BrokenPlugin(place=place, reason=_reason(error)))
            return None

    def _take_module(self, module: ModuleType) -> None:
        for value in vars(module).values():
            marked = isinstance(value, type | FunctionType) and MARK in vars(value)
            if marked and value.__module__ == module.__name__:  # not what it only imported
                self._take_class(value)

    def _take_class(self, cls: Any) -> None:
        self._take(cls, partial(plugin_of, cls))

    def _take(self, cls: Any, read: Callable[[str], ActionPlugin | DistributorPlugin]) -> None:
        place = _place(cls)
        try:
            plugin = read(place)
        except (PluginError, ValueError, TypeError) as error:
            self.broken.append(BrokenPlugin(place=place, reason=_reason(error)))
            return
        if isinstance(plugin, ActionPlugin):
            _add(self.actions, plugin, "actions")
        else:
            _add(self.distributors, plugin, "distributors")


def _add(known: dict[str, P], plugin: P, kind: str) -> None:
    other = known.setdefault(plugin.name, plugin)
    if other.place != plugin.place:
        raise PluginError(
            f"two {kind} are named {plugin.name!r}: one at {other.place}, one at {plugin.place}; "
            "rename or remove one"
        )


def _modules_of_package(package: str) -> Iterator[tuple[str, str]]:
    try:
        path = importlib.import_module(package).__path__
    except (ImportError, AttributeError) as error:
        raise PluginError(f"the package {package!r} cannot be imported: {error}") from error
    for info in sorted(pkgutil.iter_modules(path), key=lambda info: info.name):
        if not info.name.startswith("_"):
            yield f"{package}.{info.name}", f"{package}.{info.name}"


def _modules_of_folder(folder: Path) -> Iterator[tuple[str, str]]:
    """Make a package of the folder, so that its files can import each other with a leading dot."""
    folder = folder.expanduser().resolve()
    try:
        files = sorted(file for file in folder.iterdir() if file.suffix == ".py")
    except OSError as error:
        raise PluginError(f"the plug-in folder {folder} cannot be read: {error}") from error
    package = f"nuvla_plugins_{hashlib.sha256(str(folder).encode()).hexdigest()[:12]}"
    if package not in sys.modules:
        spec = importlib.machinery.ModuleSpec(package, None, is_package=True)
        spec.submodule_search_locations = [str(folder)]
        sys.modules[package] = importlib.util.module_from_spec(spec)
    importlib.invalidate_caches()
    for file in files:
        if not file.name.startswith("_"):
            yield f"{package}.{file.stem}", str(file)


def _place(cls: Any) -> str:
    try:
        return f"{inspect.getsourcefile(cls)}:{inspect.getsourcelines(cls)[1]}"
    except (TypeError, OSError):
        return f"{getattr(cls, '__module__', '?')}.{getattr(cls, '__qualname__', cls)}"


def _reason(error: BaseException) -> str:
    text = "".join(traceback.format_exception_only(error)).strip()
    return clean(" ".join(text.split()) or type(error).__name__, limit=500)
