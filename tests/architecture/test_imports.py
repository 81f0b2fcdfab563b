"""What an import may bring in: the command line stays light, the engine draws nothing."""

from __future__ import annotations

import subprocess
import sys

import pytest


def loaded_by(statement: str) -> set[str]:
    """Return the names of the modules that are loaded after a statement in a new interpreter."""
    script = f"{statement}\nimport sys\nprint(*sys.modules)"
    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, timeout=60, check=True
    )
    return set(done.stdout.split())


def test_the_command_line_loads_no_textual() -> None:
    assert "textual" not in loaded_by("import engine.cli.main")


@pytest.mark.parametrize("heavy", ["kazoo", "requests", "nuvla.api", "lark", "starlette"])
def test_what_a_plugin_imports_is_light(heavy: str) -> None:
    assert heavy not in loaded_by("import engine")
