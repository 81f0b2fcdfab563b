"""The files of the container: no engine for containers is at hand here, so they are read."""

from __future__ import annotations

import re
import runpy
import shlex
import sys
import tomllib
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
import yaml  # type: ignore[import-untyped]  # nuvla-api brings it

import engine.cli.main
from engine.cli.verbs import LISTINGS
from engine.settings.table import KEYS, Settings

ROOT = Path(__file__).parents[2]
CONTAINER = ROOT / "packaging" / "container"


def instructions() -> list[tuple[str, str]]:
    """Return the instructions of the Dockerfile, each with its arguments on one line."""
    text = (CONTAINER / "Dockerfile").read_text("utf-8")
    lines = [line for line in text.splitlines() if not line.startswith("#")]
    joined = re.sub(r"\\\n\s*", "", "\n".join(lines))
    split = (line.split(maxsplit=1) for line in joined.splitlines() if line.strip())
    return [(word.upper(), rest) for word, rest in split]


def last(word: str) -> str:
    """Return the arguments of the last instruction of a kind: the one that counts."""
    return [rest for found, rest in instructions() if found == word][-1]


def test_it_runs_as_a_user_that_is_not_root_and_is_known_by_number() -> None:
    uid, _, gid = last("USER").partition(":")
    assert int(uid) > 999 and int(gid) > 999
    words = [word for word, _ in instructions()]
    assert words.index("USER") > max(i for i, word in enumerate(words) if word == "COPY")


def test_the_base_is_a_slim_one_of_a_named_version() -> None:
    bases = [rest.split()[0] for word, rest in instructions() if word == "FROM"]
    assert bases == ["python:${PYTHON}-slim"] * 2
    assert re.fullmatch(r"PYTHON=3\.\d+", last("ARG"))


def test_all_that_is_copied_is_there_and_is_sent_to_the_builder() -> None:
    ignore = (ROOT / ".dockerignore").read_text("utf-8").splitlines()
    assert ignore[0] == "*"
    sent = {line[1:] for line in ignore if line.startswith("!")}
    for word, rest in instructions():
        assert word != "ADD"
        if word == "COPY" and "--from" not in rest:
            *sources, _ = [part for part in rest.split() if not part.startswith("--")]
            for source in sources:
                assert (ROOT / source).exists(), source
                assert source in sent, source


def test_the_extras_that_it_installs_exist() -> None:
    with (ROOT / "pyproject.toml").open("rb") as file:
        known = set(tomllib.load(file)["project"]["optional-dependencies"])
    runs = " ".join(rest for word, rest in instructions() if word == "RUN")
    (named,) = re.findall(r'"\.\[([a-z,]+)\]"', runs)
    assert set(named.split(",")) <= known


def test_its_health_is_what_ping_says() -> None:
    options, _, command = last("HEALTHCHECK").partition("CMD ")
    assert yaml.safe_load(command) == ["nuvla-engine", "ping"]
    assert "ping" in LISTINGS
    assert "--start-period=" in options


def test_nothing_is_written_into_its_root() -> None:
    assert "PYTHONDONTWRITEBYTECODE=1" in last("ENV")
    assert not [rest for word, rest in instructions() if word == "VOLUME"]


def compose() -> dict[str, Any]:
    """Return the services of the example."""
    text = (CONTAINER / "compose.yaml").read_text("utf-8")
    services: dict[str, Any] = yaml.safe_load(text)["services"]
    return services


@pytest.mark.parametrize("name", ["executor", "distributor"])
def test_the_example_confines_its_services(name: str) -> None:
    service = compose()[name]
    assert service["read_only"] is True
    assert service["cap_drop"] == ["ALL"]
    assert service["security_opt"] == ["no-new-privileges:true"]
    assert service["init"] is True


def test_the_example_names_verbs_and_variables_that_exist() -> None:
    known = {name for key in KEYS for name in key.variables}
    known |= {f"{key.variables[0]}_FILE" for key in KEYS if key.has_file}
    for service in compose().values():
        assert shlex.split(service["command"])[0] in LISTINGS
        assert set(service["environment"]) <= known


def test_the_example_waits_longer_than_running_jobs_have() -> None:
    patience = compose()["executor"]["stop_grace_period"]
    assert float(patience.removesuffix("s")) >= Settings().grace + 30


@pytest.mark.parametrize(
    ("script", "verb"),
    [
        ("job_executor.py", ["executor"]),
        ("job_distributor.py", ["distributor", "--all"]),
    ],
)
def test_the_published_image_s_commands_are_ours(
    script: str, verb: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    given: list[Sequence[str]] = []

    def note(argv: Sequence[str]) -> int:
        given.append(argv)
        return 7

    monkeypatch.setattr(engine.cli.main, "main", note)
    monkeypatch.setattr(sys, "argv", [f"/app/{script}", "--api-url", "http://api:8200"])
    with pytest.raises(SystemExit) as end:
        runpy.run_path(str(CONTAINER / "app" / script), run_name="__main__")
    assert end.value.code == 7
    assert given == [[*verb, "--api-url", "http://api:8200"]]
