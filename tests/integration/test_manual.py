"""The man pages that the packages bring."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

from engine.cli.verbs import LISTINGS
from engine.settings.table import KEYS
from tests.support import program

SCRIPT = Path(__file__).parents[2] / "packaging" / "manpages"


@pytest.fixture(scope="module")
def pages(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of all pages."""
    folder = tmp_path_factory.mktemp("man")
    subprocess.run([sys.executable, SCRIPT, folder], timeout=120, check=True)
    return folder


def shown(page: Path) -> str:
    """Return a page as a terminal of 80 columns shows it, without bold and underlines."""
    done = subprocess.run(
        [program("groff"), "-man", "-ww", "-Tutf8", "-rLL=80n", str(page)],
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
    )
    assert done.stderr == ""
    return re.sub(r"\x1b\[[\d;]*m|.\x08", "", done.stdout).replace("\N{HYPHEN}", "-")


def test_each_verb_has_a_page_and_both_commands_have_one(pages: Path) -> None:
    expected = {f"nuvla-engine-{verb}.1" for verb in LISTINGS}
    expected |= {"nuvla-engine.1", "nuvla-console.1", "nuvla-engine-settings.5"}
    assert {page.name for page in pages.iterdir()} == expected


def test_troff_has_nothing_to_say_against_them(pages: Path) -> None:
    for page in pages.iterdir():
        text = shown(page)
        assert text.splitlines().count("NAME") == 1, page.name


def test_a_page_says_what_the_help_says(pages: Path) -> None:
    text = shown(pages / "nuvla-engine-executor.1")
    assert "--threads N" in text
    assert "--api-url, --endpoint URL" in text
    assert "NUVLA_THREADS" in text
    text = shown(pages / "nuvla-engine.1")
    for verb in LISTINGS:
        assert f"nuvla-engine-{verb}(1)" in text


def test_the_settings_page_has_every_key(pages: Path) -> None:
    text = shown(pages / "nuvla-engine-settings.5")
    for key in KEYS:
        assert re.search(rf"^ +{re.escape(key.label)}(?: |$)", text, flags=re.MULTILINE), key.label
