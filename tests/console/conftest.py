"""What a failed test of a console in a terminal tells besides."""

from __future__ import annotations

from collections.abc import Generator

import pytest

from tests.console.terminal import Terminal


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Item,
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Add what the window showed."""
    report = yield
    terminal = getattr(item, "funcargs", {}).get("terminal")
    if report.failed and isinstance(terminal, Terminal):
        title = f"window of {terminal.columns}x{terminal.lines}"
        report.sections.append((title, terminal.text()))
    return report
