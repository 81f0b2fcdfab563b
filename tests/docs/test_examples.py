"""The examples in the documentation that are marked to run do what the pages say."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

import engine
from tests.docs.pages import DOCS, matches, steps_of
from tests.local_api import LocalApi

PAGES = [page for page in sorted(DOCS.glob("*.md")) if steps_of(page)]


def test_there_are_pages_with_examples() -> None:
    assert {"writing-an-action.md", "writing-a-distributor.md"} <= {page.name for page in PAGES}


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
def test_a_page_s_examples_do_what_it_says(
    page: Path, tmp_path: Path, zk_hosts: str, local_api: LocalApi
) -> None:
    """One after the other, in one folder, against a platform of the test's own."""
    environment = {
        "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}",
        "HOME": str(tmp_path),
        "COLUMNS": "80",
        "NUVLA_ZK_HOSTS": zk_hosts,
        "NUVLA_API_URL": local_api.url,
        "NUVLA_API_KEY": local_api.api_key,
        "NUVLA_API_SECRET": local_api.api_secret,
        "NUVLA_AUDIT_FILE": str(tmp_path / "audit.jsonl"),
    }
    folder = tmp_path / "work"
    folder.mkdir()
    for step in steps_of(page):
        if step.file:
            file = folder / step.file
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_text(step.text, encoding="utf-8")
            continue
        done = subprocess.run(
            step.text,
            shell=True,
            cwd=folder,
            env=environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=100,
        )
        assert matches(step.wanted, done.stdout), f"$ {step.text}\n{done.stdout}"


def test_every_public_name_is_listed() -> None:
    listed = re.findall(r"`(\w+)`", (DOCS / "plugins.md").read_text(encoding="utf-8"))
    assert set(engine.__all__) <= set(listed)


@pytest.mark.parametrize(
    ("wanted", "printed", "is_right"),
    [
        ("a\n", "a\n", True),
        ("a\n", "b\n", False),
        ("a ... c\n", "a b c\n", True),
        ("...\nc\n", "a\nb\nc\n", True),
        ("a\n...\n", "a\n", True),
        ("a\n", "a\nb\n", False),
        ("", "", True),
        ("", "a\n", False),
        ("a.c\n", "abc\n", False),
    ],
)
def test_what_is_printed_is_compared_word_by_word(
    wanted: str, printed: str, is_right: bool
) -> None:
    assert matches(wanted, printed) == is_right
