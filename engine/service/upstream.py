"""Action packages of the published engine: its registry, read as it is.

Importing `nuvla.job_engine.job.actions` imports its modules and fills `Actions.actions`, a dict of
classes by name (its `actions/__init__.py`, version 5.1.4). It logs a module that cannot be imported
and goes on; here the reason is found out, so that it can be shown.
"""

from __future__ import annotations

import importlib
import logging
import pkgutil
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from types import ModuleType
from typing import Any

from engine.errors import PluginError


def import_package(name: str) -> ModuleType:
    """Import a package of actions.

    Raises:
        PluginError: it cannot be imported, or is no package.
    """
    try:
        with _quiet():
            package = importlib.import_module(name)
    except Exception as error:
        reason = f"{type(error).__name__}: {error}"
        raise PluginError(
            f"actions-from: the package {name!r} cannot be imported ({reason}); "
            "is it installed in the engine's own environment?"
        ) from error
    if not hasattr(package, "__path__"):
        raise PluginError(f"actions-from: {name!r} is a module, not a package of actions")
    return package


def registry_of(package: ModuleType) -> Mapping[str, Callable[..., Any]] | None:
    """Return the classes in a package's own registry; None where it keeps none."""
    registry = getattr(getattr(package, "Actions", None), "actions", None)
    return registry if isinstance(registry, Mapping) else None


def missing_modules(package: ModuleType) -> Iterator[str]:
    """Yield the names of modules that the package could not import; packages are its helpers'."""
    for info in sorted(pkgutil.iter_modules(package.__path__), key=lambda info: info.name):
        name = f"{package.__name__}.{info.name}"
        if not info.ispkg and name not in sys.modules:
            yield name


@contextmanager
def _quiet() -> Iterator[None]:
    """Keep back what the package says of each action, and the tracebacks of broken modules."""

    def is_wanted(record: logging.LogRecord) -> bool:
        return record.levelno >= logging.WARNING and not record.exc_info

    root = logging.getLogger()
    root.addFilter(is_wanted)
    try:
        yield
    finally:
        root.removeFilter(is_wanted)
