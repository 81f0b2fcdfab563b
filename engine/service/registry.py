"""@action, @distributor, and what they register: discovery itself is in `discovery`.

A decorator only marks its class, so importing a plug-in has no effect on anything else.
"""

from __future__ import annotations

import inspect
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, TypeVar

from engine.errors import PluginError

MINUTE = 60.0
HOUR = 60 * MINUTE
DAY = 24 * HOUR

MARK = "__nuvla_plugin__"
"""Attribute that a decorator leaves on its class."""

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]*", re.ASCII)
"""It names nodes and stands in filters."""

C = TypeVar("C", bound=Callable[..., Any])


@dataclass(frozen=True, slots=True, kw_only=True)
class ActionMark:
    """What @action was told."""

    name: str


@dataclass(frozen=True, slots=True, kw_only=True)
class DistributorMark:
    """What @distributor was told."""

    name: str
    every: float
    """Seconds between two distributions."""
    election: str
    """Name below /election: the action that is distributed, as upstream's distributors use it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ActionPlugin:
    """An action that an executor can run."""

    name: str
    place: str
    """File and line of the class."""
    make: Callable[[Any, Any], Any] = field(repr=False)
    """make(executor, job) -> an object with do_work()."""


@dataclass(frozen=True, slots=True, kw_only=True)
class DistributorPlugin:
    """A distributor that can be contended for."""

    name: str
    every: float
    election: str
    place: str
    make: Callable[[Any], Any] = field(repr=False)
    """make(api) -> an object with job_generator()."""


@dataclass(frozen=True, slots=True, kw_only=True)
class BrokenPlugin:
    """A module or a class that could not be loaded."""

    place: str
    reason: str
    """One line, safe to draw."""

    def __str__(self) -> str:
        return f"{self.place}: {self.reason}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Plugins:
    """All that was found, and what is broken."""

    actions: Mapping[str, ActionPlugin] = field(default_factory=dict)
    distributors: Mapping[str, DistributorPlugin] = field(default_factory=dict)
    broken: tuple[BrokenPlugin, ...] = ()


def action(name: str | None = None, *, pull_mode_support: bool = False) -> Callable[[C], C]:
    """Mark a class as the action of this name; without a name, its own name counts.

    The class has `do_work()` and a constructor that takes `(job)`, or `(executor, job)` as in
    2019. `pull_mode_support` is accepted because upstream's classes say it; it changes nothing.
    """
    _check_name(name, "action")

    def mark(cls: C) -> C:
        setattr(cls, MARK, ActionMark(name=name or cls.__name__))
        return cls

    return mark


def distributor(
    name: str | None = None, *, every: float, action: str | None = None
) -> Callable[[C], C]:
    """Mark a class as the distributor of this name.

    The class has `job_generator()`, which yields job requests (JobRequest, or a document as a
    dict), and a constructor that takes nothing or the API.

    Args:
        name: what operators call it; without one, the name of the class.
        every: seconds between two distributions.
        action: the action of its jobs, which also names its election; the distributor's own name
            unless given.

    Raises:
        PluginError: every is not a positive number.
    """
    _check_name(name, "distributor")
    _check_name(action, "distributor")
    if isinstance(every, bool) or not isinstance(every, int | float) or not 0 < every < 1e9:
        raise PluginError(f"@distributor({name!r}): every={every!r} is not a number of seconds")

    def mark(cls: C) -> C:
        own = name or cls.__name__
        setattr(cls, MARK, DistributorMark(name=own, every=float(every), election=action or own))
        return cls

    return mark


def plugin_of(cls: Any, place: str) -> ActionPlugin | DistributorPlugin:
    """Return the plug-in that a marked class is.

    Raises:
        PluginError: the class lacks its method, or its constructor has another shape.
    """
    mark = vars(cls)[MARK]
    if isinstance(mark, ActionMark):
        return action_plugin(mark.name, cls, place)
    wanted = required_arguments(cls)
    _check_method(cls, "job_generator")
    if wanted > 1:
        raise PluginError(f"its constructor takes {wanted} arguments, not () or (api)")
    return DistributorPlugin(
        name=mark.name,
        every=mark.every,
        election=mark.election,
        place=place,
        make=cls if wanted == 1 else lambda api: cls(),
    )


def action_plugin(name: str, cls: Callable[..., Any], place: str) -> ActionPlugin:
    """Return the action that a class is, marked or not.

    Raises:
        PluginError: the class lacks do_work(), or its constructor has another shape.
    """
    _check_name(name, "action")
    _check_method(cls, "do_work")
    wanted = required_arguments(cls)
    if wanted not in (1, 2):
        raise PluginError(f"its constructor takes {wanted} arguments, not (job)")
    make = cls if wanted == 2 else lambda executor, job: cls(job)
    return ActionPlugin(name=name, place=place, make=make)


def required_arguments(cls: Callable[..., Any]) -> int:
    """Return how many positional arguments a constructor needs; `*args` alone counts as one."""
    parameters = inspect.signature(cls).parameters.values()
    needed = sum(
        p.kind in (p.POSITIONAL_ONLY, p.POSITIONAL_OR_KEYWORD) and p.default is p.empty
        for p in parameters
    )
    takes_more = any(p.kind is p.VAR_POSITIONAL for p in parameters)
    named_job = any(p.name in ("job", "api") for p in parameters)
    return max(needed, int(takes_more or named_job))


def _check_name(name: object, kind: str) -> None:
    if name is not None and not (isinstance(name, str) and _NAME.fullmatch(name)):
        raise PluginError(f"@{kind}({name!r}): a name has letters, digits and any of _ . - only")


def _check_method(cls: Callable[..., Any], name: str) -> None:
    if not callable(getattr(cls, name, None)):
        raise PluginError(f"it has no method {name}()")
