"""Tests of engine.cli.completions: what real shells offer with the scripts."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from engine.cli.completions import CONSOLE, ENGINE, SHELLS, console_parser, script
from engine.cli.verbs import LISTINGS
from nuvla_console.__main__ import _parser as real_console_parser
from tests.engine.cli.conftest import Run
from tests.support import program

# Bash calls the function with the words of the line; the word to complete comes last.
BASH = """
source "$1"; shift
COMP_WORDS=("$@"); COMP_CWORD=$(( $# - 1 ))
compopt() { :; }
previous=""; if [ $# -gt 1 ]; then previous="${COMP_WORDS[COMP_CWORD - 1]}"; fi
"_shtab_${1//-/_}" "$1" "${COMP_WORDS[COMP_CWORD]}" "$previous"
printf '%s\\n' "${COMPREPLY[@]}"
"""


def offered(folder: Path, *line: str, shell: str = "bash") -> set[str]:
    """Return what a shell offers for the last word of a line."""
    source = folder / f"completion.{shell}"
    source.write_text(script(shell, line[0]), encoding="utf-8")
    if shell == "bash":
        command = [program(shell), "--norc", "-c", BASH, "bash", str(source), *line]
    else:
        command = [
            program(shell),
            "--no-config",
            "-c",
            f'source "{source}"; complete -C "$argv"',
            *line,
        ]
    done = subprocess.run(
        command,
        cwd=folder,
        env={"HOME": str(folder), "PATH": "/usr/bin:/bin", "LANG": "C.UTF-8"},
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
    )
    assert done.stderr == ""
    return {text.split("\t")[0] for text in done.stdout.splitlines() if text}


@pytest.mark.parametrize("shell", ["bash", "fish"])
def test_the_verbs_and_their_flags_are_offered(tmp_path: Path, shell: str) -> None:
    assert offered(tmp_path, ENGINE, "", shell=shell) >= set(LISTINGS)
    assert offered(tmp_path, ENGINE, "distr", shell=shell) == {"distributor"}
    assert offered(tmp_path, ENGINE, "why", "--js", shell=shell) == {"--json"}
    assert {"--threads", "--endpoint", "-d"} <= (
        offered(tmp_path, ENGINE, "executor", "-", shell=shell)
    )


@pytest.mark.parametrize("shell", ["bash", "fish"])
def test_values_are_offered_where_they_are_known(tmp_path: Path, shell: str) -> None:
    (tmp_path / "own-actions").mkdir()
    assert offered(tmp_path, ENGINE, "queue", "--log-format", "", shell=shell) == {"text", "json"}
    assert offered(tmp_path, ENGINE, "completions", "f", shell=shell) == {"fish"}
    (found,) = offered(tmp_path, ENGINE, "executor", "--actions-path", "own-", shell=shell)
    assert found.rstrip("/") == "own-actions"


@pytest.mark.parametrize("shell", ["bash", "fish"])
def test_the_console_is_completed_too(tmp_path: Path, shell: str) -> None:
    assert "demo" in offered(tmp_path, CONSOLE, "", shell=shell)
    assert "--read-only" in offered(tmp_path, CONSOLE, "--read", shell=shell)


def test_the_console_s_parser_has_the_flags_of_the_real_one() -> None:
    real, ours = real_console_parser(), console_parser()
    assert set(ours._option_string_actions) == set(real._option_string_actions)


@pytest.mark.parametrize("command", [ENGINE, CONSOLE])
def test_zsh_takes_the_script_as_the_completion_of_the_command(
    tmp_path: Path, command: str
) -> None:
    (tmp_path / f"_{command}").write_text(script("zsh", command), encoding="utf-8")
    check = (
        f"fpath=({tmp_path} $fpath); autoload -Uz compinit; compinit -u -D; "
        f"print $_comps[{command}]; autoload -Uz +X _{command} && zsh -n {tmp_path}/_{command}"
    )
    done = subprocess.run(
        [program("zsh"), "-f", "-c", check],
        env={"HOME": str(tmp_path), "PATH": "/usr/bin:/bin"},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert (done.returncode, done.stdout, done.stderr) == (0, f"_{command}\n", "")


@pytest.mark.parametrize("shell", SHELLS)
def test_the_verb_prints_the_script(run: Run, shell: str) -> None:
    ended = run("completions", shell, "--command", CONSOLE)
    assert (ended.code, ended.err) == (0, "")
    assert ended.out == script(shell, CONSOLE) + "\n"


def test_an_unknown_shell_is_a_usage_error(run: Run) -> None:
    ended = run("completions", "csh")
    assert (ended.code, ended.out) == (2, "")
    assert "invalid choice: 'csh'" in ended.err
