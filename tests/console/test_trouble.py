"""Errors of the console's own: a line, a file, and never a traceback on the screen."""

from __future__ import annotations

import logging
import os
import subprocess
import sys
from pathlib import Path

import pytest

from nuvla_console.trouble import NotesHandler, write_crash
from tests.console.planted import StillStore, console
from tests.console.test_screens import LARGE


def test_warnings_of_the_parts_below_become_notes() -> None:
    noted: list[tuple[str, str]] = []
    handler = NotesHandler(lambda level, text: noted.append((level, text)))
    logger = logging.getLogger("engine.test-of-notes")
    logger.propagate = False
    logger.addHandler(handler)
    logger.warning("ZooKeeper is %s", "away\x1b[31m")
    logger.error("worse")
    logger.info("not worth it")
    assert noted == [("doubt", "ZooKeeper is away\u241b[31m"), ("bad", "worse")]


def test_a_crash_is_kept_in_a_private_file_without_local_variables(tmp_path: Path) -> None:
    password = "hush-" + "hush"
    try:
        raise ValueError(len(password))
    except ValueError as error:
        path = write_crash(error, tmp_path / "logs")
    assert path is not None
    assert path.stat().st_mode & 0o077 == 0
    assert "ValueError: 9" in path.read_text("utf-8")
    assert password not in path.read_text("utf-8")


def test_where_no_file_can_be_made_there_is_none(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("", "utf-8")
    assert write_crash(ValueError("x"), tmp_path / "file" / "logs") is None


async def test_an_error_in_a_screen_ends_with_one_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("platformdirs.user_log_path", lambda _: tmp_path)
    store = StillStore()
    app = console(store)
    with pytest.raises(AttributeError):
        async with app.run_test(size=LARGE) as pilot:
            store.show(queue="this is no queue")
            app.tick()
            await pilot.pause()
            await pilot.pause()
    (file,) = tmp_path.iterdir()
    assert "Traceback" in file.read_text("utf-8")
    said = "".join(str(vars(one)) for one in app._exit_renderables)
    assert "Traceback" not in said


def test_what_a_closed_terminal_cannot_take_does_not_change_the_exit_code() -> None:
    code = "from nuvla_console import trouble; print(1); {}"
    buffered = {**os.environ, "PYTHONUNBUFFERED": ""}
    with open("/dev/full", "w", encoding="utf-8") as full:
        codes = [
            subprocess.run(
                [sys.executable, "-c", code.format(last)],
                stdout=full,
                stderr=subprocess.DEVNULL,
                env=buffered,
                timeout=60,
            ).returncode
            for last in ("pass", "trouble.drop_unwritable_output()")
        ]
    assert codes == [120, 0]
