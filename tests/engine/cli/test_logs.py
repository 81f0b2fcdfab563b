"""Logs: one record a line, no secrets, and a target that fails does not stop the work."""

from __future__ import annotations

import errno
import json
import logging
import os
import re
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from kazoo.client import KazooClient

from engine.cli.log_targets import FileTarget, StreamTarget
from engine.cli.logs import Logs, configure_logs
from engine.errors import SettingsError
from engine.settings import Secret, Settings
from engine.settings.redaction import Redactor

log = logging.getLogger("engine.test")
RECORD = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z [A-Z]+ +\[[^]]+\] ")
Configure = Callable[..., Path]


@pytest.fixture
def configure(tmp_path: Path) -> Iterator[Configure]:
    """Send the logs of this process to a file, and return it; undone after the test."""
    made: list[Logs] = []
    root = logging.getLogger()
    level = root.level

    def run(**settings: Any) -> Path:
        made.append(configure_logs(Settings(log_dir=tmp_path, **settings), service="test"))
        return tmp_path / "nuvla-test.log"

    yield run
    for logs in made:
        logs.close()
    root.setLevel(level)


def record(message: str) -> logging.LogRecord:
    """Return a record to give to a target."""
    return logging.LogRecord("engine.test", logging.INFO, "", 0, message, (), None)


def test_a_record_is_one_line_with_time_level_thread_job_and_action(configure: Configure) -> None:
    file = configure()
    log.info("took %s", "job/1", extra={"job_id": "job/1", "action": "count"})
    [line] = file.read_text().splitlines()
    assert RECORD.match(line)
    assert line.endswith(" INFO     [MainThread] took job/1 (count)")


def test_json_has_the_same_facts_by_name(configure: Configure) -> None:
    file = configure(log_format="json")
    log.info("took %s", "job/1", extra={"job_id": "job/1", "action": "count"})
    facts = json.loads(file.read_text())
    assert RECORD.match(f"{facts.pop('time')} INFO [MainThread] ")
    assert facts == {
        "level": "INFO",
        "logger": "engine.test",
        "service": "test",
        "pid": os.getpid(),
        "thread": "MainThread",
        "message": "took job/1",
        "job_id": "job/1",
        "action": "count",
    }


@pytest.mark.parametrize("log_format", ["text", "json"])
def test_no_text_can_pass_for_a_record_or_drive_a_terminal(
    configure: Configure, log_format: str
) -> None:
    """Row 132."""
    file = configure(log_format=log_format)
    forged = "x\n2026-11-24T00:00:00.000Z ERROR    [MainThread] forged\r\x1b[2Jy\u202e\u2028z"
    log.info("%s", forged, extra={"job_id": forged, "action": forged})
    content = file.read_bytes().decode()
    assert len(content.splitlines()) == 1
    assert not any(char in content for char in "\x1b\r\u202e\u2028")


@pytest.mark.parametrize("log_format", ["text", "json"])
def test_a_traceback_belongs_to_its_record(configure: Configure, log_format: str) -> None:
    file = configure(log_format=log_format)
    try:
        raise ValueError("wrong\n2026-11-24T00:00:00.000Z ERROR    [x] forged")
    except ValueError:
        log.exception("it failed")
    lines = file.read_text().splitlines()
    if log_format == "json":
        [line] = lines
        assert "ValueError: wrong" in json.loads(line)["traceback"]
    else:
        assert RECORD.match(lines[0]) and lines[0].endswith("it failed")
        assert len(lines) > 3 and all(line.startswith("    | ") for line in lines[1:])


def test_what_is_marked_as_multiline_is_indented(configure: Configure) -> None:
    file = configure()
    log.warning("stacks:\n%s", "thread a\n\tline\x1b", extra={"multiline": True})
    lines = file.read_text().splitlines()
    assert lines[0].endswith("stacks:")
    assert lines[1:] == ["    | thread a", "    |     line␛"]


def test_a_thread_that_works_on_a_job_is_named_with_it(tmp_path: Path) -> None:
    logs = configure_logs(Settings(log_dir=tmp_path, name="a/b"), service="executor")
    try:
        logs.name_jobs(lambda: {threading.get_ident(): "job/7"})
        log.warning("from an action")
    finally:
        logs.close()
    assert "from an action (job/7)" in (tmp_path / "nuvla-executor-a_b.log").read_text()


def test_the_newest_errors_are_kept_for_who_asks(tmp_path: Path) -> None:
    logs = configure_logs(Settings(log_dir=tmp_path, api_pass=Secret("canary")))
    try:
        log.warning("no error")
        for number in range(9):
            log.error("error %d canary\n%s", number, "x" * 1000)
        errors = logs.last_errors()
    finally:
        logs.close()
    assert [line[25:36] for line in errors] == [f"error {n} ***" for n in range(4, 9)]
    assert all(len(line) < 400 and "\n" not in line for line in errors)


def test_a_wrong_call_of_a_logger_is_logged_as_far_as_it_goes(configure: Configure) -> None:
    file = configure()
    log.info("%d jobs", "many")
    assert "%d jobs (its arguments do not fit" in file.read_text()


def test_a_thread_that_dies_is_logged(configure: Configure) -> None:
    file = configure()

    def die() -> None:
        raise RuntimeError("no more")

    thread = threading.Thread(target=die, name="worker-9")
    thread.start()
    thread.join(10)
    assert "worker-9 ended by an error" in file.read_text()
    assert "RuntimeError: no more" in file.read_text()


def test_the_level_holds_and_libraries_do_not_tell_of_every_request(configure: Configure) -> None:
    file = configure(log_level="DEBUG")
    log.debug("ours")
    logging.getLogger("kazoo.client").debug("theirs")
    logging.getLogger("kazoo.client").warning("a warning of theirs")
    text = file.read_text()
    assert "ours" in text and "theirs\n" not in text.replace("of theirs", "")
    assert "kazoo.client: a warning of theirs" in text


SECRET = "cän\"ary'&%s/ 5c1e"


@pytest.mark.parametrize("log_format", ["text", "json"])
def test_secrets_never_appear_in_any_form(configure: Configure, log_format: str) -> None:
    """Row 122."""
    file = configure(api_pass=Secret(SECRET), log_format=log_format)
    log.info("plain %s", SECRET)
    log.info("%r %s", SECRET, json.dumps({"password": SECRET}), extra={"job_id": SECRET})
    log.info("Cookie: com.com.sixsq.nuvla.cookie=t0ken.canary; Path=/")
    log.info("headers {'nuvla-authn-info': 'user/canary x'}")
    log.info("http://user:canary@proxy.example:3128/")
    try:
        raise ValueError(SECRET)
    except ValueError:
        log.exception("failed")
    text = file.read_text()
    assert "5c1e" not in text and "canary" not in text
    assert "***" in text


def test_kazoo_at_debug_shows_neither_password_nor_session(
    configure: Configure, zk_hosts: str
) -> None:
    """Row 122: kazoo writes what it sends, the authentication and the session's password too."""
    file = configure(zk_auth=Secret("digest:user:canary-5c1e"), log_level="DEBUG")
    logger = logging.getLogger("kazoo")
    logger.setLevel(5)
    logging.getLogger().setLevel(5)
    client = KazooClient(zk_hosts, auth_data=[("digest", "user:canary-5c1e")])
    client.start(timeout=15)
    password = repr(client.client_id[1])[2:-1]
    client.stop()
    client.close()
    logger.setLevel(logging.NOTSET)
    text = file.read_text()
    assert "Auth(" in text and "Connect(" in text
    assert "canary" not in text
    assert password not in text and password.replace("\\", "\\\\") not in text


def test_a_secret_that_is_part_of_another_leaves_nothing_of_it() -> None:
    redact = Redactor([Secret("abcd"), Secret("abcdefgh"), Secret("x")])
    assert redact("abcdefgh abcd x") == "*** *** x"


def test_a_file_is_rotated_by_size_and_few_are_kept(tmp_path: Path) -> None:
    target = FileTarget(tmp_path / "a.log", size=100, kept=2)
    for number in range(50):
        target.emit(record(f"line {number:02} {'x' * 20}"))
    target.close()
    names = sorted(path.name for path in tmp_path.iterdir())
    assert names == ["a.log", "a.log.1", "a.log.2"]
    assert all(path.stat().st_size <= 100 for path in tmp_path.iterdir())
    assert "line 49" in (tmp_path / "a.log").read_text()


def test_a_file_that_was_moved_away_is_opened_anew(tmp_path: Path) -> None:
    """Row 90: other tools rotate logs too."""
    file = tmp_path / "sub" / "a.log"
    target = FileTarget(file)
    target.emit(record("one"))
    file.rename(tmp_path / "moved")
    target.emit(record("two"))
    file.unlink()
    target.emit(record("three"))
    target.close()
    assert (tmp_path / "moved").read_text() == "one\n"
    assert file.read_text() == "three\n"
    assert file.stat().st_mode & 0o007 == 0


def test_a_folder_that_cannot_be_written_is_a_wrong_setting(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(SettingsError, match=r"^log-dir: .*cannot be opened"):
        configure_logs(Settings(log_dir=tmp_path / "file"))
    (tmp_path / "nuvla-x.log").symlink_to(tmp_path / "file")
    with pytest.raises(SettingsError, match=r"^log-dir: .*cannot be opened"):
        configure_logs(Settings(log_dir=tmp_path), service="x")


def test_a_full_disk_loses_lines_and_says_how_many(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Row 90."""
    target = FileTarget(tmp_path / "a.log")

    def full(*_: object) -> int:
        raise OSError(errno.ENOSPC, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr("engine.cli.log_targets.os.write", full)
        for number in range(3):
            target.emit(record(f"lost {number}"))
    target.emit(record("here again"))
    target.emit(record("and more"))
    target.close()
    first, *rest = (tmp_path / "a.log").read_text().splitlines()
    assert first.startswith("3 log records before this one were lost")
    assert rest == ["here again", "and more"]


def test_a_closed_pipe_is_survived() -> None:
    reader, writer = os.pipe()
    target = StreamTarget(writer)
    os.close(reader)
    for _ in range(3):
        target.emit(record("nobody reads"))
    os.close(writer)
    target.emit(record("nothing there"))


def test_a_reader_who_does_not_read_holds_nobody_up() -> None:
    reader, writer = os.pipe()
    target = StreamTarget(writer)
    started = time.monotonic()
    for _ in range(500):
        target.emit(record("x" * 1000))
    assert time.monotonic() - started < 15
    drained = os.read(reader, 10_000_000)
    while drained and not drained.endswith(b"again\n"):
        target.emit(record("again"))
        drained = os.read(reader, 10_000_000)
    assert b"log records before this one were lost" in drained
    os.close(reader)
    os.close(writer)


@pytest.mark.parametrize("redirection", ["2>/dev/full", "2>&-", "2>&1 | true"])
def test_a_process_whose_stderr_is_full_or_closed_works_on(redirection: str) -> None:
    """Row 90."""
    program = (
        "import logging; from engine.cli.logs import configure_logs;"
        "from engine.settings import Settings; configure_logs(Settings());"
        "[logging.warning('x' * 5000) for _ in range(50)]; exit(7)"
    )
    script = f'set -o pipefail; {sys.executable} -c "{program}" {redirection}'
    done = subprocess.run(["bash", "-c", script], timeout=60, cwd=Path(__file__).parents[3])
    assert done.returncode == 7
