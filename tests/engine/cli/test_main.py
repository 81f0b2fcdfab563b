"""Tests of engine.cli.main: help, mistakes, exit codes, broken pipes, Ctrl-C."""

from __future__ import annotations

import os
import signal
import subprocess
import sys

import pytest

from engine.cli.exit_codes import ExitCode, exit_code_for
from engine.cli.verbs import LISTINGS, find_verb
from engine.errors import (
    ApiRefused,
    ApiUnavailable,
    EngineError,
    LocalPlatformError,
    LoginRefused,
    NotFound,
    SettingsError,
    ZooKeeperUnavailable,
)
from tests.engine.cli.conftest import Run
from tests.support import eventually

COMMAND = [sys.executable, "-m", "engine.cli.main"]


def test_help_names_every_verb(run: Run) -> None:
    ended = run("--help")
    assert ended.code == ExitCode.OK
    for name, listing in LISTINGS.items():
        assert f"{name} " in ended.out
        assert listing.summary in ended.out


def test_without_a_verb_the_usage_is_shown(run: Run) -> None:
    assert run().code == ExitCode.USAGE


@pytest.mark.parametrize("name", LISTINGS)
def test_every_verb_is_there_and_has_a_help(run: Run, name: str) -> None:
    assert callable(find_verb(name).run)
    ended = run(name, "--help")
    assert ended.code == ExitCode.OK
    assert f"nuvla-engine {name}" in ended.out


def test_a_mistyped_verb_is_guessed(run: Run) -> None:
    ended = run("quue")
    assert ended.code == ExitCode.USAGE
    assert "did you mean 'queue'" in ended.err
    assert ended.out == ""


@pytest.mark.parametrize("flag", ["--version", "-V", "version"])
def test_the_version_is_told(run: Run, flag: str) -> None:
    ended = run(flag)
    assert ended.code == ExitCode.OK
    assert ended.out.startswith("nuvla-engine 0.")


def test_the_version_has_a_json_form(run: Run) -> None:
    assert run("version", "--json").json["schema"] == "nuvla-engine/version/1"


@pytest.mark.parametrize(
    "arguments",
    [
        ("queue", "--limit", "0"),
        ("queue", "--limit", "x"),
        ("queue", "--no-such-flag"),
        ("queue", "--zk-hosts", ":::"),
        ("queue", "--config", "/nowhere/settings.toml"),
        ("jobs", "--limit", "10001", "--api-authn-header", "group/nuvla-admin"),
        ("jobs",),
        ("job", "job/../user"),
        ("start", " ", "--api-authn-header", "group/nuvla-admin"),
        ("start", "x", "--priority", "1000"),
        ("executor", "--threads", "0"),
        ("executor", "--log-dir", "/proc/nowhere", "--api-authn-header", "group/nuvla-admin"),
        ("distributor",),
        ("local", "--data", "/tmp/x", "--zk-port", "70000"),
    ],
)
def test_a_mistake_of_the_user_is_one_line_and_exit_2(run: Run, arguments: tuple[str, ...]) -> None:
    ended = run(*arguments)
    assert ended.code == ExitCode.USAGE
    assert ended.out == ""
    assert len(ended.err.strip().splitlines()) == 1
    assert "Traceback" not in ended.err


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (SettingsError("x"), ExitCode.USAGE),
        (LoginRefused("x", status=403), ExitCode.USAGE),
        (ApiRefused("bad filter", status=400), ExitCode.USAGE),
        (ApiUnavailable("x"), ExitCode.UNREACHED),
        (ZooKeeperUnavailable("x"), ExitCode.UNREACHED),
        (NotFound("x", status=404), ExitCode.REFUSED),
        (LocalPlatformError("x"), ExitCode.REFUSED),
        (EngineError("x"), ExitCode.REFUSED),
    ],
)
def test_errors_have_their_exit_codes(error: EngineError, code: ExitCode) -> None:
    assert exit_code_for(error) is code


def test_a_closed_pipe_is_no_error_worth_a_word() -> None:
    reader, writer = os.pipe()
    os.close(reader)
    done = subprocess.run(
        [*COMMAND, "--help"], stdout=writer, stderr=subprocess.PIPE, timeout=60, check=False
    )
    os.close(writer)
    assert done.returncode == ExitCode.CLOSED_PIPE
    assert done.stderr == b""


def test_a_full_disk_is_told_in_one_line() -> None:
    with open("/dev/full", "wb") as full:
        done = subprocess.run(
            [*COMMAND, "--help"], stdout=full, stderr=subprocess.PIPE, timeout=60, check=False
        )
    assert done.returncode == ExitCode.REFUSED
    assert b"Traceback" not in done.stderr
    assert b"No space left" in done.stderr


def test_a_closed_stdout_is_borne() -> None:
    script = " ".join([*COMMAND, "version", ">&-", "2>&-"])
    done = subprocess.run(script, shell=True, timeout=60, check=False)
    assert done.returncode == ExitCode.OK


def test_a_terminal_that_is_not_utf8_shows_escapes() -> None:
    show = "from engine.cli.main import main, PROGRAM; import engine.cli.main as m\n"
    show += "m.overview = lambda: 'job/3d2f\u2026'; raise SystemExit(main(['--help']))"
    done = subprocess.run(
        [sys.executable, "-c", show],
        env={**os.environ, "PYTHONIOENCODING": "ascii"},
        capture_output=True,
        timeout=60,
        check=False,
    )
    assert (done.returncode, done.stdout) == (ExitCode.OK, b"job/3d2f\\u2026\n")


@pytest.mark.parametrize("verb", ["queue", "jobs", "start", "restore", "executor", "version"])
def test_a_verb_loads_only_what_it_needs(verb: str) -> None:
    script = f"from engine.cli.verbs import find_verb; find_verb({verb!r})\n"
    script += "import sys; print(*sys.modules)"
    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, timeout=60, check=True
    )
    loaded = set(done.stdout.split())
    assert not loaded & {"textual", "rich", "starlette", "uvicorn", "lark", "sqlite3", "nuvla.api"}


def test_ctrl_c_ends_a_verb_without_a_traceback() -> None:
    command = [*COMMAND, "queue", "--zk-hosts", "127.0.0.1:1"]
    verb = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    try:
        # It waits for ZooKeeper once its connection thread is there.
        tasks = f"/proc/{verb.pid}/task"
        eventually(lambda: len(os.listdir(tasks)) > 1, "the verb tries to connect")
        verb.send_signal(signal.SIGINT)
        _, err = verb.communicate(timeout=60)
    finally:
        verb.kill()
    assert verb.returncode == ExitCode.INTERRUPTED
    assert b"Traceback" not in err
