"""What tests of every part share: waiting for a condition, and programs of others."""

from __future__ import annotations

import os
import shutil
import time
from collections.abc import Callable
from typing import TypeVar

import pytest

T = TypeVar("T")


def eventually(
    condition: Callable[[], T | None],
    what: str = "the condition",
    *,
    within: float = 15.0,
    every: float = 0.02,
) -> T:
    """Return the first true value of the condition; fail, naming it, after `within` seconds."""
    deadline = time.monotonic() + within
    while True:
        value = condition()
        if value:
            return value
        if time.monotonic() > deadline:
            raise AssertionError(f"{what} did not come true within {within:g} s: {value!r}")
        time.sleep(every)


def program(name: str) -> str:
    """Return the path of a program that `make setup` installs where it may.

    Who may not install programs can do without: the test is skipped, but never on CI.
    """
    found = shutil.which(name, path=f"{os.environ.get('PATH', '')}:/usr/sbin")
    if found is None and "CI" not in os.environ:
        pytest.skip(f"there is no {name} here: see scripts/install-tools")
    assert found is not None, f"{name} is missing: scripts/install-tools brings it"
    return found
